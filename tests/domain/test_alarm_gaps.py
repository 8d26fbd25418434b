"""Spans that nobody watched: when there is one, what the history makes of it, and that it decides as if watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namecard_release.domain.alarm_gaps import (
    NOTED_EVERY,
    Gap,
    Past,
    Transition,
    asked_since,
    explain_unread,
    find_changed,
    find_gap,
    look_back,
)
from namecard_release.domain.alarms import (
    AlarmAction,
    AlarmReading,
    AlarmRule,
    AlarmState,
    AlarmVerdict,
    assess_alarms,
    settle_baseline,
)
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.domain.rollback import Action, Watched, decide, decide_in_order
from namecard_release.domain.safety import SafetyVerdict
from tests.domain.cases import C, at, promotion, reading

OK, ALARM, DARK, UNREAD = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA, AlarmState.UNREAD
ERRORS, LATENCY, DLQ, NOTED = (
    f"{name}1A2B3C4D"
    for name in (
        "AuthServiceErrorsAlarm",
        "AuthServiceLatencyAlarm",
        "LambdaDeadLetterQueueAlarm",
        "DbConnectionsAlarm",
    )
)
RULES = {
    "errors": AlarmRule(AlarmAction.ROLL_BACK, 10),
    "latency": AlarmRule(AlarmAction.ROLL_BACK, 20),
    "dlq": AlarmRule(AlarmAction.PAGE, 10),
    "db_connections": AlarmRule(AlarmAction.NOTE),
}
QUIET = tuple(reading(name, OK, -500) for name in (ERRORS, LATENCY, DLQ, NOTED))
GAP = Gap(at(100), at(200))
Line = tuple[float, str, AlarmState, AlarmState]


@pytest.mark.parametrize(
    ("last_read", "deployed", "now", "gap"),
    [
        pytest.param(at(100), at(0), at(110), None, id="as long as the longest pause"),
        pytest.param(at(100), at(0), at(110.5), Gap(at(95), at(110.5)), id="longer: clocks may differ"),
        pytest.param(None, at(0), at(60), Gap(at(0), at(60)), id="first look after the deploy"),
        pytest.param(at(-300), at(0), at(60), Gap(at(0), at(60)), id="read about the release before"),
        pytest.param(at(2), at(0), at(60), Gap(at(0), at(60)), id="never from before the deploy"),
        pytest.param(at(-300), at(0), at(9), None, id="just deployed"),
        pytest.param(at(100), None, at(900), None, id="nothing was deployed"),
        pytest.param(at(130), at(0), at(100), None, id="noted by a clock ahead of ours"),
    ],
)
def test_a_gap_is_longer_than_an_alarm_needs_to_come_and_go(
    last_read: datetime | None, deployed: datetime | None, now: datetime, gap: Gap | None
) -> None:
    assert find_gap(last_read, deployed, now) == gap


def test_only_alarms_that_changed_in_it_and_that_matter_are_asked_about() -> None:
    current = (
        reading(ERRORS, OK, 150),
        reading(LATENCY, OK, 99),
        reading(DLQ, ALARM, 100),
        reading(NOTED, ALARM, 150),
        reading("AuthServiceThrottlesAlarm", UNREAD, 150),
    )
    assert [r.name for r in find_changed(GAP, current, RULES)] == [ERRORS, DLQ]
    assert asked_since(GAP, RULES) == at(100 - 20 - 5)
    assert asked_since(GAP, {}) == at(95)


def lines(*told: Line) -> tuple[Transition, ...]:
    """Make a history of (seconds, name, old state, new state)."""
    return tuple(Transition(f"arn:{name}", at(when), old, new) for when, name, old, new in told)


def now(*changed: AlarmReading) -> tuple[AlarmReading, ...]:
    """Give the quiet alarms with some read otherwise."""
    return tuple({one.name: one for one in (*QUIET, *changed)}.values())


FIRED = now(reading(ERRORS, ALARM, -50))


@pytest.mark.parametrize(
    ("baseline", "current", "history", "breached_at"),
    [
        pytest.param(QUIET, QUIET, (), None, id="nothing changed"),
        pytest.param(
            QUIET,
            now(reading(ERRORS, OK, 140)),
            lines((120, ERRORS, OK, ALARM), (140, ERRORS, ALARM, OK)),
            130,
            id="sustained and over",
        ),
        pytest.param(
            QUIET,
            now(reading(ERRORS, OK, 130)),
            lines((120, ERRORS, OK, ALARM), (130, ERRORS, ALARM, OK)),
            130,
            id="just as long as the window",
        ),
        pytest.param(
            QUIET,
            now(reading(ERRORS, OK, 129)),
            lines((120, ERRORS, OK, ALARM), (129, ERRORS, ALARM, OK)),
            None,
            id="a flap",
        ),
        pytest.param(
            QUIET,
            now(reading(ERRORS, OK, 104)),
            lines((94, ERRORS, OK, ALARM), (104, ERRORS, ALARM, OK)),
            104,
            id="rose before the gap",
        ),
        pytest.param(
            QUIET,
            now(reading(ERRORS, ALARM, 195)),
            lines((110, ERRORS, OK, ALARM), (115, ERRORS, ALARM, OK), (195, ERRORS, OK, ALARM)),
            None,
            id="a flap, and it rises: the next looks decide",
        ),
        pytest.param(
            FIRED,
            now(reading(ERRORS, ALARM, 150)),
            lines((130, ERRORS, ALARM, OK), (150, ERRORS, OK, ALARM)),
            160,
            id="fired before the deploy, was OK for a moment",
        ),
        pytest.param(
            FIRED,
            now(reading(ERRORS, ALARM, 150)),
            lines((130, ERRORS, ALARM, DARK), (150, ERRORS, DARK, ALARM)),
            None,
            id="fired before the deploy, was dark for a moment",
        ),
        pytest.param(
            FIRED, now(reading(ERRORS, OK, 150)), lines((150, ERRORS, ALARM, OK)), None, id="fired before, and healed"
        ),
        pytest.param(
            now(reading(ERRORS, OK, 150)),
            now(reading(ERRORS, OK, 150)),
            lines((150, ERRORS, ALARM, OK)),
            None,
            id="its healing was noted, and is read again",
        ),
        pytest.param(
            QUIET,
            now(reading(ERRORS, OK, 150)),
            lines((50, ERRORS, OK, ALARM), (150, ERRORS, ALARM, OK)),
            100,
            id="in ALARM since the deploy, and nobody ever looked",
        ),
        pytest.param(
            QUIET,
            now(reading(DLQ, OK, 150)),
            lines((120, DLQ, OK, ALARM), (150, DLQ, ALARM, OK)),
            None,
            id="people's alarm",
        ),
        pytest.param(
            QUIET,
            now(reading(ERRORS, OK, 150)),
            lines(
                (120, ERRORS, OK, DARK), (140, ERRORS, DARK, ALARM), (150, ERRORS, ALARM, OK), (201, ERRORS, OK, ALARM)
            ),
            150,
            id="what came after the reading is left to the next",
        ),
    ],
)
def test_a_gap_breaches_as_it_would_have_if_it_were_watched(
    baseline: tuple[AlarmReading, ...],
    current: tuple[AlarmReading, ...],
    history: tuple[Transition, ...],
    breached_at: float | None,
) -> None:
    past = look_back(GAP, baseline, current, history, RULES)
    assert past.unread is None
    assert (None if past.breach is None else past.breach.at) == (None if breached_at is None else at(breached_at))
    if past.breach is not None:
        assert [r.name for r in past.breach.assessment.roll_back_by] == [ERRORS]
        assert past.breach.assessment.reason.endswith(f"{past.breach.at:%Y-%m-%d %H:%M:%S} UTC when nobody looked")


def test_an_alarm_that_was_ok_for_a_moment_counts_from_then_on() -> None:
    current = now(reading(ERRORS, ALARM, 195))
    history = lines((130, ERRORS, ALARM, OK), (195, ERRORS, OK, ALARM))
    past = look_back(GAP, FIRED, current, history, RULES)
    assert assess_alarms(FIRED, current, RULES, at(205)).verdict is AlarmVerdict.HEALTHY
    assert assess_alarms(past.baseline, current, RULES, at(205)).verdict is AlarmVerdict.BREACHED


def test_people_are_asked_for_what_was_sustained_while_nobody_looked() -> None:
    history = lines((120, DLQ, OK, ALARM), (150, DLQ, ALARM, OK))
    past = look_back(GAP, QUIET, now(reading(DLQ, OK, 150)), history, RULES)
    assert [r.name for r in past.page_by] == [DLQ]


@pytest.mark.parametrize(
    ("current", "history", "words"),
    [
        pytest.param((reading(ERRORS, OK, 150),), (), "does not tell how AuthServiceErrors", id="no line yet"),
        pytest.param(
            (reading(ERRORS, OK, 150),),
            lines((120, ERRORS, OK, ALARM)),
            "does not tell how AuthServiceErrors",
            id="the last line is not there yet",
        ),
        pytest.param(
            (reading(ERRORS, OK, 150),),
            lines((110, ERRORS, ALARM, OK)),
            "does not tell how AuthServiceErrors",
            id="the lines of the last change are not there yet",
        ),
        pytest.param(
            (reading(ERRORS, OK, 150),),
            lines((110, ERRORS, OK, ALARM), (150, ERRORS, DARK, OK)),
            "does not tell how AuthServiceErrors",
            id="a line is missing in between",
        ),
    ],
)
def test_a_history_that_does_not_lead_to_what_is_read_is_unread(
    current: tuple[AlarmReading, ...], history: tuple[Transition, ...], words: str
) -> None:
    past = look_back(GAP, QUIET, now(*current), history, RULES)
    assert past.unread is not None and words in past.unread
    assert (past.breach, past.quiet, past.baseline) == (None, (), QUIET)


def test_a_gap_longer_than_the_history_is_kept_is_unread() -> None:
    long = Gap(at(0), at(0) + timedelta(days=31))
    told = look_back(long, QUIET, QUIET, (), RULES).unread
    assert told is not None and "longer than CloudWatch keeps" in told


@pytest.mark.parametrize(
    ("current", "verdict"),
    [
        pytest.param(QUIET, AlarmVerdict.UNKNOWN, id="quiet now: unknown, for it was not watched"),
        pytest.param(now(reading(LATENCY, DARK, 150)), AlarmVerdict.UNKNOWN, id="unknown now"),
        pytest.param(now(reading(ERRORS, ALARM, 150)), AlarmVerdict.BREACHED, id="a breach now needs no history"),
    ],
)
def test_a_gap_that_nobody_knows_about_is_unknown(current: tuple[AlarmReading, ...], verdict: AlarmVerdict) -> None:
    seen = assess_alarms(QUIET, current, RULES, at(200))
    assert explain_unread(seen, Past(QUIET)) == seen
    told = explain_unread(seen, Past(QUIET, unread="CloudWatch was throttled"))
    assert told.verdict is verdict
    if verdict is AlarmVerdict.UNKNOWN:
        assert told.reason == "alarms were not watched: CloudWatch was throttled"


BAKE, DEADLINE, END = 60, 30, 140
NAMES = (ERRORS, LATENCY)


class Life:
    """Alarms through the seconds after a deploy, and a watch that looks at some of them."""

    def __init__(self, events: Sequence[tuple[int, str, AlarmState]], baseline: dict[str, AlarmState]) -> None:
        self.events = sorted(events, key=lambda event: event[0])
        self.first = tuple(reading(name, baseline.get(name, OK), -500) for name in NAMES)
        base = replace(promotion(C, PromotionPhase.BAKING, 0), baseline=self.first, bake_until=at(BAKE))
        self.promotion: Promotion = base
        self.settled = self.first
        self.last_read: datetime | None = None

    def read(self, second: int) -> tuple[tuple[AlarmReading, ...], tuple[Transition, ...]]:
        """Give the alarms at a second, and their history up to then."""
        standing, history = {r.name: r for r in self.first}, list[Transition]()
        for when, name, state in self.events:
            old = standing[name]
            if when <= second and old.state is not state:
                standing[name] = replace(old, state=state, since=at(when))
                history.append(Transition(old.arn, at(when), old.state, state))
        return tuple(standing.values()), tuple(history)

    def look(self, second: int) -> tuple[Action, float]:
        """Look as the sensor does, and give what is decided and for which second."""
        current, history = self.read(second)
        gap = find_gap(self.last_read, at(0), at(second))
        ends = (at(BAKE), at(BAKE + DEADLINE))
        past = Past(self.settled) if gap is None else look_back(gap, self.settled, current, history, RULES, ends)
        assert past.unread is None
        self.settled = settle_baseline(past.baseline, current)
        seen = assess_alarms(self.settled, current, RULES, at(second))
        watched = Watched(
            self.promotion,
            seen if past.breach is None else past.breach.assessment,
            Verdict.PASSED,
            replace(self.promotion, id="good", release="good"),
            SafetyVerdict(Safety.SAFE, ""),
            decided=False,
            unknown_deadline_seconds=DEADLINE,
        )
        told, when = decide_in_order(watched, [(one.at, one.assessment) for one in past.quiet], at(second))
        if self.last_read is None or when - self.last_read >= NOTED_EVERY:
            self.last_read = when
        if past.breach is not None and told.action is Action.ROLL_BACK:
            when = past.breach.at
        return told.action, (when - at(0)).total_seconds()


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    events=st.lists(
        st.tuples(st.integers(1, 110), st.sampled_from(NAMES), st.sampled_from([OK, ALARM, ALARM, DARK])), max_size=14
    ),
    baseline=st.dictionaries(st.sampled_from(NAMES), st.sampled_from([OK, ALARM, DARK])),
    blind=st.tuples(st.integers(0, 100), st.integers(11, 120)),
)
def test_a_watch_with_a_gap_decides_what_one_without_decides(
    events: Sequence[tuple[int, str, AlarmState]], baseline: dict[str, AlarmState], blind: tuple[int, int]
) -> None:
    # One state an alarm and second: of two in the same one nobody could see the first.
    once = [(when, name, state) for (when, name), state in {(e[0], e[1]): e[2] for e in events}.items()]
    watched, gapped = Life(once, baseline), Life(once, baseline)
    whole, told = (Action.WAIT, 0.0), (Action.WAIT, 0.0)
    for second in range(END + 200):
        if whole[0] is Action.WAIT:
            whole = watched.look(second)
        if told[0] is Action.WAIT and not blind[0] < second < blind[0] + blind[1]:
            told = gapped.look(second)
    assert whole[0] is not Action.WAIT
    assert told == whole


def test_a_decision_names_its_moment() -> None:
    base = replace(promotion(C, PromotionPhase.BAKING, 0), baseline=QUIET, bake_until=at(60))
    quiet = assess_alarms(QUIET, QUIET, RULES, at(60))
    watched = Watched(base, quiet, Verdict.PASSED, None, SafetyVerdict(Safety.SAFE, ""), decided=False)
    assert decide_in_order(watched, [(at(30), quiet), (at(60), quiet)], at(500))[1] == at(60)
    assert decide_in_order(watched, [], at(30)) == (decide(watched, at(30)), at(30))
