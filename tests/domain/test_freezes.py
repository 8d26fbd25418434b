"""Intervals judged at a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.freezes import FreezeWindow, describe_freeze, find_freeze

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def window(start: float, end: float, name: str = "weekend") -> FreezeWindow:
    return FreezeWindow(name, NOON + timedelta(hours=start), NOON + timedelta(hours=end))


@pytest.mark.parametrize(
    ("windows", "ends"),
    [
        ([], None),
        ([window(-2, -1)], None),
        ([window(1, 2)], None),
        ([window(-1, 0)], None),
        ([window(0, 1)], 1),
        ([window(-1, 1)], 1),
        ([window(-1, 1), window(-3, 4, "other")], 4),
        ([window(-1, 1), window(1, 2)], 2),
        ([window(2, 3), window(-1, 1), window(0.5, 2)], 3),
        ([window(-1, 1), window(1.5, 2)], 1),
        ([window(-5, -1), window(-1, 1)], 1),
    ],
)
def test_a_freeze_ends_when_all_that_touches_it_has(windows: list[FreezeWindow], ends: float | None) -> None:
    found = find_freeze(windows, NOON)
    assert (None if found is None else found.end) == (None if ends is None else NOON + timedelta(hours=ends))


def test_it_is_said_in_one_line() -> None:
    assert describe_freeze(window(-1, 1)) == "frozen by weekend until 2026-03-02 13:00 UTC"
