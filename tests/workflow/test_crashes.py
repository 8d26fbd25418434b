"""The crash matrix: a promotion and a rollback killed before each call of a port, and after the last, then resumed.

Before a call is after the one before it: nothing outside changes in between. A killed run does nothing more at all, not
even give its lease back. docs/crashes.md tells the same as a table.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action
from namecard_release.errors import RefusedError
from namecard_release.ledger.leases import SqlLease
from namecard_release.ledger.sql_ledger import SqlLedger
from namecard_release.workflow.deploying import deploy_release, find_assembly
from namecard_release.workflow.foretelling import foretell_rollback
from namecard_release.workflow.leasing import hold_lease
from namecard_release.workflow.pipeline import Pipeline, Site
from namecard_release.workflow.promoting import (
    Request,
    admit_promotion,
    close_failed_run,
    is_settled,
    open_promotion,
    refuse_closed_entry,
    stop,
)
from namecard_release.workflow.recovering import judge_recovered
from namecard_release.workflow.rolling_back import (
    find_interrupted,
    finish_rollback,
    load_target,
    plan_rollback,
    refuse_unsafe,
)
from namecard_release.workflow.verifying import conclude_deployment, record_probes, verify_release
from namecard_release.workflow.waiting import refuse_unapproved
from namecard_release.workflow.watching import find_fallback, find_watched, look
from tests.fakes.world import A, B, C, World
from tests.workflow.test_promotion import Stage

P = PromotionPhase


class Killed(BaseException):
    """The run's process is gone; nothing in it may catch this."""


@dataclass
class Fate:
    """Kills a run before its call number `at`; every call after that fails too, for a dead process makes none."""

    at: int | None = None
    calls: list[str] = field(default_factory=list)
    dead: bool = False

    def call(self, name: str, function: Callable[..., Any], *words: Any, **named: Any) -> Any:
        """Make a call, or die before it."""
        self.dead = self.dead or len(self.calls) == self.at
        if self.dead:
            raise Killed(name)
        self.calls.append(name)
        made = function(*words, **named)
        return Mortal(made, self, name) if isinstance(made, SqlLease | SqlLedger) else made


class Mortal:
    """A port of a run that may be killed."""

    def __init__(self, inner: Any, fate: Fate, name: str) -> None:
        self._inner, self._fate, self._name = inner, fate, name

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value):
            return value
        return lambda *words, **named: self._fate.call(f"{self._name}.{name}", value, *words, **named)


def mortal(pipeline: Pipeline, fate: Fate) -> Pipeline:
    """Give the pipeline of a run that may be killed; the clock leaves nothing behind and is left out."""

    def site(name: str) -> Site:
        own = pipeline.site(name)
        ports = {port: Mortal(getattr(own, port), fate, port) for port in ("cloud", "target", "deployer")}
        return replace(own, **ports)

    names = ("repository", "runner", "store", "ledger", "trial", "prober", "linter", "checkouts")
    return replace(pipeline, site=site, **{name: Mortal(getattr(pipeline, name), fate, name) for name in names})


def promote(stage: Stage, pipeline: Pipeline, run: str) -> Promotion:
    """Do what the steps of a promotion's run do, as the assets do it; the first run's gates stand for its retries."""
    own = Stage(stage.world, pipeline)
    promotion = own.open(C, run, root="run-1")
    refuse_closed_entry(pipeline, promotion)
    own.gate(C, run)
    promotion = admit_promotion(pipeline, promotion)
    assembly = find_assembly(pipeline, promotion, "staging")
    files = pipeline.repository.migration_files(C)
    if is_settled(promotion):
        return verify_release(pipeline, promotion, assembly, files).promotion
    with hold_lease(pipeline, "staging", promotion.id, wait=stage.world.pass_time) as heartbeat:
        held = heartbeat.pipeline
        refuse_closed_entry(held, promotion)
        refuse_unapproved(held, promotion)
        foretell_rollback(held, promotion, run, print)
        promotion, _ = deploy_release(held, promotion, assembly, heartbeat, print, lambda _: None)
        return conclude_deployment(held, verify_release(held, promotion, assembly, files), run)


