"""Waivers granted, refused, revoked, and what they mean for a promotion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from namecard_release.domain.gates import CommandOutcome, Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.status import describe_environment
from namecard_release.domain.waivers import Waiver
from namecard_release.errors import MisuseError, RefusedError
from namecard_release.gate_settings import GatePolicy
from namecard_release.workflow.assembling import build_assembly
from namecard_release.workflow.gating import RELEASE_GATES, run_gate
from namecard_release.workflow.pipeline import Pipeline, StoppedError
from namecard_release.workflow.planning import plan_release
from namecard_release.workflow.promoting import Request, admit_promotion, close_failed_run, open_promotion
from namecard_release.workflow.sources import ready_source
from namecard_release.workflow.waiving import WaiverRequest, look_with_waivers, unwaive_gate, waive_gate
from tests.fakes.world import START, A, B, World

ASKED = WaiverRequest("quality", A, None, "ada", "known flake", "2h")
FAILED_RUN = CommandOutcome(("pnpm",), 1, 2.0, ("2 problems",))


@dataclass
class Stage:
    """A world with its pipeline."""

    world: World
    pipeline: Pipeline

    def waive(self, request: WaiverRequest = ASKED) -> Waiver:
        """Waive a gate now."""
        return waive_gate(self.pipeline.settings, self.pipeline.ledger, request, self.world.time)

    def promotion(self, environment: str = "staging") -> Promotion:
        """Open a promotion of A and run its gates."""
        kind = PromotionKind.PROMOTION
        request = Request(environment, A, kind, "ada", "why", f"run-{environment}", f"run-{environment}")
        opened = open_promotion(self.pipeline, request)
        source, gates = ready_source(self.pipeline, A), self.pipeline.settings.gates
        for name in RELEASE_GATES:
            run_gate(self.pipeline, name, source, getattr(gates, name), request.run_id, print)
        plan_release(self.pipeline, environment, source, request.run_id, print)
        build_assembly(self.pipeline, environment, source, request.run_id, print)
        return opened


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Make a stage on which the quality gate fails."""
    world = World(tmp_path)
    world.failing["lint:all"] = FAILED_RUN
    return Stage(world, world.pipeline())


def test_a_waived_gate_admits_and_the_promotion_tells_it(stage: Stage) -> None:
    stage.waive()
    promotion = stage.promotion()
    admitted = admit_promotion(stage.pipeline, promotion)
    assert admitted.phase is PromotionPhase.GATED
    told = "quality WAIVED (FAILED: lint: exit 1) by ada until 2026-03-02 11:00 UTC: known flake"
    assert admitted.waived == (told,)
    *_, (_, _, why) = stage.pipeline.ledger.moves(promotion.id)
    assert why == f"4 of 5 gates passed, waived: {told}"
    assert stage.pipeline.ledger.history()[0].waived == (told,)
    # What the gate said stays in the ledger.
    assert next(r for r in stage.pipeline.ledger.gates(A) if r.gate == "quality").verdict is Verdict.FAILED
    serving = replace(admitted, code_changed=True)
    assert describe_environment("staging", (serving,), ()).waived == (told,)


@pytest.mark.parametrize("environment", ["prod", "dev"])
def test_a_waiver_for_one_environment_counts_there_alone(stage: Stage, environment: str) -> None:
    stage.waive(replace(ASKED, environment="staging"))
    # Of the three only prod asks for another one first, and this is about gates.
    settings = stage.pipeline.settings
    free = {name: one.model_copy(update={"requires": ()}) for name, one in settings.environments.items()}
    stage.pipeline = replace(stage.pipeline, settings=settings.model_copy(update={"environments": free}))
    with pytest.raises(StoppedError, match="failed gates: quality"):
        admit_promotion(stage.pipeline, stage.promotion(environment))
    assert admit_promotion(stage.pipeline, stage.promotion("staging")).phase is PromotionPhase.GATED


