"""The fast path over the fakes: what heals, what is left to the full rollback, what a killed run leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.fast_path import FAST_PATH_GATE, Purpose, StepState
from namecard_release.domain.gates import CommandOutcome, GateResult, Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action
from namecard_release.errors import RefusedError
from namecard_release.workflow.deploying import deploy_release
from namecard_release.workflow.fast_path import heal_traffic, verify_mended
from namecard_release.workflow.leasing import hold_lease
from namecard_release.workflow.pipeline import Pipeline, StoppedError
from namecard_release.workflow.promoting import Request, open_promotion, stop
from namecard_release.workflow.rolling_back import finish_rollback, load_target, plan_rollback, refuse_unsafe
from namecard_release.workflow.verifying import record_probes, verify_release
from namecard_release.workflow.watching import find_fallback, find_watched, look
from tests.fakes.switch import NAMES
from tests.fakes.world import A, B, World
from tests.workflow.test_promotion import Stage

P = PromotionPhase
Before = Callable[[Pipeline], object]


class Killed(BaseException):
    """The run's process is gone."""


def stage_of(folder: Path, own: dict[str, object] | None = None, aliased: tuple[str, ...] = ()) -> Stage:
    """Make a stage on which A baked well, and B bakes and is breached."""
    world = World(folder, own={"staging": own or {}})
    world.switch.aliased = aliased
    stage = Stage(world, world.pipeline())
    stage.promote(A, "run-a")
    world.pass_time(61)
    (baking,) = find_watched(stage.pipeline)
    assert look(stage.pipeline, baking, find_fallback(stage.pipeline, baking)).decision.action is Action.PROCEED
    stage.promote(B, "run-b")
    world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    world.deploys.clear()
    return stage


def roll_back(stage: Stage, run: str = "run-r", after_healing: Before = lambda _: None) -> Promotion:
    """Do what the step of a rollback's run does, as the job does it."""
    pipeline = stage.pipeline
    plan = plan_rollback(pipeline, "staging", None, "run-r")
    refuse_unsafe(plan, accepted=False)
    request = Request("staging", plan.target.release, PromotionKind.ROLLBACK, "sensor", "alarm", run, "run-r")
    rollback = open_promotion(pipeline, request)
    if rollback.phase is P.REQUESTED:
        rollback = pipeline.ledger.move(rollback.id, P.GATED, stage.world.time, "no gates")
    with hold_lease(pipeline, "staging", rollback.id, force=True) as heartbeat:
        held = heartbeat.pipeline
        assembly = load_target(held, plan)
        rollback, _ = heal_traffic(heartbeat, rollback, plan, assembly, run, lambda _: None)
        after_healing(held)
        rollback, _ = deploy_release(held, rollback, assembly, heartbeat, print, lambda _: None)
        files = held.repository.migration_files(assembly.release)
        deployed = verify_release(held, rollback, assembly, files)
        deployed = verify_mended(heartbeat, deployed, assembly, files)
        record_probes(held, deployed, run)
        if any(phase.verdict is not Verdict.PASSED for phase in deployed.phases):
            stop(held, rollback.id, P.FAILED, "health was not restored")
        rollback = held.ledger.move(rollback.id, rollback.phase, stage.world.time, "verified", verified=True)
        finish_rollback(held, rollback, plan.source, "alarm")
    found = pipeline.ledger.promotion(rollback.id)
    assert found is not None
    return found


def gate(stage: Stage) -> GateResult:
    """Read what was recorded about the fast path."""
    return next(one for one in stage.pipeline.ledger.gates(A, "staging") if one.gate == FAST_PATH_GATE)