def roll_back(stage: Stage, pipeline: Pipeline, run: str) -> Promotion:
    """Do what the step of a rollback's run does, as the job does it."""
    plan = plan_rollback(pipeline, "staging", None, "run-r")
    refuse_unsafe(plan, accepted=False)
    kind = PromotionKind.ROLLBACK
    request = Request("staging", plan.target.release, kind, "sensor", "alarm", run, "run-r")
    rollback = open_promotion(pipeline, request)
    if rollback.phase is P.REQUESTED:
        rollback = pipeline.ledger.move(rollback.id, P.GATED, stage.world.time, "no gates")
    if is_settled(rollback):
        return rollback
    with hold_lease(pipeline, "staging", rollback.id, force=True) as heartbeat:
        held = heartbeat.pipeline
        for other in find_interrupted(held, "staging", rollback.id):
            held.ledger.move(other.id, P.ABORTED, stage.world.time, f"stopped by {rollback.id}")
        assembly = load_target(held, plan)
        rollback, _ = deploy_release(held, rollback, assembly, heartbeat, print, lambda _: None)
        files = held.repository.migration_files(assembly.release)
        deployed = verify_release(held, rollback, assembly, files)
        record_probes(held, deployed, run)
        measured = judge_recovered(held, rollback, plan.source, run, lambda _: None)
        if any(phase.verdict != "PASSED" for phase in (*deployed.phases, *measured)):
            stop(held, rollback.id, P.HELD, "health was not restored")
        held.ledger.move(rollback.id, rollback.phase, stage.world.time, "verified", verified=True)
        finish_rollback(held, rollback, plan.source, "alarm")
    return rollback


def _prepare(folder: Path, *, breached: bool) -> Stage:
    """B has succeeded; for a rollback C bakes, breached, and the decision to go back is recorded."""
    world = World(folder)
    stage = Stage(world, world.pipeline())
    for number, release in enumerate((A, B)):
        stage.promote(release, f"run-{number}-{release[:8]}")
        _end_bake(stage)
    if breached:
        stage.promote(C, "run-c")
        world.pass_time(5)
        world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
        assert _look(stage) is Action.ROLL_BACK
    world.deploys.clear()
    return stage


def _look(stage: Stage) -> Action:
    (promotion,) = find_watched(stage.pipeline)
    return look(stage.pipeline, promotion, find_fallback(stage.pipeline, promotion)).decision.action


def _end_bake(stage: Stage) -> None:
    stage.world.pass_time(61)
    assert _look(stage) is Action.PROCEED


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, Stage]]:
    """Make both beginnings once; a case copies the ledger and the world."""
    yield {breached: _prepare(tmp_path_factory.mktemp("world"), breached=breached) for breached in (False, True)}


def _copy(prepared: Stage, folder: Path) -> Stage:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(prepared.world.folder, folder)
    old = prepared.world
    world = replace(
        old,
        folder=folder,
        deploys=[],
        applied=list(old.applied),
        alarms=dict(old.alarms),
        assemblies=dict(old.assemblies),
        statuses=list(old.statuses),
        unreachable=set(old.unreachable),
        ran=[],
    )
    # Made anew, `replace` set every alarm to OK.
    world.alarms = dict(old.alarms)
    return Stage(world, world.pipeline())


Work = Callable[[Stage, Pipeline, str], Promotion]
RUNS: dict[str, tuple[Work, bool]] = {"promotion": (promote, False), "rollback": (roll_back, True)}


def _newest(stage: Stage) -> Promotion:
    return stage.pipeline.ledger.history("staging")[0]


def _resume(stage: Stage, work: Work, *, noticed: bool) -> None:
    """Resume as Dagster's retry does, which may come before or after a sensor noticed the death."""
    if noticed:
        newest = _newest(stage)
        close_failed_run(stage.pipeline, newest.id, newest.run_id, P.FAILED, "the run's process is gone")
    # Its lease has not been given back; whoever resumes it has it again, another one waits until it has expired.
    work(stage, stage.pipeline, "run-2")


def _expect_promoted(stage: Stage) -> None:
    assert [p.phase for p in stage.pipeline.ledger.history("staging") if p.release == C] == [P.BAKING]
    _end_bake(stage)
    newest = _newest(stage)
    assert (newest.release, newest.phase, newest.verified) == (C, P.SUCCEEDED, True)
    assert stage.world.deploys == [C]


def _expect_rolled_back(stage: Stage) -> None:
    history = stage.pipeline.ledger.history("staging")
    assert [(p.release, p.phase) for p in history] == [
        (B, P.SUCCEEDED),
        (C, P.ROLLED_BACK),
        (B, P.SUCCEEDED),
        (A, P.SUCCEEDED),
    ]
    assert [hold.release for hold in stage.pipeline.ledger.holds("staging")] == [C]
    decision = stage.pipeline.ledger.decision(history[1].id)
    assert decision is not None and (decision.action, decision.to) == (Action.ROLL_BACK, B)
    assert stage.world.deploys == [B]


