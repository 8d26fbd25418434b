"""The alarm sensor's own loop over a trace: a ledger in memory, a clock that `wait` moves, alarms that follow.

Everything in between is the real thing: the sensor's tick, the watch, the assessment and the decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from namecard_release.alarm_settings import PostBake
from namecard_release.domain.alarm_gaps import Transition
from namecard_release.domain.alarms import SHARED, AlarmAction, AlarmReading, AlarmRule, AlarmState
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import GateResult, Verdict
from namecard_release.domain.messages import Message
from namecard_release.domain.promotion import EVERY_RELEASE, Hold, Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Decision
from namecard_release.domain.simulation import Trace
from namecard_release.settings import Rule
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.verifying import PROBES_GATE
from sensors.alarms import watch
from tests.fakes.world import START, A, B

ENVIRONMENT = "staging"
# Shorter than the sensor's, so that a trace takes several ticks.
TICK_SECONDS = 2.0


@dataclass
class MemoryLedger:
    """What the watch reads and writes, in memory."""

    promotions: list[Promotion]
    held: bool = False
    decided: dict[str, tuple[Decision, datetime]] = field(default_factory=dict)
    after_bake: dict[str, tuple[Decision, datetime]] = field(default_factory=dict)
    marks: dict[tuple[str, str], datetime] = field(default_factory=dict)
    beats: dict[str, datetime] = field(default_factory=dict)

    def beat(self, name: str, at: datetime) -> None:
        """Keep the last moment."""
        self.beats[name] = at

    def last_beat(self, name: str) -> datetime | None:
        """Give the last moment."""
        return self.beats.get(name)

    def history(self, environment: str | None = None, limit: int = 200) -> tuple[Promotion, ...]:
        """Give the promotions of the one environment."""
        return tuple(self.promotions) if environment in (None, ENVIRONMENT) else ()

    def standing(self, environment: str, limit: int = 1000) -> tuple[Promotion, ...]:
        """Give the promotions, all of which changed what serves."""
        return self.history(environment)[:limit]

    def decision(self, promotion_id: str) -> Decision | None:
        """Give the decision."""
        return self.decided[promotion_id][0] if promotion_id in self.decided else None

    def record_decision(self, promotion_id: str, decision: Decision, at: datetime) -> bool:
        """Keep the first decision."""
        return self.decided.setdefault(promotion_id, (decision, at))[0] is decision

    def post_bake_decision(self, promotion_id: str) -> Decision | None:
        """Give the decision after the bake."""
        return self.after_bake[promotion_id][0] if promotion_id in self.after_bake else None

    def record_post_bake(self, promotion_id: str, decision: Decision, at: datetime) -> bool:
        """Keep the first decision after the bake."""
        return self.after_bake.setdefault(promotion_id, (decision, at))[0] is decision

    def move(
        self, promotion_id: str, phase: PromotionPhase, at: datetime, reason: str = "", *, by: str = "", **changes: Any
    ) -> Promotion:
        """Change the promotion in its place."""
        number = next(n for n, one in enumerate(self.promotions) if one.id == promotion_id)
        if phase is PromotionPhase.SUCCEEDED and self.promotions[number].phase is not phase:
            changes["ended_at"] = at
        self.promotions[number] = replace(self.promotions[number], phase=phase, updated_at=at, **changes)
        return self.promotions[number]

    def gates(self, release: str, environment: str | None = None) -> tuple[GateResult, ...]:
        """Give the probes of every promotion of the release, passed."""
        return tuple(
            GateResult(PROBES_GATE, release, Verdict.PASSED, "", START, START, evidence={"promotion": one.id})
            for one in self.promotions
            if one.release == release
        )

    def record_gate(self, result: GateResult) -> None:
        """Keep nothing."""

    def holds(self, environment: str | None = None) -> tuple[Hold, ...]:
        """Give the hold of the environment, where there is one."""
        return (Hold(ENVIRONMENT, EVERY_RELEASE, "drill", "ada", START),) if self.held else ()

    def pauses(self, environment: str | None = None) -> tuple[()]:
        """Give none."""
        return ()

    def mark(
        self,
        promotion_id: str,
        mark: str,
        at: datetime,
        event: AuditEvent | None = None,
        messages: Sequence[Message] = (),
    ) -> datetime | None:
        """Keep the first moment."""
        known = self.marks.get((promotion_id, mark))
        self.marks.setdefault((promotion_id, mark), at)
        return known


@dataclass
class LiveTrace:
    """A trace as CloudWatch would tell it; the clock is the orchestration's, and the fake cloud's."""

    trace: Trace
    at: float = 0.0
    seen: int = 0
    readings: dict[str, AlarmReading] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = dict.fromkeys((*SHARED, *self.trace.baseline, *(event.alarm for event in self.trace.events)))
        states = {name: self.trace.baseline.get(name, AlarmState.OK) for name in names}
        self.readings = {name: read(name, state, -1.0) for name, state in states.items()}

    def now(self) -> datetime:
        """Give the time."""
        return moment(self.at)

    def alarms(self, stacks: Sequence[str], since: datetime | None = None) -> tuple[AlarmReading, ...]:
        """Give the alarms as they are by now."""
        while self.seen < len(self.trace.events) and self.trace.events[self.seen].at <= self.at:
            event = self.trace.events[self.seen]
            self.seen += 1
            if self.readings[event.alarm].state is not event.state:
                self.readings[event.alarm] = read(event.alarm, event.state, event.at)
        return tuple(self.readings.values())

    def alarm_history(self, alarms: Sequence[AlarmReading], since: datetime) -> tuple[Transition, ...]:
        """Give what these alarms did by now, from a moment on."""
        states = {name: self.trace.baseline.get(name, AlarmState.OK) for name in self.readings}
        told = []
        for event in self.trace.events[: self.seen]:
            if states[event.alarm] is not event.state:
                told.append(Transition(event.alarm, moment(event.at), states[event.alarm], event.state))
                states[event.alarm] = event.state
        asked = {alarm.arn for alarm in alarms}
        return tuple(one for one in told if one.arn in asked and one.at >= since)

    def alarm_metrics(self, alarms: Sequence[AlarmReading], since: datetime, until: datetime) -> tuple[()]:
        """Give none: what is not told is UNKNOWN."""
        return ()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds

    def latencies(self, stacks: Sequence[str], since: datetime, until: datetime) -> tuple[()]:
        """Give none."""
        return ()


def moment(seconds: float) -> datetime:
    """Give the moment so long after the deploy."""
    return START + timedelta(seconds=seconds)


def read(name: str, state: AlarmState, since: float) -> AlarmReading:
    """Make a reading."""
    return AlarmReading(name, name, state, moment(since))


@dataclass(frozen=True)
class Outcome:
    """What was decided, how many seconds after the deploy."""

    decision: Decision
    at: float


@dataclass
class Live:
    """The sensor's ticks over one trace, from `first_look` seconds after the deploy."""

    trace: Trace
    cloud: LiveTrace
    ledger: MemoryLedger
    pipeline: Pipeline

    def decide(self, until: float = 1e6, tick: float = TICK_SECONDS) -> Outcome | None:
        """Run tick after tick until the watch has decided; None when it has not by `until`."""
        while self.cloud.at <= until:
            watch(self.pipeline, tick, lambda: self.cloud.at, self.cloud.wait)
            if "new" in self.ledger.decided:
                decision, at = self.ledger.decided["new"]
                return Outcome(decision, (at - START).total_seconds())
            self.cloud.wait(0.25)
        return None


