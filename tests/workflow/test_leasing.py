"""The lease through the workflow: waiting in turn, losing it, stuck stacks, deadlines, a rollback that takes it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from namecard_release.adapters.commands import ProcessRunner
from namecard_release.domain.gates import CommandOutcome
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.errors import RefusedError
from namecard_release.workflow.deploying import deploy_release, find_assembly
from namecard_release.workflow.leasing import Heartbeat, hold_lease
from namecard_release.workflow.overdue import end_overdue
from namecard_release.workflow.pipeline import StoppedError
from namecard_release.workflow.promoting import Request, admit_promotion, close_failed_run, open_promotion
from namecard_release.workflow.rolling_back import wait_for_ends
from namecard_release.workflow.verifying import verify_release
from tests.fakes.processes import PidPipe, all_gone
from tests.fakes.world import A, B, World
from tests.workflow.test_promotion import Stage

P = PromotionPhase


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Make a stage."""
    world = World(tmp_path)
    return Stage(world, world.pipeline())


def _found(stage: Stage, promotion: Promotion) -> Promotion:
    found = stage.pipeline.ledger.promotion(promotion.id)
    assert found is not None
    return found


def _gated(stage: Stage, release: str, run: str) -> Promotion:
    promotion = stage.open(release, run)
    stage.gate(release, run)
    return admit_promotion(stage.pipeline, promotion)


def _turns(stage: Stage, *events: Callable[[], object]) -> Callable[[float], None]:
    """Wait by letting time pass; at each turn the next event happens."""
    left = list(events)

    def wait(seconds: float) -> None:
        stage.world.pass_time(seconds)
        if left:
            left.pop(0)()

    return wait


def test_a_promotion_waits_for_its_turn_and_says_for_whom(stage: Stage) -> None:
    promotion, lines = _gated(stage, A, "run-1"), list[str]()
    busy = stage.pipeline.ledger.take_lease("staging", "p-9", 3600)
    wait = _turns(stage, lambda: None, busy.release)
    with hold_lease(stage.pipeline, "staging", promotion.id, wait=wait, on_line=lines.append) as heartbeat:
        heartbeat.confirm()
    assert lines == ["waiting: staging is being changed by p-9"]
    assert _found(stage, promotion).phase is P.GATED
    stage.pipeline.ledger.take_lease("staging", "p-8", 30)


def test_a_wait_that_is_too_long_holds_and_names_the_holder(stage: Stage) -> None:
    promotion = _gated(stage, A, "run-1")
    stage.pipeline.ledger.take_lease("staging", "p-9", 36_000)
    with (
        pytest.raises(StoppedError, match=r"its turn did not come within 1800 s: staging is being changed by p-9"),
        hold_lease(stage.pipeline, "staging", promotion.id, wait=_turns(stage)),
    ):
        pytest.fail("it has no lease")
    assert _found(stage, promotion).phase is P.HELD
    assert "p-9" in _found(stage, promotion).reason


def test_a_newer_commit_supersedes_one_that_waits(stage: Stage) -> None:
    older, newer = _gated(stage, A, "run-1"), _gated(stage, B, "run-2")
    stage.pipeline.ledger.take_lease("staging", "p-9", 36_000)
    ledger = stage.pipeline.ledger
    wait = _turns(stage, lambda: ledger.queue_lease("staging", newer.id, 30))
    with (
        pytest.raises(StoppedError, match=f"SUPERSEDED: superseded by {newer.id}"),
        hold_lease(stage.pipeline, "staging", older.id, wait=wait),
    ):
        pytest.fail("it has no lease")
    assert (_found(stage, older).phase, _found(stage, newer).phase) == (P.SUPERSEDED, P.GATED)


def test_one_that_is_ended_while_it_waits_waits_no_longer(stage: Stage) -> None:
    promotion = _gated(stage, A, "run-1")
    ledger = stage.pipeline.ledger
    ledger.take_lease("staging", "p-9", 36_000)
    wait = _turns(stage, lambda: ledger.move(promotion.id, P.ABORTED, stage.world.time, "stopped by ada"))
    with (
        pytest.raises(RefusedError, match="ABORTED and no longer waits: stopped by ada"),
        hold_lease(stage.pipeline, "staging", promotion.id, wait=wait),
    ):
        pytest.fail("it has no lease")
    assert _found(stage, promotion).phase is P.ABORTED


