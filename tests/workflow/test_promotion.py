"""A promotion through the workflow: gates, plan, assembly, deploy, verification, bake, and everything that stops it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.audit import AUTOMATION
from namecard_release.domain.gates import CommandOutcome, Verdict
from namecard_release.domain.migrations import TrialResult
from namecard_release.domain.promotion import Hold, Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.readiness import StackStatus
from namecard_release.errors import RefusedError
from namecard_release.workflow.assembling import build_assembly
from namecard_release.workflow.deploying import StackWatch, deploy_release, find_assembly
from namecard_release.workflow.gating import RELEASE_GATES, run_gate
from namecard_release.workflow.leasing import hold_lease
from namecard_release.workflow.pipeline import Pipeline, StoppedError
from namecard_release.workflow.planning import plan_release
from namecard_release.workflow.promoting import (
    Request,
    admit_promotion,
    close_failed_run,
    open_promotion,
    refuse_closed_entry,
)
from namecard_release.workflow.sources import ready_source
from namecard_release.workflow.verifying import conclude_deployment, verify_release
from tests.fakes.world import SECOND, START, A, B, World

FAILED_RUN = CommandOutcome(("pnpm",), 1, 2.0, ("2 problems",))


@dataclass
class Stage:
    """A world with its pipeline, promoting to staging."""

    world: World
    pipeline: Pipeline

    def open(self, release: str, run: str = "run-1", root: str | None = None) -> Promotion:
        """Open a promotion as a run does."""
        kind = PromotionKind.PROMOTION
        return open_promotion(self.pipeline, Request("staging", release, kind, "ada", "why", run, root or run))

    def gate(self, release: str, run: str = "run-1") -> None:
        """Run every gate."""
        source = ready_source(self.pipeline, release)
        gates = self.pipeline.settings.gates
        for name in RELEASE_GATES:
            run_gate(self.pipeline, name, source, getattr(gates, name), run, print)
        plan_release(self.pipeline, "staging", source, run, print)
        build_assembly(self.pipeline, "staging", source, run, print)

    def deploy(self, promotion: Promotion) -> Promotion:
        """Admit, deploy, verify and conclude, as the deployment asset does."""
        admitted = admit_promotion(self.pipeline, promotion)
        assembly = find_assembly(self.pipeline, admitted, "staging")
        with hold_lease(self.pipeline, "staging", admitted.id) as heartbeat:
            done, _ = deploy_release(self.pipeline, admitted, assembly, heartbeat, print, lambda _: None)
            files = self.pipeline.repository.migration_files(done.release)
            return conclude_deployment(self.pipeline, verify_release(self.pipeline, done, assembly, files), "run-1")

    def promote(self, release: str, run: str = "run-1") -> Promotion:
        """Do it all."""
        promotion = self.open(release, run)
        self.gate(release, run)
        return self.deploy(promotion)

    def phase(self, promotion: Promotion) -> PromotionPhase:
        """Read the phase from the ledger."""
        found = self.pipeline.ledger.promotion(promotion.id)
        assert found is not None
        return found.phase


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Make a stage."""
    world = World(tmp_path)
    return Stage(world, world.pipeline())


def test_a_good_release_bakes_with_its_schema_and_baseline(stage: Stage) -> None:
    done = stage.promote(A)
    assert done.phase is PromotionPhase.BAKING
    assert done.verified
    assert done.schema_version == "2026-01-01T0000__auth__create-users.sql"
    assert len(done.baseline) == 22
    assert done.bake_until is not None and done.deployed_at is not None
    assert (done.bake_until - done.deployed_at).total_seconds() == pytest.approx(60, abs=1)
    moves = [phase for _, phase, _ in stage.pipeline.ledger.moves(done.id)]
    assert moves == ["REQUESTED", "GATED", "DEPLOYING", "VERIFYING", "BAKING"]


def test_pending_migrations_are_tried_before_and_applied_by_the_deploy(stage: Stage) -> None:
    stage.promote(A, "run-1")
    done = stage.promote(B, "run-2")
    assert stage.world.trials == [("2026-01-01T0000__auth__create-users.sql",), (SECOND.name,)]
    assert done.schema_version == SECOND.name
    assert done.previous_release == A


@pytest.mark.parametrize(
    ("script", "gate"),
    [("lint:all", "quality"), ("launch:verify", "launch_readiness"), ("lint:migrations", "migration_plan")],
)
def test_a_failed_gate_refuses_and_nothing_is_deployed(stage: Stage, script: str, gate: str) -> None:
    stage.world.failing[script] = FAILED_RUN
    promotion = stage.open(A)
    stage.gate(A)
    with pytest.raises(StoppedError, match=gate):
        stage.deploy(promotion)
    assert stage.phase(promotion) is PromotionPhase.FAILED
    assert stage.world.deploys == []


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (CommandOutcome(("pnpm",), None, 900.0, timed_out=True), "no result within 900 s"),
        (CommandOutcome(("pnpm",), None, 0.0, not_started="no such program"), "did not start"),
    ],
)
def test_a_gate_without_a_result_holds(stage: Stage, outcome: CommandOutcome, told: str) -> None:
    stage.world.failing["test:core"] = outcome
    promotion = stage.open(A)
    stage.gate(A)
    with pytest.raises(StoppedError, match=told):
        stage.deploy(promotion)
    assert stage.phase(promotion) is PromotionPhase.HELD


