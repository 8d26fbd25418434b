"""Freeze windows: intervals in which nothing is promoted. Cron and time zones are read outside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True)
class FreezeWindow:
    """One interval of a freeze, in UTC: from `start` until `end` (excluded)."""

    name: str
    start: datetime
    end: datetime


def find_freeze(windows: Iterable[FreezeWindow], now: datetime) -> FreezeWindow | None:
    """Find the freeze in force at a moment; `end` is when it is over for good: windows that touch are one freeze."""
    ordered = sorted(windows, key=lambda window: (window.start, window.end))
    frozen = max((w for w in ordered if w.start <= now < w.end), key=lambda w: w.end, default=None)
    if frozen is None:
        return None
    end = frozen.end
    for window in ordered:
        if window.start <= end < window.end:
            end = window.end
    return replace(frozen, end=end)


def describe_freeze(window: FreezeWindow) -> str:
    """Say in one line which freeze it is and when it ends."""
    return f"frozen by {window.name} until {window.end:%Y-%m-%d %H:%M} UTC"
