"""Latencies summed up."""

from __future__ import annotations

import pytest

from benchmarks.alarm_latency import summarise


@pytest.mark.parametrize(
    ("seconds", "p95"),
    [
        ([float(n) for n in range(1, 21)], 19.0),
        ([20.0, *(1.0 for _ in range(19))], 1.0),
        ([20.0, 19.0, *(1.0 for _ in range(18))], 19.0),
        ([3.0], 3.0),
        ([1.0, 2.0, 9.0], 9.0),
    ],
)
def test_the_p95_is_the_nearest_rank(seconds: list[float], p95: float) -> None:
    assert summarise(seconds).p95 == p95
