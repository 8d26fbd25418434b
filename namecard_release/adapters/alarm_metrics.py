"""The metrics that alarms watch, over a span, as CloudWatch tells them. Judging the values does not belong here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.domain.alarms import AlarmReading
from namecard_release.domain.recovery import AlarmMetric

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef, MetricDataResultTypeDef

_ALARMS_AT_ONCE, _METRICS_AT_ONCE = 100, 500
_BAD = ("InternalError", "Forbidden")


@dataclass(frozen=True)
class _Asked:
    name: str
    alarm: MetricAlarmTypeDef


def read_alarm_metrics(
    client: CloudWatchClient, alarms: Sequence[AlarmReading], since: datetime, until: datetime
) -> tuple[AlarmMetric, ...]:
    """Read each alarm's own metric by its own statistic and period; one that CloudWatch does not know is left out.

    An alarm on a formula has no single metric, and no points. Raises TransientError or PermanentError.
    """
    names = {alarm.arn.rpartition(":alarm:")[2]: alarm.name for alarm in alarms}
    asked = [_Asked(names[told["AlarmName"]], told) for told in _describe(client, list(names)) if "AlarmName" in told]
    queries = [_query(n, one.alarm) for n, one in enumerate(asked) if one.alarm.get("MetricName")]
    told: dict[str, list[MetricDataResultTypeDef]] = {}
    for start in range(0, len(queries) if since < until else 0, _METRICS_AT_ONCE):
        for result in _ask(client, queries[start : start + _METRICS_AT_ONCE], since, until):
            told.setdefault(result.get("Id", ""), []).append(result)
    return tuple(_metric(one, told.get(f"m{n}"), since, until) for n, one in enumerate(asked))


def _describe(client: CloudWatchClient, names: list[str]) -> list[MetricAlarmTypeDef]:
    found: list[MetricAlarmTypeDef] = []
    for start in range(0, len(names), _ALARMS_AT_ONCE):
        batch = names[start : start + _ALARMS_AT_ONCE]
        with aws_errors_told(f"describe {len(batch)} alarms"):
            pages = client.get_paginator("describe_alarms").paginate(AlarmNames=batch, AlarmTypes=["MetricAlarm"])
            found += [alarm for page in pages for alarm in page["MetricAlarms"]]
    return found


def _query(number: int, alarm: MetricAlarmTypeDef) -> dict[str, Any]:
    metric = {
        "Namespace": alarm.get("Namespace", ""),
        "MetricName": alarm.get("MetricName", ""),
        "Dimensions": alarm.get("Dimensions", []),
    }
    return {
        "Id": f"m{number}",
        "MetricStat": {"Metric": metric, "Period": alarm.get("Period", 60), "Stat": _statistic(alarm)},
    }


def _statistic(alarm: Mapping[str, Any]) -> str:
    return str(alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average")


def _ask(
    client: CloudWatchClient, queries: list[Any], since: datetime, until: datetime
) -> list[MetricDataResultTypeDef]:
    with aws_errors_told(f"read the metrics of {len(queries)} alarms"):
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=since, EndTime=until, ScanBy="TimestampAscending"
        )
        return [result for page in pages for result in page["MetricDataResults"]]


def _metric(
    asked: _Asked, results: Sequence[MetricDataResultTypeDef] | None, since: datetime, until: datetime
) -> AlarmMetric:
    alarm = asked.alarm
    periods = int(alarm.get("EvaluationPeriods", 1))
    # A period that began before the span holds what was before it.
    points = {
        at.astimezone(UTC): value
        for one in results or ()
        for at, value in zip(one.get("Timestamps", []), one.get("Values", []), strict=False)
        if at >= since
    }
    return AlarmMetric(
        name=asked.name,
        metric=alarm.get("MetricName", "a formula"),
        statistic=_statistic(alarm),
        comparison=alarm.get("ComparisonOperator", ""),
        threshold=float(alarm.get("Threshold", 0.0)),
        needed=int(alarm.get("DatapointsToAlarm") or periods),
        periods=periods,
        points=tuple(sorted(points.items())),
        unread=_explain_unread(alarm, results) if since < until else "",
    )


def _explain_unread(alarm: MetricAlarmTypeDef, results: Sequence[MetricDataResultTypeDef] | None) -> str:
    if not alarm.get("MetricName"):
        return ""
    if not results:
        return "CloudWatch gave no answer about its metric"
    return next((str(one.get("StatusCode")) for one in results if one.get("StatusCode") in _BAD), "")
