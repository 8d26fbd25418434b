"""Percentiles within 1 % in bounded memory."""

from __future__ import annotations

import math
import random

import pytest

from namecard_release.domain.durations import Durations


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 0.99, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_percentiles_are_within_one_percent_of_the_exact(share: float, seed: int) -> None:
    dice = random.Random(seed)
    values = [dice.lognormvariate(4, 1.5) for _ in range(5000)]
    exact = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    assert Durations(values).percentile(share) == pytest.approx(exact, rel=0.0101)


def test_two_counts_are_one() -> None:
    one, other = Durations([1.0, 2.0]), Durations([300.0])
    one.merge(other)
    assert (one.count, one.longest) == (3, 300.0)
    assert one.percentile(1.0) == pytest.approx(300.0, rel=0.01)


def test_what_is_no_duration_is_not_counted() -> None:
    odd = Durations([math.nan, math.inf, -1.0])
    assert (odd.count, odd.percentile(0.5)) == (0, None)
    assert Durations([0.0]).percentile(0.5) == 0.0