def test_one_that_is_interrupted_while_it_waits_gives_its_place_up(stage: Stage) -> None:
    first, second = _gated(stage, A, "run-1"), _gated(stage, A, "run-2")
    ledger = stage.pipeline.ledger
    busy = ledger.take_lease("staging", "p-9", 36_000)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        hold_lease(stage.pipeline, "staging", first.id, wait=_turns(stage, interrupt)),
    ):
        pytest.fail("it has no lease")
    busy.release()
    assert not isinstance(ledger.queue_lease("staging", second.id, 30), tuple)


def _deploy(stage: Stage, promotion: Promotion, prepare: Callable[[Heartbeat], object] = lambda _: None) -> Promotion:
    assembly = find_assembly(stage.pipeline, promotion, "staging")
    with hold_lease(stage.pipeline, "staging", promotion.id) as heartbeat:
        prepare(heartbeat)

        def wait(seconds: float) -> None:
            stage.world.pass_time(seconds)
            heartbeat.confirm()

        return deploy_release(stage.pipeline, promotion, assembly, heartbeat, print, wait)[0]


def _force(stage: Stage) -> object:
    return stage.pipeline.ledger.take_lease("staging", "rollback-1", 30, force=True)


def test_a_holder_whose_lease_was_taken_does_not_begin_to_deploy(stage: Stage) -> None:
    promotion = _gated(stage, A, "run-1")
    with pytest.raises(RefusedError, match="taken by rollback-1"):
        _deploy(stage, promotion, lambda _: _force(stage))
    assert stage.world.deploys == [] and _found(stage, promotion).phase is P.GATED


def test_the_lease_is_confirmed_in_the_ledger_right_before_cdk_starts(stage: Stage) -> None:
    promotion = _gated(stage, A, "run-1")

    def prepare(heartbeat: Heartbeat) -> None:
        confirm = heartbeat.confirm
        heartbeat.confirm = lambda: (_force(stage), confirm())[1]  # type: ignore[method-assign]

    with pytest.raises(RefusedError, match="no longer has the lease"):
        _deploy(stage, promotion, prepare)
    assert stage.world.deploys == []


def test_a_lease_lost_during_the_deploy_ends_cdk_and_leaves_the_phase_to_whoever_took_it(stage: Stage) -> None:
    promotion = _gated(stage, A, "run-1")

    def prepare(heartbeat: Heartbeat) -> None:
        heartbeat._beat = 0.001
        stage.world.during_deploy = lambda: (_force(stage), heartbeat._thread.join(timeout=10))

    with pytest.raises(RefusedError, match="no longer has the lease"):
        _deploy(stage, promotion, prepare)
    found = _found(stage, promotion)
    assert (stage.world.deployed, found.phase, found.code_changed) == (None, P.DEPLOYING, True)
    assert close_failed_run(stage.pipeline, promotion.id, "run-1", P.FAILED, "no longer has the lease")
    assert _found(stage, promotion).phase is P.FAILED


def test_a_lease_taken_by_force_ends_the_running_command_and_its_children_promptly(
    stage: Stage, tmp_path: Path
) -> None:
    promotion, pipe = _gated(stage, A, "run-1"), PidPipe(tmp_path / "pids")
    script = "sleep 300 & echo $! > $PIDS; setsid sleep 300 & echo $! > $PIDS; wait"
    with hold_lease(stage.pipeline, "staging", promotion.id) as heartbeat, ThreadPoolExecutor(1) as pool:
        words, env = ("/bin/sh", "-c", script), {"PIDS": str(tmp_path / "pids")}
        enough = lambda: heartbeat.is_lost  # noqa: E731
        command = pool.submit(ProcessRunner().run, words, tmp_path, env, 60, None, enough)
        pids = pipe.read(2, 30)
        assert not all_gone(pids, 0)
        _force(stage)
        # A heart-beat is two seconds, and the command is looked at four times a second.
        assert all_gone(pids, 5)
        assert command.result(10).cut_short
        with pytest.raises(RefusedError):
            heartbeat.check()
    pipe.close()


