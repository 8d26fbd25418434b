"""The sensor's loop decides about generated traces as the simulation does, and about any trace without a false step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namecard_release.alarm_settings import PostBake
from namecard_release.domain.alarms import AlarmAction, AlarmRule, AlarmState
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.domain.rollback import Action
from namecard_release.domain.simulation import Trace, TraceEvent, replay
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.watching import find_watched_after_bake, look_after_bake
from tests.fakes.live import Live, play
from tests.fakes.world import A, World

OK, ALARM, DARK, UNREAD = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA, AlarmState.UNREAD
ERRORS, LATENCY, CARDS = "AuthServiceErrorsAlarm", "AuthServiceLatencyAlarm", "CardsServiceErrorsAlarm"
# The sensor looks so often; events come at whole looks, looks half a look later, and what is due is due at a look.
LOOK, CALM = 0.25, 5.0
HALF = 0.5

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 30), st.sampled_from([ERRORS, LATENCY, CARDS]), st.sampled_from([OK, ALARM, ALARM, DARK, UNREAD])
    ),
    max_size=9,
    unique_by=lambda event: event[:2],
)
BASELINE = st.dictionaries(st.sampled_from([ERRORS, LATENCY]), st.sampled_from([OK, ALARM, DARK, UNREAD]))
SAFETY = st.sampled_from([Safety.SAFE, Safety.SAFE, Safety.SAFE, Safety.UNKNOWN])
FLAGS = st.sampled_from([(True, False, False)] * 4 + [(False, False, False), (True, True, False), (True, False, True)])


class Ports:
    """The ports that the traces share, without the long words that a failing example would print."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Ports:
    """Make the ports that the traces share."""
    return Ports(World(tmp_path_factory.mktemp("live")).pipeline())


def make_trace(
    events: Sequence[tuple[float, str, AlarmState]],
    baseline: Mapping[str, AlarmState],
    times: tuple[float, float, float],
    safety: Safety = Safety.SAFE,
    flags: tuple[bool, bool, bool] = (True, False, False),
) -> Trace:
    """Make a trace; `times` are its bake, its deadline and the sustain window in seconds."""
    bake, deadline, sustain = times
    rule = AlarmRule(AlarmAction.ROLL_BACK, sustain)
    rules = {"errors": rule, "latency": rule, "api_latency": rule, "dlq": AlarmRule(AlarmAction.PAGE, sustain)}
    ordered = tuple(TraceEvent(*event) for event in sorted(events, key=lambda event: event[0]))
    last_good = A if flags[0] else None
    return Trace("t", bake, deadline, rules, baseline, ordered, safety, last_good, flags[1], flags[2])


@settings(max_examples=1000, deadline=None, derandomize=True, database=None)
@given(
    events=EVENTS,
    baseline=BASELINE,
    times=st.tuples(st.integers(0, 18), st.integers(0, 12), st.integers(0, 6)),
    safety=SAFETY,
    flags=FLAGS,
)
def test_a_thousand_traces_end_live_as_in_the_simulation(
    base: Ports,
    events: Sequence[tuple[int, str, AlarmState]],
    baseline: Mapping[str, AlarmState],
    times: tuple[int, int, int],
    safety: Safety,
    flags: tuple[bool, bool, bool],
) -> None:
    bake, deadline, sustain = ((times[0] + HALF) * LOOK, times[1] * LOOK, (times[2] + HALF) * LOOK)
    timed = [(at * LOOK, alarm, state) for at, alarm, state in events]
    trace = make_trace(timed, baseline, (bake, deadline, sustain), safety, flags)
    live = play(base.pipeline, trace, HALF * LOOK)
    told, seen = replay(trace), live.decide()
    assert seen is not None
    assert (seen.decision.action, seen.decision.to) == (told.decision, told.to), (told.reason, seen.decision.reason)
    # What is due is decided at that very look; what an event brings, at the first look after it.
    assert seen.at - told.at in (0.0, HALF * LOOK), (told, seen)
    phases = {Action.PROCEED: PromotionPhase.SUCCEEDED, Action.HALT: PromotionPhase.HELD}
    assert live.ledger.promotions[0].phase is phases.get(told.decision, PromotionPhase.BAKING)


