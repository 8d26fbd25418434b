"""Alarm kinds, the alarms a platform must have, and states judged against what was true before the deploy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from namecard_release.domain.alarms import (
    AlarmAction,
    AlarmReading,
    AlarmRule,
    AlarmState,
    AlarmVerdict,
    alarm_kind,
    assess_alarms,
    expected_alarms,
    logical_name,
    missing_alarms,
    settle_baseline,
)
from tests.domain.cases import SERVICES, at, reading

OK, ALARM, DARK, UNREAD = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA, AlarmState.UNREAD
HEALTHY, BREACHED, UNKNOWN = AlarmVerdict.HEALTHY, AlarmVerdict.BREACHED, AlarmVerdict.UNKNOWN
ERRORS, LATENCY, DLQ, NOTED, STRANGE = (
    "AuthServiceErrorsAlarm1A2B3C4D",
    "AuthServiceLatencyAlarm1A2B3C4D",
    "LambdaDeadLetterQueueAlarm1A2B3C4D",
    "DbConnectionsAlarm1A2B3C4D",
    "SomethingElse",
)
RULES = {
    "errors": AlarmRule(AlarmAction.ROLL_BACK),
    "latency": AlarmRule(AlarmAction.ROLL_BACK, 60),
    "dlq": AlarmRule(AlarmAction.PAGE),
    "db_connections": AlarmRule(AlarmAction.NOTE),
}
NOW = at(100)
# The deploy ended at T0: what changed at a negative moment is older than it.
QUIET = (reading(ERRORS, OK, -50), reading(LATENCY, OK, -50), reading(DLQ, OK, -50), reading(NOTED, OK, -50))


def with_change(*changed: AlarmReading) -> tuple[AlarmReading, ...]:
    """Give the quiet alarms with some read otherwise."""
    by_name = {one.name: one for one in (*QUIET, *changed)}
    return tuple(by_name.values())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("AuthServiceErrorsAlarm1A2B3C4D", "errors"),
        ("AuthErrorsAlarm", "errors"),
        ("CardsServiceThrottlesAlarm9F", "throttles"),
        ("OcrThrottlesAlarm", "throttles"),
        ("EnrichmentServiceLatencyAlarm0", "latency"),
        ("SearchLatencyAlarm", "latency"),
        ("HttpApiLatencyAlarmABC", "api_latency"),
        ("DbConnectionsAlarmABC", "db_connections"),
        ("RdsProxyConnectionsAlarmABC", "proxy_connections"),
        ("LambdaDeadLetterQueueAlarmABC", "dlq"),
        ("SomethingElse", None),
        ("", None),
        ("authServiceErrorsAlarm", None),
        ("NameCardApi-staging-AuthServiceErrorsAlarm1A2B3C4D-XXXX", None),
        ("AuthServiceErrors", None),
        # Another construct whose name begins or ends alike.
        ("AuthServiceErrorsAlarmTotal1A2B3C4D", None),
        ("AuthServiceXErrorsAlarm1A2B3C4D", None),
        ("HttpApiLatencyAlarmV21A2B3C4D", None),
    ],
)
def test_kind_follows_from_the_logical_id(name: str, kind: str | None) -> None:
    assert alarm_kind(name) == kind


def test_expected_alarms_are_three_a_service_and_four_shared() -> None:
    assert len(expected_alarms(("auth", "cards", "ocr", "enrichment", "uploads", "search"))) == 22
    assert expected_alarms(("auth",)) == (
        "AuthServiceErrorsAlarm",
        "AuthServiceThrottlesAlarm",
        "AuthServiceLatencyAlarm",
        "HttpApiLatencyAlarm",
        "DbConnectionsAlarm",
        "RdsProxyConnectionsAlarm",
        "LambdaDeadLetterQueueAlarm",
    )
    assert len(expected_alarms(())) == 4


def test_every_expected_alarm_has_a_kind() -> None:
    assert all(alarm_kind(name) for name in expected_alarms(SERVICES))


ALL = tuple(f"{name}1A2B3C4D" for name in expected_alarms(SERVICES))


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (ALL, ()),
        (tuple(name.replace("Service", "") for name in ALL), ()),
        ((*ALL, *ALL, "Another"), ()),
        ((), expected_alarms(SERVICES)),
        (ALL[1:], ("AuthServiceErrorsAlarm",)),
        (ALL[:-1], ("LambdaDeadLetterQueueAlarm",)),
        # The latency of the API stands for no service's, nor a service's for the API's.
        (tuple(n for n in ALL if not n.startswith("AuthServiceLatency")), ("AuthServiceLatencyAlarm",)),
        (tuple(n for n in ALL if not n.startswith("HttpApi")), ("HttpApiLatencyAlarm",)),
        # Neither does an alarm whose name only ends alike.
        ((*ALL[1:], "MyAuthServiceErrorsAlarm"), ("AuthServiceErrorsAlarm",)),
        ((*ALL[1:], "AuthServiceErrorsAlarmTotal1A2B3C4D"), ("AuthServiceErrorsAlarm",)),
    ],
)
def test_missing_alarms_are_those_no_name_stands_for(names: tuple[str, ...], missing: tuple[str, ...]) -> None:
    assert missing_alarms(SERVICES, names) == missing


@pytest.mark.parametrize(
    ("baseline", "current", "verdict", "words"),
    [
        pytest.param(QUIET, QUIET, HEALTHY, "4 alarms read", id="all quiet"),
        pytest.param((), QUIET, HEALTHY, "4 alarms read", id="first deploy has no baseline"),
        pytest.param(QUIET, (), UNKNOWN, "no alarm was found", id="none found"),
        pytest.param((), (), UNKNOWN, "no alarm was found", id="none ever"),
        pytest.param(QUIET, with_change(reading(ERRORS, ALARM, 10)), BREACHED, ERRORS, id="errors since the deploy"),
        pytest.param((), (reading(ERRORS, ALARM, 10),), BREACHED, ERRORS, id="alarm that the deploy created"),
        pytest.param(
            with_change(reading(ERRORS, ALARM, -50)),
            with_change(reading(ERRORS, ALARM, -50)),
            HEALTHY,
            "1 in ALARM since before the deploy",
            id="in ALARM before the deploy",
        ),
        pytest.param(
            with_change(reading(ERRORS, ALARM, -50)),
            with_change(reading(ERRORS, ALARM, 10)),
            HEALTHY,
            "1 in ALARM since before the deploy",
            id="in ALARM again, and nobody saw it OK",
        ),
        pytest.param(
            with_change(reading(ERRORS, ALARM, -50)),
            with_change(reading(ERRORS, OK, 10)),
            HEALTHY,
            "none breached",
            id="alarm of before has cleared",
        ),
        pytest.param(
            with_change(reading(ERRORS, OK, -50)),
            with_change(reading(ERRORS, ALARM, -50)),
            BREACHED,
            ERRORS,
            id="same moment, other state",
        ),
        pytest.param(
            with_change(reading(ERRORS, DARK, -50)),
            with_change(reading(ERRORS, ALARM, 10)),
            BREACHED,
            ERRORS,
            id="dark before, in ALARM after",
        ),
        pytest.param(
            with_change(reading(ERRORS, ALARM, -50)),
            with_change(reading(ERRORS, ALARM, -50), reading(LATENCY, ALARM, 10)),
            BREACHED,
            LATENCY,
            id="one of before beside a new one",
        ),
        pytest.param(QUIET, with_change(reading(LATENCY, ALARM, 41)), UNKNOWN, "not yet sustained", id="59 s of 60"),
        pytest.param(QUIET, with_change(reading(LATENCY, ALARM, 40)), BREACHED, LATENCY, id="60 s of 60"),
        pytest.param(QUIET, with_change(reading(LATENCY, OK, 60)), HEALTHY, "none breached", id="a flap that ended"),
        pytest.param(QUIET, with_change(reading(ERRORS, ALARM, 100)), BREACHED, ERRORS, id="errors this very moment"),
        # The clock of the cloud may be ahead of ours; what needs no sustaining counts at once.
        pytest.param(QUIET, with_change(reading(ERRORS, ALARM, 130)), BREACHED, ERRORS, id="clock behind the cloud's"),
        pytest.param(QUIET, with_change(reading(NOTED, ALARM, 10)), HEALTHY, f"noted: {NOTED}", id="a note only"),
        pytest.param(
            QUIET,
            with_change(reading(STRANGE, ALARM, 10)),
            HEALTHY,
            f"asks for people: {STRANGE}",
            id="unknown kind asks for people",
        ),
        pytest.param(QUIET, with_change(reading(ERRORS, DARK, 10)), UNKNOWN, "without data", id="insufficient data"),
        pytest.param(QUIET, with_change(reading(ERRORS, UNREAD, 10)), UNKNOWN, "without data", id="unread alarm"),
        pytest.param(QUIET, QUIET[1:], UNKNOWN, f"gone since the deploy: {ERRORS}", id="alarm gone"),
        pytest.param(QUIET, (reading(LATENCY, ALARM, 0),), BREACHED, LATENCY, id="breach over gone"),
        pytest.param(
            QUIET,
            with_change(reading(ERRORS, ALARM, 10), reading(DLQ, DARK, 10)),
            BREACHED,
            ERRORS,
            id="breach over dark",
        ),
        pytest.param(
            QUIET,
            (reading(LATENCY, DARK, 10), *QUIET[2:]),
            UNKNOWN,
            "gone since the deploy",
            id="gone is told before dark",
        ),
        pytest.param(
            QUIET,
            with_change(reading(LATENCY, ALARM, 90), reading(NOTED, ALARM, 10)),
            UNKNOWN,
            f"not yet sustained: {LATENCY}",
            id="a note does not rise",
        ),
        # CDK's logical ids are unique in a stack only, and one environment has several stacks.
        pytest.param(
            (reading(NOTED, OK, -50, "arn:api"), reading(DLQ, ALARM, -50, "arn:1"), reading(DLQ, OK, -50, "arn:2")),
            (reading(NOTED, OK, -50, "arn:api"), reading(DLQ, ALARM, -50, "arn:1"), reading(DLQ, OK, -50, "arn:2")),
            HEALTHY,
            "1 in ALARM since before",
            id="two alarms of one name",
        ),
    ],
)
def test_states_are_judged_against_the_baseline(
    baseline: tuple[AlarmReading, ...], current: tuple[AlarmReading, ...], verdict: AlarmVerdict, words: str
) -> None:
    found = assess_alarms(baseline, current, RULES, NOW)
    assert (found.verdict, words in found.reason) == (verdict, True), found.reason


def test_a_read_that_failed_is_unknown_whatever_was_read() -> None:
    found = assess_alarms(QUIET, with_change(reading(ERRORS, ALARM, 10)), RULES, NOW, unread="throttled")
    assert (found.verdict, found.reason) == (UNKNOWN, "alarms unread: throttled")
    assert assess_alarms(QUIET, QUIET, RULES, NOW, unread="").verdict is UNKNOWN


def test_a_breach_tells_what_asks_for_a_rollback_and_what_for_people() -> None:
    errors, dlq, strange = (reading(name, ALARM, 10) for name in (ERRORS, DLQ, STRANGE))
    found = assess_alarms(QUIET, with_change(dlq, strange, errors, reading(NOTED, ALARM, 10)), RULES, NOW)
    assert (found.roll_back_by, found.page_by) == ((errors,), (dlq, strange))
    assert found.reason.endswith(f"{ERRORS}; asks for people: {DLQ}, {STRANGE}")


def test_without_rules_every_alarm_asks_for_people() -> None:
    found = assess_alarms(QUIET, with_change(reading(ERRORS, ALARM, 10)), {}, NOW)
    assert (found.verdict, found.roll_back_by, len(found.page_by)) == (HEALTHY, (), 1)


def test_a_quiet_or_unknown_assessment_names_no_alarm_to_act_on() -> None:
    for current in (QUIET, with_change(reading(LATENCY, ALARM, 99)), with_change(reading(ERRORS, DARK, 1)), ()):
        found = assess_alarms(QUIET, current, RULES, NOW)
        assert (found.roll_back_by, found.page_by) == ((), ())


@pytest.mark.parametrize(
    ("current", "verdict"),
    [
        pytest.param(with_change(reading(DLQ, DARK, 10)), HEALTHY, id="one that only asks for people is dark"),
        pytest.param(with_change(reading(NOTED, UNREAD, 10)), HEALTHY, id="one that is only noted is unread"),
        pytest.param(QUIET[:2], HEALTHY, id="those that decide nothing are gone"),
        pytest.param(with_change(reading(DLQ, ALARM, 10)), HEALTHY, id="one that only asks for people fires"),
    ],
)
def test_only_alarms_whose_rule_is_a_rollback_decide(current: tuple[AlarmReading, ...], verdict: AlarmVerdict) -> None:
    assert assess_alarms(QUIET, current, RULES, NOW).verdict is verdict


def test_an_alarm_of_the_baseline_counts_once_it_has_been_ok() -> None:
    before = with_change(reading(ERRORS, ALARM, -50))
    for unsettled in (reading(ERRORS, ALARM, 5), reading(ERRORS, DARK, 5), reading(ERRORS, UNREAD, 5)):
        assert settle_baseline(before, with_change(unsettled)) == before
    settled = settle_baseline(before, with_change(reading(ERRORS, OK, 5)))
    assert settled == with_change(reading(ERRORS, OK, 5))
    assert settle_baseline(settled, with_change(reading(ERRORS, ALARM, 9))) == settled
    assert assess_alarms(settled, with_change(reading(ERRORS, ALARM, 9)), RULES, NOW).verdict is BREACHED


def test_rising_alarms_are_told_apart_from_breached_ones() -> None:
    rising = reading(LATENCY, ALARM, 99)
    assert assess_alarms(QUIET, with_change(rising), RULES, NOW).rising == (rising,)
    assert assess_alarms(QUIET, with_change(rising, reading(ERRORS, ALARM, 99)), RULES, NOW).rising == ()


@pytest.mark.parametrize(
    ("name", "logical"),
    [
        ("AuthServiceErrorsAlarm", "AuthServiceErrorsAlarm"),
        ("NameCardApi-staging-AuthServiceErrorsAlarm1A2B3C4D-XXXX", "AuthServiceErrorsAlarm1A2B3C4D"),
        ("NameCardApi-prod-HttpApiLatencyAlarmAB-CD", "HttpApiLatencyAlarmAB"),
        ("some-other-alarm", "some-other-alarm"),
        ("", ""),
    ],
)
def test_the_logical_id_is_found_in_a_physical_name(name: str, logical: str) -> None:
    assert logical_name(name) == logical


WHOLE, OTHER = "ReleaseHealthAlarm1A2B3C4D", "ReleaseHealthAlarmV2"
NAMED = {**RULES, "ReleaseHealthAlarm": AlarmRule(AlarmAction.ROLL_BACK, 5)}


def whole(state: AlarmState, since: float = 10, name: str = WHOLE, of: tuple[str, ...] = (ERRORS,)) -> AlarmReading:
    """Make a composite alarm's reading over some alarms."""
    return replace(reading(name, state, since), children=tuple(f"arn:{child}" for child in of))


