"""The API scenarios after a deploy: asked for by the environment, part of what is verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from namecard_release.domain.gates import CommandOutcome, Verdict
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.errors import TransientError
from namecard_release.workflow.deploying import deploy_release, find_assembly
from namecard_release.workflow.leasing import hold_lease
from namecard_release.workflow.pipeline import StoppedError
from namecard_release.workflow.promoting import admit_promotion
from namecard_release.workflow.scenarios import run_scenarios
from namecard_release.workflow.verifying import SCENARIOS_GATE, conclude_deployment, verify_release
from tests.fakes.world import A, World
from tests.workflow.test_promotion import Stage

ADDRESS = "http://api/staging"
COMMAND = ("pnpm", "run", "test:e2e:api:staging", "--", "--base-url", ADDRESS)


def stage_of(folder: Path, scenarios: bool = True) -> Stage:
    """Make a stage whose environments ask for the scenarios, or do not."""
    world = World(folder, scenarios=scenarios)
    return Stage(world, world.pipeline())


def promote(stage: Stage) -> Promotion:
    """Promote as the deployment asset does."""
    promotion = stage.open(A)
    stage.gate(A)
    admitted = admit_promotion(stage.pipeline, promotion)
    assembly = find_assembly(stage.pipeline, admitted, "staging")
    with hold_lease(stage.pipeline, "staging", admitted.id) as heartbeat:
        done, _ = deploy_release(stage.pipeline, admitted, assembly, heartbeat, print, lambda _: None)
        verified = verify_release(stage.pipeline, done, assembly, stage.pipeline.repository.migration_files(A))
        return conclude_deployment(stage.pipeline, run_scenarios(stage.pipeline, verified, print), "run-1")


def recorded(stage: Stage) -> list[tuple[Verdict, str]]:
    """Give the recorded results of the scenarios."""
    results = stage.pipeline.ledger.gates(A, "staging")
    return [(result.verdict, result.reason) for result in results if result.gate == SCENARIOS_GATE]


def test_they_run_over_the_public_address(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    assert promote(stage).phase is PromotionPhase.BAKING
    assert stage.world.ran[-1] == COMMAND
    assert recorded(stage) == [(Verdict.PASSED, "1 of 1 phases passed")]


def test_nothing_runs_where_nobody_asks(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, scenarios=False)
    assert promote(stage).phase is PromotionPhase.BAKING
    assert COMMAND not in stage.world.ran and recorded(stage) == []


@pytest.mark.parametrize(
    ("outcome", "phase", "told"),
    [
        (CommandOutcome(COMMAND, 1, 2.0), PromotionPhase.FAILED, "scenarios: exit 1: GET /v1/cards answered 500"),
        (CommandOutcome(COMMAND, None, 9.0, timed_out=True), PromotionPhase.HELD, "scenarios: gave no result"),
        (CommandOutcome(COMMAND, None, 0.0, not_started="no pnpm"), PromotionPhase.HELD, "scenarios: did not start"),
    ],
)
def test_a_failure_fails_the_promotion_and_no_result_holds_it(
    tmp_path: Path, outcome: CommandOutcome, phase: PromotionPhase, told: str
) -> None:
    stage = stage_of(tmp_path)
    stage.world.failing[ADDRESS], stage.world.output[ADDRESS] = outcome, ("ERROR: GET /v1/cards answered 500",)
    with pytest.raises(StoppedError, match=told):
        promote(stage)
    (last,) = stage.pipeline.ledger.history("staging")
    assert last.phase is phase
    ((_, reason),) = recorded(stage)
    assert reason.startswith(told)


def test_they_do_not_run_on_an_environment_that_is_sick(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    stage.world.sick.add("cards")
    with pytest.raises(StoppedError, match="cards: answered 500"):
        promote(stage)
    assert COMMAND not in stage.world.ran
    assert recorded(stage) == [(Verdict.UNKNOWN, "scenarios: not run after the verification")]


def test_a_checkout_that_cannot_be_made_ready_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise TransientError("the repository did not answer")

    stage = stage_of(tmp_path)
    monkeypatch.setattr("namecard_release.workflow.scenarios.ready_source", refuse)
    with pytest.raises(StoppedError, match="scenarios: not run: the repository did not answer"):
        promote(stage)
    assert stage.pipeline.ledger.history("staging")[0].phase is PromotionPhase.HELD