STATES = st.lists(
    st.tuples(
        st.floats(0, 8, width=32), st.sampled_from([ERRORS, LATENCY]), st.sampled_from([OK, ALARM, DARK, UNREAD])
    ),
    max_size=8,
    unique_by=lambda event: event[0],
)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(
    events=STATES,
    times=st.tuples(st.integers(250, 6000), st.integers(0, 2000), st.integers(250, 2000)),
    phase=st.integers(0, 250),
)
def test_whenever_it_looks_no_flap_rolls_back_and_no_sustained_breach_is_missed(
    base: Ports, events: Sequence[tuple[int, str, AlarmState]], times: tuple[int, int, int], phase: int
) -> None:
    bake, deadline, sustain = (milliseconds / 1000 for milliseconds in times)
    timed = [(at / 1000, alarm, state) for at, alarm, state in events]
    trace = make_trace(timed, {}, (bake, deadline, sustain))
    seen = play(base.pipeline, trace, phase / 1000).decide()
    assert seen is not None
    spans = alarm_spans(trace)
    if seen.decision.action is Action.ROLL_BACK:
        assert any(start + sustain <= seen.at + 1e-6 and end > seen.at - 1e-6 for start, end in spans), spans
    else:
        missed = [(s, e) for s, e in spans if e - s >= sustain + LOOK + 1e-6 and s + sustain + LOOK < seen.at - 1e-6]
        assert missed == [], (missed, seen)
    if seen.decision.action is Action.PROCEED:
        assert seen.at >= bake - 1e-6
        assert set(states_at(trace, seen.at).values()) <= {OK}


def alarm_spans(trace: Trace) -> list[tuple[float, float]]:
    """Give from when to when each alarm was in ALARM without a break."""
    spans = []
    for name in (ERRORS, LATENCY, CARDS):
        own = [event for event in trace.events if event.alarm == name]
        start: float | None = None
        for event in own:
            if start is not None and event.state is not ALARM:
                spans.append((start, event.at))
                start = None
            elif start is None and event.state is ALARM:
                start = event.at
        if start is not None:
            spans.append((start, float("inf")))
    return spans


def states_at(trace: Trace, at: float) -> dict[str, AlarmState]:
    """Give the states at a moment."""
    states = {}
    for event in trace.events:
        if event.at <= at:
            states[event.alarm] = event.state
    return states


@settings(max_examples=1000, deadline=None, derandomize=True, database=None)
@given(
    events=EVENTS,
    hours=st.integers(1, 25),
    sustain=st.integers(0, 5),
    action=st.sampled_from(["page", "roll_back"]),
    safety=SAFETY,
)
def test_a_thousand_traces_after_the_bake_agree_with_a_reading_look_by_look(
    base: Ports, events: Sequence[tuple[int, str, AlarmState]], hours: int, sustain: int, action: str, safety: Safety
) -> None:
    timed = [(at * CALM, alarm, state) for at, alarm, state in events]
    trace = make_trace(timed, {}, (0.0, 0.0, (sustain + HALF) * CALM), safety)
    length = (hours + HALF) * CALM
    live = play(base.pipeline, trace, HALF * CALM, PostBake.model_validate({"hours": length / 3600, "action": action}))
    live.ledger.move("new", PromotionPhase.SUCCEEDED, live.pipeline.clock.now(), ended_at=live.cloud.now())
    due = [
        start + trace.rules["errors"].sustain_seconds
        for start, end in alarm_spans(trace)
        if end - start > sustain * CALM
    ]
    due = [at for at in due if any(s + trace.rules["errors"].sustain_seconds == at <= e for s, e in alarm_spans(trace))]
    ends = HALF * CALM + length
    first = min((at for at in due if at < ends), default=None)
    _watch_on(live, ends)
    decided = live.ledger.after_bake.get("new")
    if first is None:
        assert decided is None
        return
    assert decided is not None
    decision, at = decided
    rolls_back = action == "roll_back" and safety is Safety.SAFE
    assert decision.action is (Action.ROLL_BACK if rolls_back else Action.HALT)
    assert (at - live.ledger.promotions[0].requested_at).total_seconds() == first
    assert live.ledger.promotions[0].phase is PromotionPhase.SUCCEEDED


def _watch_on(live: Live, until: float) -> None:
    while live.cloud.at < until:
        for promotion in find_watched_after_bake(live.pipeline):
            look_after_bake(live.pipeline, promotion)
        live.cloud.wait(CALM)


def test_the_sensor_looks_at_what_has_succeeded_every_five_seconds(base: Ports) -> None:
    live = play(base.pipeline, make_trace([(7.0, ERRORS, ALARM)], {}, (0.0, 0.0, 0.0)), 0.0, PostBake(hours=1))
    live.ledger.move("new", PromotionPhase.SUCCEEDED, live.cloud.now(), ended_at=live.cloud.now())
    live.decide(until=20, tick=24)
    decision, at = live.ledger.after_bake["new"]
    assert (decision.action, (at - live.ledger.promotions[0].requested_at).total_seconds()) == (Action.HALT, 10.0)