@pytest.mark.parametrize(
    ("changed", "rules", "breached", "paged"),
    [
        pytest.param((whole(ALARM),), NAMED, (WHOLE,), (), id="named in the policy"),
        pytest.param((whole(ALARM, 96),), NAMED, (), (), id="named, and not sustained"),
        pytest.param(
            (whole(ALARM), reading(ERRORS, ALARM, 10)), NAMED, (WHOLE,), (), id="whole and part are one breach"
        ),
        pytest.param((whole(OK), reading(ERRORS, ALARM, 10)), NAMED, (ERRORS,), (), id="the part alone still counts"),
        pytest.param(
            (whole(ALARM), reading(LATENCY, ALARM, 10)),
            NAMED,
            (LATENCY, WHOLE),
            (),
            id="another alarm is another breach",
        ),
        pytest.param((whole(ALARM), reading(ERRORS, ALARM, 10)), RULES, (ERRORS,), (), id="unnamed: the part decides"),
        pytest.param(
            (whole(ALARM, of=(DLQ,)), reading(DLQ, ALARM, 10)), NAMED, (WHOLE,), (), id="its part is not paged"
        ),
        pytest.param(
            (whole(ALARM, of=(DLQ,)), reading(DLQ, ALARM, 10)), RULES, (), (WHOLE,), id="people are asked once"
        ),
        pytest.param((whole(ALARM),), RULES, (), (WHOLE,), id="unnamed, alone: people are asked"),
        pytest.param(
            (whole(OK), whole(ALARM, name=OTHER)), NAMED, (), (OTHER,), id="a name that begins alike is another"
        ),
        pytest.param(
            (whole(ALARM), whole(ALARM, name="Top", of=(WHOLE,)), reading(ERRORS, ALARM, 10)),
            {**NAMED, "Top": AlarmRule(AlarmAction.ROLL_BACK)},
            ("Top",),
            (),
            id="composites of composites",
        ),
    ],
)
def test_a_composite_and_its_parts_count_once(
    changed: tuple[AlarmReading, ...], rules: dict[str, AlarmRule], breached: tuple[str, ...], paged: tuple[str, ...]
) -> None:
    found = assess_alarms(QUIET, with_change(*changed), rules, NOW)
    assert ({r.name for r in found.roll_back_by}, {r.name for r in found.page_by}) == (set(breached), set(paged))
    assert (found.verdict is BREACHED) == bool(breached)


@pytest.mark.parametrize(
    ("current", "words"),
    [
        pytest.param(with_change(whole(DARK)), "without data: ReleaseHealth", id="dark"),
        pytest.param(with_change(whole(UNREAD)), "without data: ReleaseHealth", id="deleted"),
        pytest.param(QUIET, "the policy names and no stack has: ReleaseHealthAlarm", id="no such alarm"),
        pytest.param(with_change(whole(OK, name=OTHER)), "no stack has: ReleaseHealthAlarm", id="only one alike"),
    ],
)
def test_an_alarm_that_the_policy_names_and_nobody_reads_is_unknown(
    current: tuple[AlarmReading, ...], words: str
) -> None:
    found = assess_alarms(QUIET, current, NAMED, NOW)
    assert (found.verdict, words in found.reason) == (UNKNOWN, True), found.reason


def test_a_name_that_only_people_are_asked_for_may_be_absent() -> None:
    rules = {**RULES, "ReleaseHealthAlarm": AlarmRule(AlarmAction.PAGE)}
    assert assess_alarms(QUIET, QUIET, rules, NOW).verdict is HEALTHY