def test_a_failing_trial_names_the_file(stage: Stage) -> None:
    stage.world.trial = TrialResult(failed=SECOND.name, error="duplicate key value")
    promotion = stage.open(B)
    stage.gate(B)
    with pytest.raises(StoppedError, match=f"{SECOND.name}: duplicate key value"):
        stage.deploy(promotion)


def test_an_unreachable_target_is_unknown_and_holds(stage: Stage) -> None:
    stage.world.unreachable.add("database")
    promotion = stage.open(A)
    stage.gate(A)
    with pytest.raises(StoppedError, match="was not read"):
        stage.deploy(promotion)
    assert stage.phase(promotion) is PromotionPhase.HELD


def test_an_empty_bundle_is_refused_before_the_deploy(stage: Stage) -> None:
    promotion = stage.open(A)
    stage.gate(A)
    kept = next(iter(stage.world.assemblies.values()))
    stage.world.assemblies[kept.digest] = replace(kept, migrations=())
    built = build_assembly(stage.pipeline, "staging", ready_source(stage.pipeline, A), "run-1", print)
    assert built.reused and built.result.verdict is Verdict.FAILED
    with pytest.raises(StoppedError, match=r"bundle: missing 2026-01-01T0000__auth__create-users\.sql"):
        stage.deploy(promotion)
    assert stage.world.deploys == []


def test_a_green_deploy_that_applied_nothing_fails(stage: Stage) -> None:
    promotion = stage.open(A)
    stage.gate(A)
    stage.world.assemblies = {d: replace(a, migrations=()) for d, a in stage.world.assemblies.items()}
    with pytest.raises(StoppedError, match="deployed, yet not applied"):
        stage.deploy(promotion)
    assert stage.phase(promotion) is PromotionPhase.FAILED


@pytest.mark.parametrize(("change", "phase"), [("sick", PromotionPhase.FAILED), ("silent", PromotionPhase.HELD)])
def test_probes_after_the_deploy_decide(stage: Stage, change: str, phase: PromotionPhase) -> None:
    promotion = stage.open(A)
    stage.gate(A)
    if change == "sick":
        stage.world.sick.add("cards")
    else:
        stage.world.unreachable.add("services")
    with pytest.raises(StoppedError):
        stage.deploy(promotion)
    assert stage.phase(promotion) is phase


def test_a_failed_deploy_tells_the_end_of_its_output(stage: Stage) -> None:
    stage.world.deploy_outcome = CommandOutcome(("cdk",), 1, 9.0, ("NameCardApi-staging | RunMigrations failed",))
    promotion = stage.open(A)
    stage.gate(A)
    with pytest.raises(StoppedError, match="RunMigrations failed"):
        stage.deploy(promotion)
    found = stage.pipeline.ledger.promotion(promotion.id)
    assert found is not None and not found.code_changed


