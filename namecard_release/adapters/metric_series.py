"""Metrics over a window and what alarms watch, as CloudWatch tells them. Drawing and judging do not belong here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.domain.incident_evidence import AlarmTarget
from namecard_release.domain.measures import MetricQuery, Series
from namecard_release.errors import PermanentError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricDataResultTypeDef

_AT_ONCE = 500
# So many points a series are enough for a picture; CloudWatch keeps single minutes for 15 days.
_POINTS = 360


class AwsMetrics:
    """CloudWatch of one account and region. Keeps the port `Metrics`."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def target(self, arn: str) -> AlarmTarget:
        """Tell what an alarm watches. Raises PermanentError for an alarm that is not there."""
        name = arn.rpartition(":alarm:")[2]
        if not name:
            raise PermanentError("the alarm has no name in CloudWatch")
        with aws_errors_told(f"describe the alarm {name}"):
            found = self._clients.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        if not found:
            raise PermanentError(f"CloudWatch knows no alarm {name}")
        alarm = found[0]
        dimensions = tuple((one["Name"], one["Value"]) for one in alarm.get("Dimensions", []))
        statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic") or ""
        return AlarmTarget(
            alarm.get("Namespace", ""), alarm.get("MetricName", ""), dimensions, alarm.get("Threshold"), statistic
        )

    def series(self, queries: Sequence[MetricQuery], since: datetime, until: datetime) -> tuple[Series, ...]:
        """Read metrics in the order asked, in periods of whole minutes."""
        minutes = max(1, ceil((until - since).total_seconds() / 60 / _POINTS))
        period = timedelta(minutes=minutes)
        told: dict[str, list[MetricDataResultTypeDef]] = {}
        for start in range(0, len(queries), _AT_ONCE):
            asked = [
                _query(start + n, query, 60 * minutes) for n, query in enumerate(queries[start : start + _AT_ONCE])
            ]
            with aws_errors_told(f"read {len(asked)} metrics"):
                pages = self._clients.cloudwatch.get_paginator("get_metric_data").paginate(
                    MetricDataQueries=asked, StartTime=since, EndTime=until, ScanBy="TimestampAscending"
                )
                for result in (result for page in pages for result in page["MetricDataResults"]):
                    told.setdefault(result.get("Id", ""), []).append(result)
        return tuple(_series(query, told.get(f"m{n}", []), period) for n, query in enumerate(queries))


def _query(number: int, query: MetricQuery, period: int) -> MetricDataQueryTypeDef:
    return {
        "Id": f"m{number}",
        "MetricStat": {
            "Metric": {
                "Namespace": query.namespace,
                "MetricName": query.metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in query.dimensions],
            },
            "Period": period,
            "Stat": query.statistic,
        },
    }


def _series(query: MetricQuery, results: Sequence[MetricDataResultTypeDef], period: timedelta) -> Series:
    bad = [one for one in results if one.get("StatusCode") in ("InternalError", "Forbidden")]
    if bad or not results:
        why = str(bad[0].get("StatusCode", "")) if bad else "CloudWatch gave no answer about this metric"
        return Series(query.measure, query.of, (), why, period)
    points = {
        at.astimezone(UTC): value
        for one in results
        for at, value in zip(one.get("Timestamps", []), one.get("Values", []), strict=False)
    }
    return Series(query.measure, query.of, tuple(sorted(points.items())), "", period)
