"""What alarms measure, from CloudWatch's answers: which query, which points, and what is not told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from namecard_release.adapters.alarm_metrics import read_alarm_metrics
from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.recovery import AlarmMetric

SINCE = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(minutes=3)
DIMENSIONS = [{"Name": "FunctionName", "Value": "auth-fn"}]
ALARM: dict[str, Any] = {
    "AlarmName": "p-auth",
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Dimensions": DIMENSIONS,
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}
FORMULA = {name: ALARM[name] for name in ("AlarmName", "EvaluationPeriods", "Threshold", "ComparisonOperator")}


class Watch:
    """CloudWatch with alarms and answers about their metrics, which notes what it was asked."""

    def __init__(self, alarms: list[dict[str, Any]], *results: dict[str, Any]) -> None:
        self.alarms, self.results = alarms, results
        self.queries: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> Any:
        return type("Pages", (), {"paginate": getattr(self, operation)})

    def describe_alarms(self, AlarmNames: list[str], AlarmTypes: list[str]) -> list[dict[str, Any]]:
        assert AlarmTypes == ["MetricAlarm"]
        return [{"MetricAlarms": [one for one in self.alarms if one["AlarmName"] in AlarmNames]}]

    def get_metric_data(self, MetricDataQueries: list[dict[str, Any]], **asked: Any) -> list[dict[str, Any]]:
        assert (asked["StartTime"], asked["EndTime"]) == (SINCE, UNTIL)
        self.queries += MetricDataQueries
        return [{"MetricDataResults": [one]} for one in self.results]


def read(watch: Watch, since: datetime = SINCE) -> tuple[AlarmMetric, ...]:
    """Read what the alarm of auth measures."""
    alarm = AlarmReading("AuthErrors", "arn:aws:cloudwatch:x:1:alarm:p-auth", AlarmState.ALARM, SINCE)
    return read_alarm_metrics(cast(Any, watch), [alarm], since, UNTIL)


def test_an_alarms_own_metric_is_asked_for_and_points_from_before_are_left_out() -> None:
    minutes = [SINCE + timedelta(minutes=number) for number in (-1, 0, 1)]
    first = {"Id": "m0", "Timestamps": minutes[:2], "Values": [7.0, 1.0], "StatusCode": "PartialData"}
    watch = Watch([ALARM], first, {"Id": "m0", "Timestamps": minutes[2:], "Values": [0.0], "StatusCode": "Complete"})
    (told,) = read(watch)
    assert told.points == ((minutes[1], 1.0), (minutes[2], 0.0))
    assert (told.name, told.metric, told.needed, told.periods, told.unread) == ("AuthErrors", "Errors", 2, 3, "")
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": DIMENSIONS}
    assert watch.queries == [{"Id": "m0", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}]


@pytest.mark.parametrize(
    ("alarm", "results", "unread"),
    [
        (ALARM, (), "CloudWatch gave no answer about its metric"),
        (ALARM, ({"Id": "m0", "StatusCode": "Forbidden"},), "Forbidden"),
        (ALARM, ({"Id": "m0", "StatusCode": "Complete", "Timestamps": [], "Values": []},), ""),
        (FORMULA, (), ""),
    ],
)
def test_what_is_not_told_is_unread_and_what_has_no_points_is_not(
    alarm: dict[str, Any], results: tuple[dict[str, Any], ...], unread: str
) -> None:
    (told,) = read(Watch([alarm], *results))
    assert (told.points, told.unread) == ((), unread)


def test_a_percentile_is_asked_for_as_one() -> None:
    watch = Watch([{**ALARM, "ExtendedStatistic": "p95", "Statistic": None}])
    read(watch)
    assert watch.queries[0]["MetricStat"]["Stat"] == "p95"


def test_an_alarm_that_is_gone_is_left_out_and_a_span_that_has_not_begun_is_not_asked_about() -> None:
    assert read(Watch([])) == ()
    watch = Watch([ALARM])
    (told,) = read(watch, UNTIL)
    assert (told.points, told.unread, watch.queries) == ((), "", [])
