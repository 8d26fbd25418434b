"""Latencies from CloudWatch's answers: what is asked, and what the values of one or two periods come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from namecard_release.adapters.latencies import find_functions, read_latencies
from namecard_release.domain.latency import Latency

SINCE = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)


class Watch:
    """CloudWatch with given results by query, which notes each call and answers a result a page."""

    def __init__(self, results: dict[str, dict[str, Any]]) -> None:
        self.results = results
        self.calls: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> Watch:
        assert operation == "get_metric_data"
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        self.calls.append(asked)
        ids = [query["Id"] for query in asked["MetricDataQueries"]]
        return [{"MetricDataResults": [{"Id": id_, **self.results[id_]}]} for id_ in ids if id_ in self.results]


def read(watch: Watch, minutes: float = 15, functions: tuple[str, ...] = ("f",)) -> tuple[Latency, ...]:
    """Read the latencies of functions whose logical id is their name in capitals."""
    named = {name.upper(): name for name in functions}
    return read_latencies(cast(Any, watch), named, SINCE, SINCE + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ({"p0": {"Values": [212.5]}, "n0": {"Values": [40.0]}}, Latency("F", 212.5, 40)),
        # The window lies over two periods: percentiles do not add up, requests do.
        ({"p0": {"Values": [100.0, 300.0]}, "n0": {"Values": [30.0, 12.0]}}, Latency("F", 300.0, 42)),
        ({"p0": {"Values": []}, "n0": {"Values": []}}, Latency("F", None, 0)),
        ({"p0": {"Values": []}, "n0": {"Values": [7.0]}}, Latency("F", None, 7)),
        ({}, Latency("F", None, 0, "CloudWatch gave no answer about this function")),
        ({"p0": {"Values": [1.0]}}, Latency("F", None, 0, "CloudWatch gave no answer about this function")),
        (
            {"p0": {"Values": [], "StatusCode": "Forbidden"}, "n0": {"Values": [7.0]}},
            Latency("F", None, 0, "Forbidden"),
        ),
        ({"p0": {"Values": [5.0], "StatusCode": "PartialData"}, "n0": {"Values": [7.0]}}, Latency("F", 5.0, 7)),
    ],
)
def test_what_a_functions_values_come_to(results: dict[str, dict[str, Any]], expected: Latency) -> None:
    assert read(Watch(results)) == (expected,)


@pytest.mark.parametrize(("minutes", "period"), [(15, 900), (1, 60), (0, 60), (1.5, 120), (2880, 86400)])
def test_one_period_covers_the_window(minutes: float, period: int) -> None:
    watch = Watch({})
    read(watch, minutes)
    (call,) = watch.calls
    stats = [(q["MetricStat"]["Stat"], q["MetricStat"]["Period"]) for q in call["MetricDataQueries"]]
    assert stats == [("p95", period), ("SampleCount", period)]
    metric = call["MetricDataQueries"][0]["MetricStat"]["Metric"]
    assert (metric["MetricName"], metric["Dimensions"]) == ("Duration", [{"Name": "FunctionName", "Value": "f"}])


def test_five_hundred_queries_a_call_and_every_function_keeps_its_own() -> None:
    functions = tuple(f"f{n}" for n in range(260))
    results = {f"{kind}{n}": {"Values": [float(n)]} for n in range(260) for kind in "pn"}
    watch = Watch(results)
    told = read(watch, functions=functions)
    assert [len(call["MetricDataQueries"]) for call in watch.calls] == [500, 20]
    assert told == tuple(Latency(f"F{n}", float(n), n) for n in range(260))


def test_functions_are_picked_from_the_resources() -> None:
    resources: Any = [
        {"LogicalResourceId": "A", "PhysicalResourceId": "a", "ResourceType": "AWS::Lambda::Function"},
        {"LogicalResourceId": "B", "ResourceType": "AWS::Lambda::Function"},
        {"LogicalResourceId": "C", "PhysicalResourceId": "c", "ResourceType": "AWS::SQS::Queue"},
    ]
    assert find_functions(resources) == {"A": "a"}
