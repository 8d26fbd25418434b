"""The outage as read from the traffic, and the comparison of both ways."""

from __future__ import annotations

import pytest

from benchmarks.fast_path import Healing, compare, first_healthy
from namecard_release.errors import PermanentError
from namecard_release.sandbox.traffic import Outcome


def answer(at: float, status: int, seconds: float = 0.5) -> Outcome:
    return Outcome(at, "auth", status, None, seconds)


def test_the_outage_lasts_from_the_first_failing_request_to_the_first_good_answer_after_it() -> None:
    outcomes = [answer(1, 200), answer(4, 200), answer(2, 500), answer(3, 500), answer(5, 500), answer(6, 200)]
    assert first_healthy(outcomes) == (2, 4.5, 5)


@pytest.mark.parametrize("outcomes", [[answer(1, 200)], [answer(1, 200), answer(2, 0)], []])
def test_without_both_there_is_no_outage_to_measure(outcomes: list[Outcome]) -> None:
    with pytest.raises(PermanentError):
        first_healthy(outcomes)


def test_the_ratio_is_of_the_medians_of_one_environment() -> None:
    def healing(environment: str, *, fast: bool, healthy: float) -> Healing:
        return Healing(environment, "auth", fast, False, healthy, healthy, None, None, 9.0, 12.0, 40, 20)

    each = [healing("prod", fast=True, healthy=n) for n in (3, 4, 5)]
    each += [healing("prod", fast=False, healthy=n) for n in (10, 16, 20)]
    each += [healing("staging", fast=True, healthy=99), healing("staging", fast=False, healthy=1)]
    compared = compare(each, "prod")
    assert (compared.with_fast_path, compared.without, compared.ratio) == (4, 16, 0.25)