def test_a_killed_run_resumes_without_a_second_deploy(stage: Stage) -> None:
    promotion = stage.open(A, "run-1")
    stage.gate(A)
    admitted = admit_promotion(stage.pipeline, promotion)
    assembly = find_assembly(stage.pipeline, admitted, "staging")
    ledger = stage.pipeline.ledger
    ledger.move(admitted.id, PromotionPhase.DEPLOYING, stage.world.time, deploy_started_at=stage.world.time)
    # cdk was killed, CloudFormation went on and ended.
    stage.pipeline.site("staging").deployer.deploy(assembly, ())
    stage.world.statuses = ["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert close_failed_run(stage.pipeline, promotion.id, "run-1", PromotionPhase.FAILED, "killed")
    resumed = stage.open(A, "run-2", root="run-1")
    assert resumed.id == promotion.id and resumed.phase is PromotionPhase.REQUESTED
    done = stage.deploy(resumed)
    assert done.phase is PromotionPhase.BAKING
    assert stage.world.deploys == [A]


def test_a_resumed_run_whose_end_was_not_noticed_goes_on(stage: Stage) -> None:
    promotion = stage.open(A, "run-1")
    stage.gate(A)
    admit_promotion(stage.pipeline, promotion)
    resumed = stage.open(A, "run-2", root="run-1")
    assert resumed.phase is PromotionPhase.GATED and resumed.run_id == "run-2"
    assert not close_failed_run(stage.pipeline, promotion.id, "run-1", PromotionPhase.FAILED, "killed")
    assert stage.deploy(resumed).phase is PromotionPhase.BAKING


@pytest.mark.parametrize(
    ("kind", "phase", "resumes"),
    [
        (PromotionKind.PROMOTION, PromotionPhase.FAILED, True),
        (PromotionKind.PROMOTION, PromotionPhase.HELD, False),
        (PromotionKind.PROMOTION, PromotionPhase.ABORTED, False),
        (PromotionKind.ROLLBACK, PromotionPhase.FAILED, True),
        (PromotionKind.ROLLBACK, PromotionPhase.HELD, True),
        (PromotionKind.ROLLBACK, PromotionPhase.ABORTED, False),
    ],
)
def test_what_was_held_or_stopped_is_resumed_by_people_only(
    stage: Stage, kind: PromotionKind, phase: PromotionPhase, resumes: bool
) -> None:
    request = Request("staging", A, kind, "ada", "why", "run-1", "run-1")
    promotion = open_promotion(stage.pipeline, request)
    stage.pipeline.ledger.move(promotion.id, phase, stage.world.time, "its process is gone")
    retry = replace(request, run_id="run-2", retried=True)
    if resumes:
        assert open_promotion(stage.pipeline, retry).phase is PromotionPhase.REQUESTED
        (told,) = stage.pipeline.ledger.audit_entries(limit=1)
        assert (told.actor, told.action, told.reason) == (AUTOMATION, f"{kind} resumed", "resumed by itself")
        return
    with pytest.raises(RefusedError, match="only a person resumes it"):
        open_promotion(stage.pipeline, retry)
    assert stage.phase(promotion) is phase
    assert open_promotion(stage.pipeline, replace(request, run_id="run-3")).phase is PromotionPhase.REQUESTED


@pytest.mark.parametrize("phase", [PromotionPhase.SUPERSEDED, PromotionPhase.ROLLED_BACK])
def test_what_was_undone_is_not_resumed(stage: Stage, phase: PromotionPhase) -> None:
    promotion = stage.promote(A, "run-1")
    stage.pipeline.ledger.move(promotion.id, phase, stage.world.time, "by another")
    resumed = stage.open(A, "run-2", root="run-1")
    with pytest.raises(RefusedError, match=f"is {phase}: by another\npromote the release anew"):
        admit_promotion(stage.pipeline, resumed)
    assert stage.phase(promotion) is phase


def test_a_held_release_does_not_enter(stage: Stage) -> None:
    stage.pipeline.ledger.hold(Hold("staging", A, "rolled back", "sensor", START))
    promotion = stage.open(A)
    with pytest.raises(StoppedError, match="held in staging"):
        refuse_closed_entry(stage.pipeline, promotion)
    assert stage.phase(promotion) is PromotionPhase.HELD


def test_prod_asks_for_a_release_that_is_healthy_in_staging(stage: Stage) -> None:
    request = Request("prod", A, PromotionKind.PROMOTION, "ada", "why", "run-9", "run-9")
    promotion = open_promotion(stage.pipeline, request)
    with pytest.raises(StoppedError, match="healthy in staging"):
        refuse_closed_entry(stage.pipeline, promotion)


def test_a_second_promotion_supersedes_one_that_still_bakes(stage: Stage) -> None:
    first = stage.promote(A, "run-1")
    stage.promote(B, "run-2")
    assert stage.phase(first) is PromotionPhase.SUPERSEDED


def test_an_alarm_from_before_the_deploy_is_in_the_baseline(stage: Stage) -> None:
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    done = stage.promote(A)
    assert [r.name for r in done.baseline if r.state is AlarmState.ALARM] == ["CardsErrorsAlarm"]


def test_an_assembly_is_built_once_for_the_same_inputs(stage: Stage) -> None:
    stage.promote(A, "run-1")
    before = len(stage.world.ran)
    built = build_assembly(stage.pipeline, "staging", ready_source(stage.pipeline, A), "run-2", print)
    assert built.reused
    assert len(stage.world.ran) == before


def test_a_deploy_is_watched_in_cloudformation(stage: Stage) -> None:
    stage.gate(B)
    watch = StackWatch(stage.pipeline.site("staging"), (StackStatus("NameCardDb-staging", None),))
    assert not watch.is_deployed(frozenset())
    assert watch.is_deployed(frozenset({"NameCardDb-staging", "NameCardApi-staging"}))
    stage.world.unreachable.add("stacks")
    assert not watch.is_deployed(frozenset({"NameCardDb-staging", "NameCardApi-staging"}))


def test_a_long_deploy_is_looked_at_less_often(stage: Stage) -> None:
    watch = StackWatch(stage.pipeline.site("staging"), ())
    done = frozenset({"NameCardDb-staging", "NameCardApi-staging"})
    looks = [watch.is_deployed(done) for _ in range(100)]
    assert all(looks[:60])
    assert sum(looks[60:]) == 5
