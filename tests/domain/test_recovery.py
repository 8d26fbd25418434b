"""Whether a rollback healed its environment: probes, metrics since the rollback, and which alarms are measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from namecard_release.domain.alarms import AlarmAction, AlarmReading, AlarmRule, AlarmState
from namecard_release.domain.gates import Verdict, combine_phases
from namecard_release.domain.recovery import (
    METRICS,
    AlarmMetric,
    find_lagging,
    judge_recovery,
    measured_from,
)
from tests.domain.cases import at, phase, reading

PASSED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN
OK, ALARM = AlarmState.OK, AlarmState.ALARM


def metric(*values: float, unread: str = "", **own: object) -> AlarmMetric:
    """Make the errors of auth with a value a minute: a breach with one in a minute."""
    points = tuple((at(60 * number), value) for number, value in enumerate(values))
    made = AlarmMetric("AuthErrors", "Errors", "Sum", "GreaterThanOrEqualToThreshold", 1, 1, 1, points, unread)
    return replace(made, **own)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("probes", "lagging", "metrics", "verdict", "words"),
    [
        pytest.param(PASSED, 1, (metric(0, 0),), PASSED, "1 read, none breaching", id="healthy"),
        pytest.param(
            PASSED, 1, (metric(3, 0),), PASSED, "none breaching", id="errors at first, none in the newest period"
        ),
        pytest.param(PASSED, 1, (metric(0, 3),), FAILED, "Sum of Errors is 3 at 09:01 UTC, at least 1", id="breaching"),
        pytest.param(PASSED, 1, (metric(),), PASSED, "yet: the probes alone decide", id="no traffic"),
        pytest.param(UNKNOWN, 1, (metric(),), UNKNOWN, "yet: the probes alone decide", id="no traffic, probes unread"),
        pytest.param(FAILED, 1, (metric(),), FAILED, "yet: the probes alone decide", id="no traffic, probes failed"),
        pytest.param(FAILED, 1, (metric(0),), FAILED, "none breaching", id="good metrics save no bad probe"),
        pytest.param(UNKNOWN, 1, (metric(0),), UNKNOWN, "none breaching", id="nor an unread one"),
        pytest.param(UNKNOWN, 1, (metric(5),), FAILED, "still breaching", id="breaching, probes unread"),
        pytest.param(PASSED, 1, (metric(unread="throttled"),), UNKNOWN, "not read: AuthErrors: throttled", id="unread"),
        pytest.param(PASSED, 1, (), UNKNOWN, "1 of 1 alarms were not told", id="nothing came back"),
        pytest.param(PASSED, 2, (metric(0), metric(unread="throttled")), UNKNOWN, "not read", id="one of two unread"),
        pytest.param(
            PASSED, 2, (metric(7), metric(unread="throttled")), FAILED, "still breaching", id="breach over unread"
        ),
        pytest.param(
            PASSED, 2, (metric(0), metric()), PASSED, "1 read, none breaching, no datapoints of", id="one silent"
        ),
        pytest.param(PASSED, 0, (), PASSED, "no alarm was to be silenced", id="no alarm fired"),
        pytest.param(PASSED, 1, (metric(5, 0, 5, needed=2, periods=3),), FAILED, "in 2 periods", id="two of three"),
        pytest.param(PASSED, 1, (metric(5, 0, 0, needed=2, periods=3),), PASSED, "none", id="one of three"),
        pytest.param(PASSED, 1, (metric(5, needed=2, periods=3),), PASSED, "none", id="too early for two of three"),
        pytest.param(
            PASSED,
            1,
            (metric(1, comparison="GreaterThanThreshold"),),
            PASSED,
            "none",
            id="at a threshold to be crossed",
        ),
        pytest.param(PASSED, 1, (metric(0, comparison="LessThanThreshold"),), FAILED, "less than 1", id="too few"),
        pytest.param(
            PASSED, 1, (metric(1, comparison="LessThanOrEqualToThreshold"),), FAILED, "at most 1", id="as few as that"
        ),
        pytest.param(PASSED, 1, (metric(9, comparison="Band"),), PASSED, "none", id="a comparison of another kind"),
    ],
)
def test_a_rollback_is_healthy_with_good_probes_and_no_breaching_metric(
    probes: Verdict, lagging: int, metrics: tuple[AlarmMetric, ...], verdict: Verdict, words: str
) -> None:
    phases = judge_recovery((phase("auth", probes),), lagging, metrics)
    assert combine_phases(phases)[0] is verdict
    assert (phases[-1].name, words in phases[-1].reason) == (METRICS, True), phases[-1].reason


def test_the_minute_of_the_deploy_is_left_out() -> None:
    assert measured_from(at(0)) == at(0)
    assert measured_from(at(1)) == at(60)
    assert measured_from(at(59.9)) == at(60)


RULES = {"errors": AlarmRule(AlarmAction.ROLL_BACK), "dlq": AlarmRule(AlarmAction.PAGE)}
AUTH, CARDS, DLQ = "AuthServiceErrorsAlarm1A2B3C4D", "CardsServiceErrorsAlarm1A2B3C4D", "LambdaDeadLetterQueueAlarm"


@pytest.mark.parametrize(
    ("baseline", "left", "found"),
    [
        pytest.param((reading(AUTH, ALARM), reading(CARDS, OK)), (reading(AUTH, OK),), [AUTH], id="fired since"),
        pytest.param((reading(AUTH, ALARM),), (), [AUTH], id="nothing is known of before"),
        pytest.param((reading(AUTH, ALARM),), (reading(AUTH, ALARM),), [], id="fired before the release that was left"),
        pytest.param((reading(DLQ, ALARM),), (), [], id="people's alarm"),
        pytest.param((replace(reading(AUTH, ALARM), children=("arn",)),), (), [], id="a composite has no metric"),
        pytest.param((), (), [], id="none"),
    ],
)
def test_alarms_that_a_rollback_is_to_silence(
    baseline: tuple[AlarmReading, ...], left: tuple[AlarmReading, ...], found: list[str]
) -> None:
    assert [r.name for r in find_lagging(baseline, left, RULES)] == found
