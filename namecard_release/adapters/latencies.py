"""Lambda durations as CloudWatch tells them, over a window. Finding the functions and judging do not belong here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING

from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.domain.latency import Latency

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import (
        MetricDataQueryTypeDef,
        MetricDataResultTypeDef,
        MetricStatTypeDef,
        MetricTypeDef,
    )

_AT_ONCE = 500
_MINUTE = 60
_LONGEST_PERIOD = 86400


def find_functions(resources: Sequence[StackResourceSummaryTypeDef]) -> dict[str, str]:
    """Pick the Lambda functions out of a stack's resources: physical names by logical id."""
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in resources
        if resource["ResourceType"] == "AWS::Lambda::Function" and resource.get("PhysicalResourceId")
    }


def read_latencies(
    client: CloudWatchClient, functions: Mapping[str, str], since: datetime, until: datetime
) -> tuple[Latency, ...]:
    """Read each function's p95 of `Duration` and its number of invocations from `since` to `until`, whole minutes.

    CloudWatch may cut the window into two periods where it does not begin on a multiple of its length, and cuts one
    of more than a day: percentiles do not add up, so the worst of them counts. Raises TransientError or
    PermanentError.
    """
    period = min(max(1, ceil((until - since).total_seconds() / _MINUTE)) * _MINUTE, _LONGEST_PERIOD)
    queries = [query for n, name in enumerate(functions.values()) for query in _queries(n, name, period)]
    told: dict[str, list[MetricDataResultTypeDef]] = {}
    for start in range(0, len(queries), _AT_ONCE):
        for result in _ask(client, queries[start : start + _AT_ONCE], since, until):
            told.setdefault(result.get("Id", ""), []).append(result)
    return tuple(
        _latency(logical_id, told.get(f"p{n}", []), told.get(f"n{n}", [])) for n, logical_id in enumerate(functions)
    )


def _queries(number: int, function: str, period: int) -> tuple[MetricDataQueryTypeDef, ...]:
    metric: MetricTypeDef = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Duration",
        "Dimensions": [{"Name": "FunctionName", "Value": function}],
    }
    worst: MetricStatTypeDef = {"Metric": metric, "Period": period, "Stat": "p95"}
    count: MetricStatTypeDef = {"Metric": metric, "Period": period, "Stat": "SampleCount"}
    return ({"Id": f"p{number}", "MetricStat": worst}, {"Id": f"n{number}", "MetricStat": count})


def _ask(
    client: CloudWatchClient, queries: list[MetricDataQueryTypeDef], since: datetime, until: datetime
) -> list[MetricDataResultTypeDef]:
    with aws_errors_told(f"read the latencies of {len(queries) // 2} functions"):
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=since, EndTime=until
        )
        return [result for page in pages for result in page["MetricDataResults"]]


def _latency(
    logical_id: str, worst: Sequence[MetricDataResultTypeDef], counts: Sequence[MetricDataResultTypeDef]
) -> Latency:
    bad = [r for r in (*worst, *counts) if r.get("StatusCode") in ("InternalError", "Forbidden")]
    if bad or not worst or not counts:
        why = bad[0].get("StatusCode", "") if bad else "CloudWatch gave no answer about this function"
        return Latency(logical_id, None, 0, why)
    values = [value for result in worst for value in result.get("Values", [])]
    requests = sum(value for result in counts for value in result.get("Values", []))
    return Latency(logical_id, max(values, default=None), round(requests))