def test_a_holder_that_lost_its_lease_after_the_deploy_concludes_nothing(stage: Stage) -> None:
    promotion = _gated(stage, A, "run-1")
    assembly = find_assembly(stage.pipeline, promotion, "staging")
    with hold_lease(stage.pipeline, "staging", promotion.id) as heartbeat:
        done, _ = deploy_release(stage.pipeline, promotion, assembly, heartbeat, print)
        verify_release(heartbeat.pipeline, done, assembly, stage.world.files[A])
        _force(stage)
        before = stage.pipeline.ledger.moves(promotion.id)
        with pytest.raises(RefusedError, match="taken by rollback-1"):
            heartbeat.pipeline.ledger.move(promotion.id, P.BAKING, stage.world.time)
    assert stage.pipeline.ledger.moves(promotion.id) == before


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_FAILED", "REVIEW_IN_PROGRESS"])
def test_a_stuck_stack_holds_with_the_way_out_and_nothing_is_deployed(stage: Stage, status: str) -> None:
    promotion = _gated(stage, A, "run-1")
    stage.world.statuses = [status]
    with pytest.raises(StoppedError, match=f"HELD: NameCardDb-staging is {status}: .*aws cloudformation"):
        _deploy(stage, promotion)
    assert stage.world.deploys == [] and _found(stage, promotion).phase is P.HELD


def test_a_stack_in_progress_past_its_deadline_holds_with_the_way_out(stage: Stage) -> None:
    promotion = _gated(stage, A, "run-1")
    stage.world.statuses = ["UPDATE_ROLLBACK_IN_PROGRESS"]
    began = stage.world.time
    with pytest.raises(StoppedError, match=r"HELD: .*UPDATE_ROLLBACK_IN_PROGRESS: it hangs"):
        _deploy(stage, promotion)
    assert 1800 <= (stage.world.time - began).total_seconds() < 1810
    assert stage.world.deploys == []


def test_a_failed_first_creation_tells_the_way_out_and_keeps_no_code(stage: Stage) -> None:
    promotion = _gated(stage, A, "run-1")
    stage.world.deploy_outcome = CommandOutcome(("cdk",), 1, 2.0, ("RunMigrations failed",))
    stage.world.statuses = ["UPDATE_COMPLETE", "UPDATE_COMPLETE", "ROLLBACK_COMPLETE"]
    with pytest.raises(StoppedError, match=r"RunMigrations failed; .*first creation failed.*delete-stack"):
        _deploy(stage, promotion)
    assert not _found(stage, promotion).code_changed


@pytest.mark.parametrize("phase", [P.REQUESTED, P.GATED, P.DEPLOYING, P.VERIFYING])
def test_an_overdue_promotion_is_held_and_its_run_fenced(stage: Stage, phase: PromotionPhase) -> None:
    promotion = stage.open(A) if phase is P.REQUESTED else _gated(stage, A, "run-1")
    ledger = stage.pipeline.ledger
    for step in (P.DEPLOYING, P.VERIFYING)[: {P.DEPLOYING: 1, P.VERIFYING: 2}.get(phase, 0)]:
        ledger.move(promotion.id, step, stage.world.time)
    lease = ledger.take_lease("staging", promotion.id, 36_000)
    assert end_overdue(stage.pipeline) == ()
    stage.world.pass_time(7201)
    (ended,) = end_overdue(stage.pipeline)
    assert ended.promotion.id == promotion.id and ended.promotion.run_id == "run-1"
    found = _found(stage, promotion)
    assert found.phase is P.HELD and "took longer than" in found.reason
    with pytest.raises(RefusedError):
        ledger.fenced(lease).move(promotion.id, P.REQUESTED, stage.world.time)
    assert end_overdue(stage.pipeline) == ()
    ledger.take_lease("staging", "p-9", 30)


def test_one_that_moved_on_meanwhile_is_left_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    promotion = _gated(stage, A, "run-1")
    ledger: Any = stage.pipeline.ledger
    revoke = ledger.revoke_lease

    def racing(environment: str, holder: str) -> bool:
        ledger.move(promotion.id, P.DEPLOYING, stage.world.time)
        return bool(revoke(environment, holder))

    monkeypatch.setattr(ledger, "revoke_lease", racing)
    stage.world.pass_time(7201)
    assert end_overdue(stage.pipeline) == ()
    assert _found(stage, promotion).phase is P.DEPLOYING


def test_a_rollback_is_not_kept_waiting_by_a_run_that_does_not_end() -> None:
    waited: list[float] = []
    assert wait_for_ends(lambda: len(waited) >= 3, waited.append) and len(waited) == 3
    waited.clear()
    assert not wait_for_ends(lambda: False, waited.append)
    assert 5 <= sum(waited) <= 10


def test_the_kind_of_a_request_stays_in_its_id(stage: Stage) -> None:
    request = Request("staging", A, PromotionKind.ROLLBACK, "ada", "why", "run-1", "run-1")
    assert open_promotion(stage.pipeline, request).id != stage.open(A).id