def play(base: Pipeline, trace: Trace, first_look: float, post_bake: PostBake | None = None) -> Live:
    """Put a trace on a stage whose other ports are those of `base`, a pipeline of fakes."""
    cloud = LiveTrace(trace, first_look)
    new = _promotion("new", B, 0.0, PromotionPhase.BAKING, trace)
    good = _promotion("good", A, -1000.0, PromotionPhase.SUCCEEDED, trace)
    ledger = MemoryLedger([new] if trace.last_good is None else [new, good], trace.is_held)
    own = base.settings.environment(ENVIRONMENT).model_copy(
        update={
            "unknown_deadline_seconds": trace.unknown_deadline_seconds,
            "alarms": _rules(trace.rules),
            "post_bake": post_bake or PostBake(hours=0),
        }
    )
    settings = base.settings.model_copy(update={"environments": {ENVIRONMENT: own}})
    site = replace(base.site(ENVIRONMENT), settings=own, cloud=cast(Any, cloud))
    store = _Store(None if trace.safety is not Safety.SAFE else ())
    pipeline = replace(
        base, settings=settings, ledger=cast(Any, ledger), clock=cloud, site=lambda _: site, store=cast(Any, store)
    )
    return Live(trace, cloud, ledger, pipeline)


@dataclass
class _Store:
    migrations: tuple[str, ...] | None

    def get(self, digest: str) -> Assembly:
        """Give the earlier assembly, which tells its migrations where the verdict is to be SAFE."""
        return Assembly(digest, A, ENVIRONMENT, "", "", (), (), self.migrations, START)


def _rules(rules: Mapping[str, AlarmRule]) -> dict[str, Rule]:
    return {kind: Rule(action=AlarmAction(r.action), sustain_seconds=r.sustain_seconds) for kind, r in rules.items()}


def _promotion(name: str, release: str, at: float, phase: PromotionPhase, trace: Trace) -> Promotion:
    baking = phase is PromotionPhase.BAKING
    kind = PromotionKind.ROLLBACK if trace.is_rollback and baking else PromotionKind.PROMOTION
    baseline = tuple(LiveTrace(trace).readings.values())
    return Promotion(
        *(name, ENVIRONMENT, release, kind, phase, "ada", "why", moment(at), moment(at)),
        assembly="kept",
        deployed_at=moment(at),
        bake_until=moment(trace.bake_seconds) if baking else moment(at),
        ended_at=None if baking else moment(at),
        code_changed=True,
        verified=True,
        baseline=baseline if baking else (),
    )
