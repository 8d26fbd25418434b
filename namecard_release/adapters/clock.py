"""The system's clock. Anything that only compares moments does not belong here."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Give the present moment in UTC."""
    return datetime.now(UTC)


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """Give the present moment in UTC."""
        return utc_now()