@pytest.mark.parametrize("how", ["expired", "revoked", "unwaivable since", "of another release"])
def test_a_waiver_that_does_not_count_admits_nothing(stage: Stage, how: str) -> None:
    stage.waive(replace(ASKED, release=B) if how == "of another release" else ASKED)
    promotion = stage.promotion()
    if how == "expired":
        stage.world.pass_time(2 * 3600)
    elif how == "revoked":
        settings, ledger = stage.pipeline.settings, stage.pipeline.ledger
        (revoked,) = unwaive_gate(settings, ledger, "quality", A, None, "bob", stage.world.time)
        assert revoked.revoked_by == "bob"
    elif how == "unwaivable since":
        gates = stage.pipeline.settings.gates.model_copy(update={"policy": {"quality": GatePolicy(waivable=False)}})
        stage.pipeline = replace(stage.pipeline, settings=stage.pipeline.settings.model_copy(update={"gates": gates}))
    with pytest.raises(StoppedError, match="failed gates: quality: lint: exit 1"):
        admit_promotion(stage.pipeline, promotion)


def test_a_failed_run_does_not_blame_what_was_waived(stage: Stage) -> None:
    stage.waive()
    stage.world.failing["launch:verify"] = FAILED_RUN
    promotion = stage.promotion()
    assert close_failed_run(stage.pipeline, promotion.id, "run-staging", PromotionPhase.FAILED, "it failed")
    assert stage.pipeline.ledger.history()[0].reason == "failed gates: launch_readiness: launch_verify: exit 1"


def test_a_waived_result_is_never_reused(stage: Stage) -> None:
    stage.waive()
    admit_promotion(stage.pipeline, stage.promotion())
    ran = len(stage.world.ran)
    stage.promotion()
    assert [words[-1] for words in stage.world.ran[ran:]] == ["lint:all"]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"gate": "typo"}, MisuseError, "unknown gate 'typo': there are quality"),
        ({"gate": "verification"}, MisuseError, "unknown gate"),
        ({"environment": "mars"}, MisuseError, "unknown environment 'mars'"),
        ({"reason": " "}, MisuseError, "needs its reason"),
        ({"actor": ""}, MisuseError, "needs its actor"),
        ({"actor": "\t", "reason": ""}, MisuseError, "needs its actor and reason"),
        ({"expires": "2026-03-02T08:00:00Z"}, MisuseError, "--expires: .* has passed"),
        ({"expires": "8d"}, MisuseError, "lasts 7 days"),
        ({"expires": "soon"}, MisuseError, "neither a moment"),
        ({"gate": "migration_plan"}, RefusedError, "migration_plan is not waived"),
        ({"gate": "assembly"}, RefusedError, "assembly is not waived"),
    ],
)
def test_a_waiver_that_makes_no_sense_is_refused_and_nothing_kept(
    stage: Stage, change: dict[str, str], error: type[RefusedError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        stage.waive(replace(ASKED, **change))
    assert type(caught.value) is error
    assert stage.pipeline.ledger.waivers() == ()


def test_a_policy_may_make_a_gate_waivable_and_waivers_longer(stage: Stage) -> None:
    settings = stage.pipeline.settings
    policy = {"policy": {"assembly": GatePolicy(waivable=True)}, "longest_waiver_seconds": 30 * 86_400}
    gates = settings.gates.model_copy(update=policy)
    stage.pipeline = replace(stage.pipeline, settings=settings.model_copy(update={"gates": gates}))
    made = stage.waive(replace(ASKED, gate="assembly", expires="20d", actor=" ada ", reason=" why "))
    assert (made.actor, made.reason, made.expires_at) == ("ada", "why", START + timedelta(days=20))


@pytest.mark.parametrize(
    ("gate", "environment", "actor", "error"),
    [
        ("quality", None, "bob", RefusedError),
        ("quality", "prod", "bob", RefusedError),
        ("typo", "staging", "bob", MisuseError),
        ("quality", "mars", "bob", MisuseError),
        ("quality", "staging", " ", MisuseError),
    ],
)
def test_only_a_waiver_in_force_is_revoked(
    stage: Stage, gate: str, environment: str | None, actor: str, error: type[RefusedError]
) -> None:
    stage.waive(replace(ASKED, environment="staging"))
    with pytest.raises(error) as caught:
        unwaive_gate(stage.pipeline.settings, stage.pipeline.ledger, gate, A, environment, actor, stage.world.time)
    assert type(caught.value) is error
    (kept,) = stage.pipeline.ledger.waivers()
    assert kept.revoked_at is None


def test_nothing_is_looked_up_for_no_results(stage: Stage) -> None:
    assert look_with_waivers(stage.pipeline.settings, stage.pipeline.ledger, (), None, START) == ()
