"""A promotion, a rollback, the watch and readiness with a fault in each single call of a port.

What an adapter makes of a fault is in the other files here: a TransientError, once all its own tries failed, or a
PermanentError. Here the whole flow meets it: it goes on, holds, or fails with a reason, and never claims what it
did not read; after the fault it is resumed to the same end as without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.domain.rollback import Action
from namecard_release.errors import PermanentError, ReleaseError, TransientError
from namecard_release.ledger.leases import SqlLease
from namecard_release.ledger.sql_ledger import SqlLedger
from namecard_release.workflow.pipeline import Pipeline, Site
from namecard_release.workflow.promoting import close_failed_run
from namecard_release.workflow.readying import check_readiness
from namecard_release.workflow.watching import find_fallback, find_watched, look
from tests.fakes.world import C
from tests.workflow.test_crashes import RUNS, Work, _copy, _expect, _newest, _prepare
from tests.workflow.test_promotion import Stage

P = PromotionPhase
Kind = type[TransientError] | type[PermanentError]
# These never fail so: they tell what they could not read, or do nothing outside.
_CANNOT = frozenset(
    {"prober.probe", "trial.apply", "trial.missing", "runner.run", "deployer.deploy", "cloud.forget_alarms"}
)
_WORDS = "the outside world did not answer"


@dataclass
class Fault:
    """Fails call number `at`, alone or with all that follow of the same name."""

    at: int | None = None
    kind: Kind = TransientError
    stays: bool = False
    calls: list[str] = field(default_factory=list)
    harmed: str | None = None

    def call(self, name: str, function: Callable[..., Any], *words: Any, **named: Any) -> Any:
        """Make a call, or fail it."""
        number = len(self.calls)
        self.calls.append(name)
        if number == self.at and name not in _CANNOT:
            self.harmed = name
        if self.harmed == name and (self.stays or number == self.at):
            raise self.kind(_WORDS)
        made = function(*words, **named)
        return Faulty(made, self, name) if isinstance(made, SqlLease | SqlLedger) else made


class Faulty:
    """A port with faults in it."""

    def __init__(self, inner: Any, fault: Fault, name: str) -> None:
        self._inner, self._fault, self._name = inner, fault, name

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value):
            return value
        return lambda *words, **named: self._fault.call(f"{self._name}.{name}", value, *words, **named)


def faulty(pipeline: Pipeline, fault: Fault) -> Pipeline:
    """Give the pipeline whose calls may fail."""

    def site(name: str) -> Site:
        own = pipeline.site(name)
        ports = {port: Faulty(getattr(own, port), fault, port) for port in ("cloud", "target", "deployer")}
        return replace(own, **ports)

    names = ("repository", "runner", "store", "ledger", "trial", "prober", "linter", "checkouts")
    return replace(pipeline, site=site, **{name: Faulty(getattr(pipeline, name), fault, name) for name in names})


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, Stage]]:
    yield {breached: _prepare(tmp_path_factory.mktemp("world"), breached=breached) for breached in (False, True)}


def _run(stage: Stage, work: Work, fault: Fault) -> ReleaseError | None:
    """Run as Dagster does: an error of ours ends the run with its words, and the failed-run sensor closes it."""
    try:
        work(stage, faulty(stage.pipeline, fault), "run-1")
    except ReleaseError as error:
        newest = _newest(stage)
        if newest.run_id == "run-1":
            close_failed_run(stage.pipeline, newest.id, "run-1", P.FAILED, str(error).splitlines()[0])
        return error
    return None


def _check_end(stage: Stage, name: str, fault: Fault, error: ReleaseError | None) -> None:
    newest, release = _newest(stage), C if name == "promotion" else None
    if error is None:
        assert newest.phase in (P.BAKING, P.SUCCEEDED), newest
        assert len(stage.world.deploys) == 1
        return
    assert 1 <= len(str(error).splitlines()) <= 2
    if newest.run_id == "run-1" and (release is None or newest.release == release):
        assert newest.phase in (P.HELD, P.FAILED, P.BAKING, P.SUCCEEDED), newest
        told = _WORDS in newest.reason or "health was not restored" in newest.reason
        assert newest.phase in (P.BAKING, P.SUCCEEDED) or told, newest
    unread = fault.harmed is not None and fault.harmed.startswith(("cloud.", "target."))
    if unread and fault.kind is TransientError and newest.run_id == "run-1":
        assert newest.phase is P.HELD, (fault.harmed, newest.phase, newest.reason)


@pytest.mark.parametrize(
    ("kind", "stays"),
    [(TransientError, False), (TransientError, True), (PermanentError, True)],
    ids=["once", "for good", "refused"],
)
@pytest.mark.parametrize("name", RUNS)
def test_a_fault_in_any_call_ends_well_or_with_its_reason(
    prepared: dict[bool, Stage], tmp_path: Path, name: str, stays: bool, kind: Kind
) -> None:
    work, breached = RUNS[name]
    whole = Fault()
    _run(_copy(prepared[breached], tmp_path / "whole"), work, whole)
    # Which call of a kind it is makes a difference to what was done before; a fault that stays begins at the first.
    numbers = [n for n, call in enumerate(whole.calls) if not stays or whole.calls.index(call) == n]
    ends: dict[str, set[str]] = {}
    for at in numbers:
        if whole.calls[at] in _CANNOT:
            continue
        stage = _copy(prepared[breached], tmp_path / "harmed")
        fault = Fault(at, kind, stays)
        error = _run(stage, work, fault)
        try:
            _check_end(stage, name, fault, error)
            ends.setdefault(whole.calls[at], set()).add(str(_newest(stage).phase))
            if error is not None:
                work(stage, stage.pipeline, "run-2")
            _expect(stage, name)
        except Exception as failed:
            raise AssertionError(f"call {at}, {whole.calls[at]}: {error!r}") from failed
    assert len(ends) > 10


def _watched(prepared: Stage, folder: Path, action: Action) -> Stage:
    """C bakes; what is to be decided about it is due."""
    stage = _copy(prepared, folder)
    RUNS["promotion"][0](stage, stage.pipeline, "run-1")
    stage.world.pass_time(5 if action is Action.ROLL_BACK else 61)
    if action is Action.ROLL_BACK:
        stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    return stage


@pytest.mark.parametrize("kind", [TransientError, PermanentError])
@pytest.mark.parametrize("action", [Action.PROCEED, Action.ROLL_BACK])
def test_a_watch_that_reads_badly_decides_nothing_wrong_and_later_what_is_due(
    prepared: dict[bool, Stage], tmp_path: Path, action: Action, kind: Kind
) -> None:
    def tick(pipeline: Pipeline) -> Action:
        (promotion,) = find_watched(pipeline)
        return look(pipeline, promotion, find_fallback(pipeline, promotion)).decision.action

    whole = Fault()
    assert tick(faulty(_watched(prepared[False], tmp_path / "whole", action).pipeline, whole)) is action
    for at, call in enumerate(whole.calls):
        stage = _watched(prepared[False], tmp_path / "harmed", action)
        before = _newest(stage)
        try:
            seen = tick(faulty(stage.pipeline, Fault(at, kind)))
        except ReleaseError:
            assert call.startswith("ledger."), call
            seen = None
        # A schema that is refused, not unread, is a reason to ask people: with what was seen, no rollback is SAFE.
        halted = action is Action.ROLL_BACK and kind is PermanentError and not call.startswith(("ledger.", "cloud."))
        assert seen in ({action, Action.WAIT, None} | ({Action.HALT} if halted else set())), (call, seen)
        assert seen is not action or not call.startswith("cloud."), call
        if _newest(stage).phase is before.phase:
            assert tick(stage.pipeline) is action, call
        trail = stage.pipeline.ledger.verify_audit()
        assert trail.verdict is Verdict.PASSED
        decided = [
            e
            for e in stage.pipeline.ledger.audit_entries()
            if e.action.startswith("decided") and e.subject == before.id
        ]
        assert len(decided) == 1, call


@pytest.mark.parametrize("kind", [TransientError, PermanentError])
def test_readiness_shows_every_other_signal(prepared: dict[bool, Stage], tmp_path: Path, kind: Kind) -> None:
    stage = _copy(prepared[False], tmp_path / "world")
    whole = Fault()
    names = [phase.name for phase in check_readiness(faulty(stage.pipeline, whole), "staging")]
    for at, call in enumerate(whole.calls):
        if call in _CANNOT or call == "ledger.standing":
            continue
        phases = check_readiness(faulty(stage.pipeline, Fault(at, kind)), "staging")
        assert [phase.name for phase in phases] == names
        found = [phase for phase in phases if _WORDS in phase.reason]
        if not found and call == "cloud.alarms":
            # The drift's own look at them, of which readiness shows the code's part alone.
            continue
        (unread,) = found
        assert unread.verdict is Verdict.UNKNOWN, (call, unread)