def test_traffic_is_healed_before_cloudformation_is_asked(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, aliased=NAMES[:1])
    seen: list[Any] = []

    def see(_: Pipeline) -> None:
        world = stage.world
        seen.append((dict(world.switch.running), dict(world.switch.shifted), list(world.deploys), world.deployed))

    rollback = roll_back(stage, after_healing=see)
    assert seen == [(dict.fromkeys(NAMES[1:], A), {NAMES[0]: 1}, [], B)]
    assert (rollback.phase, stage.world.deploys) == (P.SUCCEEDED, [A])
    records = stage.pipeline.ledger.steps(rollback.id)
    assert [(r.state, r.purpose) for r in records] == [(StepState.DONE, Purpose.HEAL)] * len(NAMES)
    told = gate(stage)
    assert (told.verdict, told.evidence["promotion"]) == (Verdict.PASSED, rollback.id)
    assert len(told.evidence["undo"].splitlines()) == len(NAMES) and len(told.phases) == len(NAMES) + 1
    (entry,) = [one for one in stage.pipeline.ledger.audit_entries("staging") if one.action == "fast path"]
    assert entry.subject == rollback.id and "update-alias" in entry.details


@pytest.mark.parametrize(
    ("own", "changed", "unreachable", "verdict", "reason"),
    [
        ({"fast_path": False}, {}, (), Verdict.PASSED, "fast_path = false"),
        ({}, {"Handler": '"other.handler"'}, (), Verdict.PASSED, "more than code differs"),
        ({}, {}, ("switch",), Verdict.UNKNOWN, "Lambda did not answer"),
    ],
)
def test_without_a_fast_path_the_full_rollback_goes_on(
    tmp_path: Path,
    own: dict[str, object],
    changed: dict[str, str],
    unreachable: tuple[str, ...],
    verdict: Verdict,
    reason: str,
) -> None:
    stage = stage_of(tmp_path, own)
    stage.world.switch.changed = changed
    stage.world.unreachable |= set(unreachable)
    rollback = roll_back(stage)
    assert (rollback.phase, stage.world.deploys, stage.world.switch.taken) == (P.SUCCEEDED, [A], [])
    assert gate(stage).verdict is verdict and reason in gate(stage).reason


