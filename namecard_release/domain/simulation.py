"""A trace of alarm states replayed through the functions that decide. Nothing is decided here; reading files is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from namecard_release.domain.alarms import (
    SHARED,
    AlarmAction,
    AlarmAssessment,
    AlarmReading,
    AlarmRule,
    AlarmState,
    AlarmVerdict,
    assess_alarms,
    logical_name,
)
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import Verdict
from namecard_release.domain.observing import Change, observe
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action, Watched, decide
from namecard_release.domain.safety import SafetyVerdict

# The moment the deploy finished: a trace tells seconds since then.
_DEPLOYED = datetime(2000, 1, 1, tzinfo=UTC)
_ENVIRONMENT = "the environment"


@dataclass(frozen=True)
class TraceEvent:
    """An alarm's new state, `at` seconds after the deploy finished; UNREAD stands for a read that failed."""

    at: float
    alarm: str
    state: AlarmState


@dataclass(frozen=True)
class Trace:
    """What happened after one deploy, and the policy to try on it; `rules` are by kind of alarm (`alarm_kind`).

    An alarm that `baseline` does not name was OK when the deploy began. A freeze is no field: it stops no rollback.
    """

    id: str
    bake_seconds: float
    unknown_deadline_seconds: float
    rules: Mapping[str, AlarmRule]
    baseline: Mapping[str, AlarmState]
    events: Sequence[TraceEvent]
    safety: Safety
    last_good: str | None
    is_rollback: bool
    is_held: bool


@dataclass(frozen=True)
class Replay:
    """What would have been decided, how many seconds after the deploy, and why; `to` is the release to go back to."""

    id: str
    decision: Action
    at: float
    to: str | None
    reason: str


def replay(trace: Trace) -> Replay:
    """Replay a trace: every moment at which something may be decided is looked at, in order.

    States persist between events. What was due by a moment is decided before that moment's events are seen.
    """
    names = dict.fromkeys((*SHARED, *trace.baseline, *(event.alarm for event in trace.events)))
    before = tuple(_reading(name, trace.baseline.get(name, AlarmState.OK)) for name in names)
    changes = [Change(_at(event.at), event.alarm, event.state) for event in trace.events]
    for seen in observe(before, before, changes, map(_at, _moments(trace))):
        assessment = assess_alarms(seen.baseline, seen.readings, trace.rules, seen.at)
        if not seen.whole and assessment.verdict is not AlarmVerdict.BREACHED:
            continue
        decision = decide(_watched(trace, assessment), seen.at)
        if decision.action is not Action.WAIT:
            at = (seen.at - _DEPLOYED).total_seconds()
            return Replay(trace.id, decision.action, at, decision.to, decision.reason)
    raise AssertionError(f"trace {trace.id} came to no decision")


def _moments(trace: Trace) -> list[float]:
    ends = {trace.bake_seconds, trace.bake_seconds + trace.unknown_deadline_seconds}
    risen = {
        event.at + rule.sustain_seconds
        for event in trace.events
        if event.state is AlarmState.ALARM
        for rule in trace.rules.values()
        if rule.action is AlarmAction.ROLL_BACK
    }
    return sorted(ends | risen | {event.at for event in trace.events})


def _watched(trace: Trace, assessment: AlarmAssessment) -> Watched:
    """Give what the watch of a deployed release would look at."""
    return Watched(
        promotion=_promotion(trace),
        assessment=assessment,
        health=Verdict.PASSED,
        last_good=None if trace.last_good is None else _good(trace.last_good),
        safety=SafetyVerdict(trace.safety, "as the trace says"),
        decided=False,
        held="as the trace says" if trace.is_held else None,
        unknown_deadline_seconds=trace.unknown_deadline_seconds,
    )


def _at(seconds: float) -> datetime:
    return _DEPLOYED + timedelta(seconds=seconds)


def _reading(name: str, state: AlarmState) -> AlarmReading:
    return AlarmReading(logical_name(name), name, state, _at(-1.0))


def _promotion(trace: Trace) -> Promotion:
    kind = PromotionKind.ROLLBACK if trace.is_rollback else PromotionKind.PROMOTION
    return Promotion(
        id=trace.id,
        environment=_ENVIRONMENT,
        release="the release",
        kind=kind,
        phase=PromotionPhase.BAKING,
        actor="",
        reason="",
        requested_at=_DEPLOYED,
        updated_at=_DEPLOYED,
        deployed_at=_DEPLOYED,
        bake_until=_at(trace.bake_seconds),
        code_changed=True,
        verified=True,
    )


def _good(release: str) -> Promotion:
    return Promotion(
        id="last good",
        environment=_ENVIRONMENT,
        release=release,
        kind=PromotionKind.PROMOTION,
        phase=PromotionPhase.SUCCEEDED,
        actor="",
        reason="",
        requested_at=_DEPLOYED,
        updated_at=_DEPLOYED,
        verified=True,
    )
