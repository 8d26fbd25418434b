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
    settle_baseline,
)
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action, Decision, Watched, decide
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
    scene = _Scene(trace)
    for moment in _moments(trace):
        if scene.assess(moment).verdict is AlarmVerdict.BREACHED:
            return _tell(trace, scene.decide(moment), moment)
        for event in trace.events:
            if event.at == moment:
                scene.see(event)
                if scene.assess(moment).verdict is AlarmVerdict.BREACHED:
                    return _tell(trace, scene.decide(moment), moment)
        decision = scene.decide(moment)
        if decision.action is not Action.WAIT:
            return _tell(trace, decision, moment)
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


def _tell(trace: Trace, decision: Decision, moment: float) -> Replay:
    return Replay(trace.id, decision.action, moment, decision.to, decision.reason)


class _Scene:
    """The alarms as they stand at a moment of a trace."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        names = dict.fromkeys((*SHARED, *trace.baseline, *(event.alarm for event in trace.events)))
        self._readings = {name: _reading(name, trace.baseline.get(name, AlarmState.OK), -1.0) for name in names}
        self._baseline: tuple[AlarmReading, ...] = tuple(self._readings.values())

    def see(self, event: TraceEvent) -> None:
        """Take an event in; an alarm that stays in its state keeps the moment it came to it."""
        if self._readings[event.alarm].state is not event.state:
            self._readings[event.alarm] = _reading(event.alarm, event.state, event.at)
        self._baseline = settle_baseline(self._baseline, tuple(self._readings.values()))

    def assess(self, moment: float) -> AlarmAssessment:
        """Assess the alarms at a moment."""
        return assess_alarms(self._baseline, tuple(self._readings.values()), self._trace.rules, _at(moment))

    def decide(self, moment: float) -> Decision:
        """Decide at a moment, as the watch of a deployed release does."""
        trace = self._trace
        watched = Watched(
            promotion=_promotion(trace),
            assessment=self.assess(moment),
            health=Verdict.PASSED,
            last_good=None if trace.last_good is None else _good(trace.last_good),
            safety=SafetyVerdict(trace.safety, "as the trace says"),
            decided=False,
            held="as the trace says" if trace.is_held else None,
            unknown_deadline_seconds=trace.unknown_deadline_seconds,
        )
        return decide(watched, _at(moment))


def _at(seconds: float) -> datetime:
    return _DEPLOYED + timedelta(seconds=seconds)


def _reading(name: str, state: AlarmState, since: float) -> AlarmReading:
    return AlarmReading(logical_name(name), name, state, _at(since))


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
