"""Traces replayed: the truth table, and thousands of generated traces against a plain second-by-second reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namecard_release.domain.alarms import AlarmAction, AlarmRule, AlarmState
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.rollback import Action
from namecard_release.domain.simulation import Replay, Trace, TraceEvent, replay

OK, ALARM, DARK, UNREAD = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA, AlarmState.UNREAD
ERRORS, LATENCY, DLQ = "AuthServiceErrorsAlarm", "AuthServiceLatencyAlarm", "LambdaDeadLetterQueueAlarm"
PHYSICAL = "NameCardApi-staging-AuthServiceErrorsAlarm1A2B3C4D-XXXX"
BAKE, DEADLINE, SUSTAIN = 300.0, 120.0, 10.0


def rules(sustain: float = SUSTAIN) -> dict[str, AlarmRule]:
    """Give the rules of the traces: two kinds roll back, one asks for people."""
    back = AlarmRule(AlarmAction.ROLL_BACK, sustain)
    return {"errors": back, "latency": back, "dlq": AlarmRule(AlarmAction.PAGE, sustain)}


QUIET = Trace("x", BAKE, DEADLINE, rules(), {}, (), Safety.SAFE, "good", is_rollback=False, is_held=False)


def trace(*events: tuple[float, str, AlarmState], baseline: Mapping[str, AlarmState] | None = None) -> Trace:
    """Make a trace of events."""
    return replace(QUIET, baseline=baseline or {}, events=tuple(TraceEvent(*event) for event in events))


BREACH = trace((12, ERRORS, ALARM))
PROCEED, ROLL_BACK, HALT = Action.PROCEED, Action.ROLL_BACK, Action.HALT
FIRING = {ERRORS: ALARM}


@pytest.mark.parametrize(
    ("given", "action", "at"),
    [
        pytest.param(QUIET, PROCEED, 300, id="nothing happened"),
        pytest.param(BREACH, ROLL_BACK, 22, id="sustained"),
        pytest.param(trace((12, PHYSICAL, ALARM)), ROLL_BACK, 22, id="by its physical name"),
        pytest.param(trace((12, ERRORS, ALARM), (21, ERRORS, OK)), PROCEED, 300, id="a flap below the window"),
        pytest.param(trace((12, ERRORS, ALARM), (22, ERRORS, OK)), ROLL_BACK, 22, id="just as long as the window"),
        pytest.param(trace((12, ERRORS, ALARM), (21, ERRORS, UNREAD)), HALT, 420, id="broken by a failed read"),
        pytest.param(
            trace((12, ERRORS, ALARM), (15, ERRORS, OK), (16, ERRORS, ALARM)), ROLL_BACK, 26, id="flapped, then held"
        ),
        pytest.param(trace((12, ERRORS, ALARM), (15, ERRORS, ALARM)), ROLL_BACK, 22, id="told twice"),
        pytest.param(trace((12, DLQ, ALARM)), PROCEED, 300, id="asks for people only"),
        pytest.param(trace((12, "SomebodysAlarm", ALARM)), PROCEED, 300, id="of no known kind"),
        pytest.param(trace((12, DLQ, UNREAD)), PROCEED, 300, id="people's alarm unread"),
        pytest.param(trace((295, ERRORS, ALARM)), ROLL_BACK, 305, id="the bake ends in between"),
        pytest.param(trace((295, ERRORS, ALARM), (303, ERRORS, OK)), PROCEED, 303, id="in between, and a flap"),
        pytest.param(trace((300, ERRORS, ALARM)), ROLL_BACK, 310, id="at the very end"),
        pytest.param(trace((290, ERRORS, ALARM)), ROLL_BACK, 300, id="due at the very end"),
        pytest.param(trace((301, ERRORS, ALARM)), PROCEED, 300, id="after the end"),
        pytest.param(trace((5, ERRORS, UNREAD)), HALT, 420, id="never read again"),
        pytest.param(trace((5, ERRORS, UNREAD), (330, ERRORS, OK)), PROCEED, 330, id="read at last"),
        pytest.param(trace((5, ERRORS, DARK), (420, ERRORS, OK)), PROCEED, 420, id="read at the deadline"),
        pytest.param(trace((5, ERRORS, DARK), (421, ERRORS, OK)), HALT, 420, id="read too late"),
        pytest.param(trace((5, ERRORS, UNREAD), (330, ERRORS, ALARM)), ROLL_BACK, 340, id="a breach while unread"),
        pytest.param(
            trace((5, ERRORS, UNREAD), (9, LATENCY, ALARM)), ROLL_BACK, 19, id="a breach beside an unread one"
        ),
        pytest.param(
            trace((5, ERRORS, UNREAD), (415, LATENCY, ALARM)), ROLL_BACK, 425, id="a breach pending at the deadline"
        ),
        pytest.param(
            trace((5, ERRORS, UNREAD), (415, LATENCY, ALARM), (423, LATENCY, OK)), HALT, 423, id="which was a flap"
        ),
        pytest.param(trace(baseline=FIRING), PROCEED, 300, id="fires since before"),
        pytest.param(trace((50, ERRORS, ALARM), baseline=FIRING), PROCEED, 300, id="fires since before, told again"),
        pytest.param(
            trace((50, ERRORS, OK), (60, ERRORS, ALARM), baseline=FIRING), ROLL_BACK, 70, id="OK, then fires again"
        ),
        pytest.param(
            trace((50, ERRORS, DARK), (60, ERRORS, ALARM), baseline=FIRING), PROCEED, 300, id="dark, not OK, in between"
        ),
        pytest.param(trace((50, ERRORS, DARK), baseline=FIRING), HALT, 420, id="fired before, and went dark"),
        pytest.param(trace(baseline={ERRORS: DARK}), HALT, 420, id="dark since before"),
        pytest.param(trace((9, ERRORS, ALARM), baseline={ERRORS: DARK}), ROLL_BACK, 19, id="dark before, then fires"),
        pytest.param(replace(BREACH, rules=rules(0)), ROLL_BACK, 12, id="no window"),
        pytest.param(replace(BREACH, safety=Safety.UNSAFE), HALT, 22, id="unsafe"),
        pytest.param(replace(BREACH, safety=Safety.UNKNOWN), HALT, 22, id="safety unknown"),
        pytest.param(replace(BREACH, last_good=None), HALT, 22, id="nowhere to go back to"),
        pytest.param(replace(BREACH, is_rollback=True), HALT, 22, id="a rollback is not rolled back"),
        pytest.param(replace(BREACH, is_held=True), HALT, 22, id="held by people"),
        pytest.param(replace(QUIET, safety=Safety.UNSAFE, is_held=True), PROCEED, 300, id="quiet, whatever else"),
        pytest.param(replace(QUIET, bake_seconds=0.0), PROCEED, 0, id="no bake"),
    ],
)
def test_a_trace_ends_in_one_decision(given: Trace, action: Action, at: float) -> None:
    told = replay(given)
    assert (told.decision, told.at) == (action, at), told.reason
    assert told.to == ("good" if action is ROLL_BACK else None)
    assert told.reason


def read_second_by_second(given: Trace, sustain: int) -> tuple[Action, float]:
    """Say what must be decided, by looking at each second; alarms that decide nothing are left out by the caller."""
    names = sorted({*given.baseline, *(event.alarm for event in given.events)})
    states = {name: given.baseline.get(name, OK) for name in names}
    armed = {name: states[name] is not ALARM for name in names}
    since: dict[str, int] = {}
    broken = given.is_rollback or given.is_held or given.last_good is None or given.safety is not Safety.SAFE
    for second in range(100_000):
        if any(second >= start + sustain for start in since.values()):
            return (HALT if broken else ROLL_BACK), second
        for event in given.events:
            if event.at == second and states[event.alarm] is not event.state:
                states[event.alarm] = event.state
                armed[event.alarm] |= event.state is OK
                since.pop(event.alarm, None)
                if event.state is ALARM and armed[event.alarm]:
                    since[event.alarm] = second
        if second >= given.bake_seconds and not since:
            if all(states[n] is OK or (states[n] is ALARM and not armed[n]) for n in names):
                return PROCEED, second
            if second >= given.bake_seconds + given.unknown_deadline_seconds:
                return HALT, second
    raise AssertionError("no end")


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from([ERRORS, LATENCY, "CardsServiceErrorsAlarm"]),
        st.sampled_from([OK, ALARM, ALARM, DARK, UNREAD]),
    ),
    max_size=12,
)
BASELINE = st.dictionaries(st.sampled_from([ERRORS, LATENCY]), st.sampled_from([OK, ALARM, DARK, UNREAD]))


@settings(max_examples=1500, deadline=None, derandomize=True, database=None)
@given(
    events=EVENTS,
    baseline=BASELINE,
    bake=st.integers(0, 40),
    deadline=st.integers(0, 30),
    sustain=st.integers(1, 12),
    safety=st.sampled_from([Safety.SAFE, Safety.SAFE, Safety.UNSAFE, Safety.UNKNOWN]),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_generated_traces_agree_with_a_second_by_second_reading(
    events: Sequence[tuple[int, str, AlarmState]],
    baseline: Mapping[str, AlarmState],
    bake: int,
    deadline: int,
    sustain: int,
    safety: Safety,
    flags: tuple[bool, bool, bool],
) -> None:
    ordered = tuple(TraceEvent(*event) for event in sorted(events, key=lambda event: event[0]))
    last_good, is_rollback, is_held = "good" if flags[0] else None, flags[1] and flags[2], flags[1] and not flags[2]
    made = Trace("g", bake, deadline, rules(sustain), baseline, ordered, safety, last_good, is_rollback, is_held)
    told: Replay = replay(made)
    assert (told.decision, told.at) == read_second_by_second(made, sustain), told.reason
