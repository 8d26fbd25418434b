"""Latency against its target, and the window it is measured over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from namecard_release.domain.budgets import Budget
from namecard_release.domain.gates import Verdict
from namecard_release.domain.latency import FEWEST_REQUESTS, Latency, judge_latency, measured_window

BUDGETS = (Budget("auth", "prod", 1, 300, "ada", 2), Budget("auth", "staging", 1, 100, "ada", 3))
FUNCTION = "AuthServiceFunction1A2B"
PASSED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("names", "read", "verdict", "told"),
    [
        ({"prod"}, Latency(FUNCTION, 212.4, 1834), PASSED, "p95 212 ms, target 300 ms, 1834 requests"),
        ({"prod"}, Latency(FUNCTION, 300.0, FEWEST_REQUESTS), PASSED, "p95 300 ms, target 300 ms"),
        ({"prod"}, Latency(FUNCTION, 300.1, 1834), FAILED, "p95 300 ms, target 300 ms"),
        ({"staging", "stage"}, Latency(FUNCTION, 212.4, 1834), FAILED, "p95 212 ms, target 100 ms"),
        ({"dev"}, Latency(FUNCTION, 1.0, 1834), UNKNOWN, "no budget"),
        ({"prod"}, Latency(FUNCTION, 9000.0, FEWEST_REQUESTS - 1), UNKNOWN, "not enough requests: 19 of 20"),
        ({"prod"}, Latency(FUNCTION, None, 0), UNKNOWN, "not enough requests: 0 of 20"),
        ({"prod"}, Latency(FUNCTION, None, 50), UNKNOWN, "not enough requests"),
        ({"prod"}, Latency(FUNCTION, None, 0, "Forbidden"), UNKNOWN, "was not read: Forbidden"),
        ({"prod"}, Latency("CardsServiceFunction1", 1.0, 50), UNKNOWN, "no function AuthService"),
    ],
)
def test_a_service_is_judged_by_its_own_target(names: set[str], read: Latency, verdict: Verdict, told: str) -> None:
    (phase,) = judge_latency(("auth",), BUDGETS, frozenset(names), (read,))
    assert (phase.name, phase.verdict) == ("auth", verdict)
    assert told in phase.reason


def at(minute: int, second: int = 0) -> datetime:
    """Give a moment of an hour."""
    return datetime(2026, 3, 2, 9, minute, second, 5, tzinfo=UTC)


def whole(minute: int) -> datetime:
    """Give a whole minute of that hour."""
    return at(minute).replace(microsecond=0)


@pytest.mark.parametrize(
    ("deployed", "now", "since", "until"),
    [
        # The deploy's own minute holds requests to the earlier code.
        (at(10, 20), at(25, 20), whole(11), whole(26)),
        (at(10, 20), at(13, 0), whole(11), whole(14)),
        # Leaving it out would leave next to nothing.
        (at(10, 20), at(10, 40), whole(10), whole(11)),
        (at(10, 20), at(12, 59), whole(10), whole(13)),
    ],
)
def test_the_window_is_in_whole_minutes(deployed: datetime, now: datetime, since: datetime, until: datetime) -> None:
    assert measured_window(deployed, now) == (since, until)