def test_nothing_is_read_or_done_under_a_verdict_that_is_not_safe(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    stage.world.unreachable |= {"switch"}
    plan = plan_rollback(stage.pipeline, "staging", None)
    for safety in (Safety.UNSAFE, Safety.UNKNOWN):
        unsafe = replace(plan, safety=replace(plan.safety, safety=safety))
        rollback = stage.open(A, f"run-{safety}")
        rollback = stage.pipeline.ledger.move(rollback.id, P.GATED, stage.world.time, "no gates")
        with hold_lease(stage.pipeline, "staging", rollback.id, force=True) as heartbeat:
            assembly = load_target(heartbeat.pipeline, plan)
            _, told = heal_traffic(heartbeat, rollback, unsafe, assembly, "run-x", lambda _: None)
        assert told.verdict is Verdict.PASSED
        assert told.reason.startswith(f"does not apply: the rollback is {safety}")
    assert stage.world.switch.taken == []


def test_a_half_done_fast_path_never_stops_the_full_rollback(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    stage.world.switch.failing = {NAMES[2]}
    rollback = roll_back(stage)
    assert (rollback.phase, stage.world.deploys) == (P.SUCCEEDED, [A])
    states = {r.step.logical_id: r.state for r in stage.pipeline.ledger.steps(rollback.id)}
    assert states == {n: StepState.FAILED if n == NAMES[2] else StepState.DONE for n in NAMES}
    assert gate(stage).verdict is Verdict.FAILED and "PreconditionFailed" in gate(stage).reason


def test_a_lost_lease_takes_no_step(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    switch, ledger = stage.world.switch, stage.pipeline.ledger
    read = switch.read

    def lose(*words: Any) -> Any:
        ledger.take_lease("staging", "somebody-else", 30, force=True)
        return read(*words)

    switch.read = lose  # type: ignore[method-assign]
    with pytest.raises(RefusedError):
        roll_back(stage)
    assert (switch.taken, stage.world.deploys) == ([], [])


@pytest.mark.parametrize("killed_in", range(1, len(NAMES) + 1))
def test_a_run_killed_among_the_steps_resumes_by_what_aws_has(tmp_path: Path, killed_in: int) -> None:
    stage = stage_of(tmp_path)
    switch, count = stage.world.switch, [0]

    def die(step: object) -> None:
        count[0] += 1
        if count[0] == killed_in:
            # AWS does it all the same; the run is not there to hear it.
            switch.running[getattr(step, "logical_id", "")] = A
            raise Killed

    switch.during = die
    with pytest.raises(Killed):
        roll_back(stage)
    switch.during = lambda _: None
    rollback = roll_back(stage, "run-r2")
    assert (rollback.phase, stage.world.deploys) == (P.SUCCEEDED, [A])
    records = stage.pipeline.ledger.steps(rollback.id)
    assert len(records) == len(NAMES) and {r.state for r in records} == {StepState.DONE}
    assert any(r.reason == "found done by a run that was killed" for r in records)


def test_a_step_that_was_not_done_is_taken_again(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)

    def die(step: object) -> None:
        raise Killed

    stage.world.switch.during = die
    with suppress(Killed):
        roll_back(stage)
    stage.world.switch.during = lambda _: None
    rollback = roll_back(stage, "run-r2")
    records = stage.pipeline.ledger.steps(rollback.id)
    assert [r.state for r in records] == [StepState.FAILED] * len(NAMES) + [StepState.DONE] * len(NAMES)
    assert rollback.phase is P.SUCCEEDED


def test_what_was_healed_is_not_taken_for_deployed(tmp_path: Path) -> None:
    """Behind aliases all answer as the earlier release after the fast path; CloudFormation knows nothing."""
    stage = stage_of(tmp_path, aliased=NAMES)
    stage.world.during_deploy = _die
    with pytest.raises(Killed):
        roll_back(stage)
    stage.world.during_deploy = lambda: None
    # What the aliases' versions say of themselves, as the services answer now.
    site = stage.pipeline.site("staging")
    prober = stage.pipeline.prober
    stage.pipeline = replace(stage.pipeline, prober=_Answering(prober, A), site=lambda _: _code_of(site, A))
    rollback = roll_back(stage, "run-r2")
    assert (rollback.phase, stage.world.deploys) == (P.SUCCEEDED, [A])


def _die() -> None:
    raise Killed


class _Answering:
    """A prober whose services answer as one release."""

    def __init__(self, inner: Any, release: str) -> None:
        self._inner, self._release = inner, release

    def probe(self, base_url: str, services: Any) -> Any:
        return tuple(replace(one, version=self._release) for one in self._inner.probe(base_url, services))


def _code_of(site: Any, release: str) -> Any:
    class Cloud:
        def __getattr__(self, name: str) -> Any:
            return getattr(site.cloud, name)

        def functions(self, assembly: Any) -> Any:
            return tuple(replace(f, running=release) for f in site.cloud.functions(assembly))

    return replace(site, cloud=Cloud())


@pytest.mark.parametrize("allowed", [True, False])
def test_code_that_cloudformation_did_not_touch_is_mended(tmp_path: Path, allowed: bool) -> None:
    """Somebody changed a function by hand while its stack had the target's template already: cdk sees no change."""
    stage = stage_of(tmp_path, {"fast_path": allowed})

    def by_hand(_: Pipeline) -> None:
        stage.world.deployed = A
        stage.world.switch.running[NAMES[0]] = "by hand"

    if not allowed:
        with pytest.raises(StoppedError, match="health was not restored"):
            roll_back(stage, after_healing=by_hand)
        return
    rollback = roll_back(stage, after_healing=by_hand)
    assert rollback.phase is P.SUCCEEDED and stage.world.switch.running[NAMES[0]] == A
    mended = [r for r in stage.pipeline.ledger.steps(rollback.id) if r.purpose is Purpose.MEND]
    assert [(r.step.logical_id, r.step.was, r.state) for r in mended] == [(NAMES[0], "by hand", StepState.DONE)]


def test_a_failed_full_rollback_says_how_to_undo_the_fast_path(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    stage.world.deploy_outcome = CommandOutcome(("cdk",), 1, 1.0, ("boom",))
    with pytest.raises(StoppedError, match="boom"):
        roll_back(stage)
    assert "update-function-code" in gate(stage).evidence["undo"]
    rollback = stage.pipeline.ledger.history("staging")[0]
    assert rollback.phase is P.FAILED and len(stage.world.switch.taken) == len(NAMES)
