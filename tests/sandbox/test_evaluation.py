"""The alarm rules of the emulator as a table: windows, M of N, missing data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from namecard_release.sandbox.emulator.evaluation import Point, judge

NOW = 1_000_000.0


def total(window: Sequence[Point]) -> float:
    return float(sum(point["Value"] for point in window))


def judged(ages: Sequence[float], **alarm: Any) -> tuple[str, str] | None:
    points = [{"Timestamp": NOW - age, "Value": 1.0} for age in sorted(ages, reverse=True)]
    base = {"ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 1, "Period": 10}
    judgement = judge({**base, **alarm}, points, NOW, total)
    return None if judgement is None else (judgement.state, judgement.reason)


@pytest.mark.parametrize(
    ("ages", "alarm", "state"),
    [
        ([1], {}, "ALARM"),
        ([9.9], {}, "ALARM"),
        ([10.1], {}, "INSUFFICIENT_DATA"),
        ([10.1], {"TreatMissingData": "notBreaching"}, "OK"),
        ([], {"TreatMissingData": "breaching"}, "ALARM"),
        ([1], {"EvaluationPeriods": 2}, "OK"),
        ([1, 11], {"EvaluationPeriods": 2}, "ALARM"),
        ([1, 21], {"EvaluationPeriods": 3, "DatapointsToAlarm": 2}, "ALARM"),
        ([1, 2], {"EvaluationPeriods": 3, "DatapointsToAlarm": 2}, "OK"),
        ([1], {"EvaluationPeriods": 2, "TreatMissingData": "breaching"}, "ALARM"),
        ([1, 2], {"Threshold": 3}, "OK"),
        ([1, 2, 3], {"Threshold": 3}, "ALARM"),
        ([1], {"ComparisonOperator": "LessThanThreshold", "Threshold": 2}, "ALARM"),
        ([1], {"ComparisonOperator": "GreaterThanThreshold"}, "OK"),
    ],
)
def test_state(ages: list[float], alarm: dict[str, Any], state: str) -> None:
    answer = judged(ages, **alarm)
    assert answer is not None
    assert answer[0] == state


def test_ignoring_missing_data_changes_nothing() -> None:
    assert judged([], TreatMissingData="ignore") is None


def test_an_unknown_comparison_changes_nothing() -> None:
    assert judged([1], ComparisonOperator="LessThanLowerThreshold") is None


def test_the_reason_names_the_datapoints_and_the_threshold() -> None:
    answer = judged([1, 2], Threshold=2)
    assert answer is not None
    assert "1 out of the last 1 datapoints [2.0] was greater than or equal to the threshold (2.0)" in answer[1]