def _expect(stage: Stage, name: str) -> None:
    (_expect_promoted if name == "promotion" else _expect_rolled_back)(stage)
    # A run killed right before it gave its lease back leaves it to expire.
    stage.world.pass_time(30)
    stage.pipeline.ledger.take_lease("staging", "somebody else", 30).release()
    trail = stage.pipeline.ledger.verify_audit()
    assert (trail.verdict, trail.entries > 1) == (Verdict.PASSED, True), trail.reason


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "at once"])
@pytest.mark.parametrize("name", RUNS)
def test_a_run_killed_anywhere_resumes_to_its_end(
    prepared: dict[bool, Stage], tmp_path: Path, name: str, noticed: bool
) -> None:
    work, breached = RUNS[name]
    whole = Fate()
    stage = _copy(prepared[breached], tmp_path / "whole")
    work(stage, mortal(stage.pipeline, whole), "run-1")
    _expect(stage, name)
    assert len(whole.calls) > 30
    for at in range(len(whole.calls) + 1):
        stage = _copy(prepared[breached], tmp_path / "killed")
        fate = Fate(at)
        with suppress(Killed):
            work(stage, mortal(stage.pipeline, fate), "run-1")
        assert fate.dead == (at < len(whole.calls)) and fate.calls == whole.calls[:at]
        try:
            _resume(stage, work, noticed=noticed)
            _expect(stage, name)
        except Exception as error:
            raise AssertionError(f"killed before call {at} of {len(whole.calls)}: {fate.calls[-3:]}") from error


@pytest.mark.parametrize("name", RUNS)
def test_a_run_killed_while_cloudformation_works_joins_the_deploy(
    prepared: dict[bool, Stage], tmp_path: Path, name: str
) -> None:
    work, breached = RUNS[name]
    stage = _copy(prepared[breached], tmp_path / "world")
    fate = Fate()

    def die() -> None:
        # CloudFormation goes on without the run and ends while it is being resumed.
        stage.world.during_deploy = lambda: None
        with suppress(RefusedError):
            release = B if breached else C
            kept = next(a for a in stage.world.assemblies.values() if a.release == release)
            stage.pipeline.site("staging").deployer.deploy(kept, ())
        stage.world.statuses = ["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
        fate.dead = True
        raise Killed

    stage.world.during_deploy = die
    with pytest.raises(Killed):
        work(stage, mortal(stage.pipeline, fate), "run-1")
    _resume(stage, work, noticed=True)
    _expect(stage, name)


def test_a_dead_runs_lease_keeps_others_waiting_until_it_expires_and_no_longer(
    prepared: dict[bool, Stage], tmp_path: Path
) -> None:
    stage = _copy(prepared[False], tmp_path / "world")
    fate = Fate()

    def die() -> None:
        fate.dead = True
        raise Killed

    stage.world.during_deploy = die
    with pytest.raises(Killed):
        promote(stage, mortal(stage.pipeline, fate), "run-1")
    stage.world.during_deploy = lambda: None
    stage.world.deploys.clear()
    other = stage.open("e" * 40, "run-9")
    before = stage.world.time
    with hold_lease(stage.pipeline, "staging", other.id, wait=stage.world.pass_time):
        died = next(p for p in stage.pipeline.ledger.history("staging") if p.release == C)
        assert died.phase is P.DEPLOYING
    assert 29 <= (stage.world.time - before).total_seconds() <= 32


@pytest.mark.parametrize("action", [Action.PROCEED, Action.ROLL_BACK, Action.HALT])
def test_a_sensor_killed_anywhere_loses_no_decision(
    prepared: dict[bool, Stage], tmp_path: Path, action: Action
) -> None:
    phases = {Action.PROCEED: P.SUCCEEDED, Action.ROLL_BACK: P.BAKING, Action.HALT: P.HELD}

    def watched(folder: Path) -> Stage:
        stage = _copy(prepared[False], folder)
        promote(stage, stage.pipeline, "run-1")
        stage.world.pass_time(5 if action is Action.ROLL_BACK else 661)
        if action is Action.ROLL_BACK:
            stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
        if action is Action.HALT:
            stage.world.unreachable.add("alarms")
        return stage

    def tick(pipeline: Pipeline) -> None:
        for promotion in find_watched(pipeline):
            look(pipeline, promotion, find_fallback(pipeline, promotion))

    whole = Fate()
    tick(mortal(watched(tmp_path / "whole").pipeline, whole))
    for at in range(len(whole.calls)):
        stage = watched(tmp_path / "killed")
        fate = Fate(at)
        with pytest.raises(Killed):
            tick(mortal(stage.pipeline, fate))
        tick(stage.pipeline)
        newest = _newest(stage)
        decision = stage.pipeline.ledger.decision(newest.id)
        assert decision is not None and (decision.action, newest.phase) == (action, phases[action]), fate.calls
