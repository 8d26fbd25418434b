"""Metrics over a window as they were read, and the few figures that tell a person what happened to them.

Reading and drawing belong to adapters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Measure(StrEnum):
    """What the dashboard shows (runbook section 2), and throttles."""

    ERRORS = "Lambda errors"
    LATENCY = "Lambda duration p95"
    THROTTLES = "Lambda throttles"
    API_LATENCY = "HTTP API latency p95"
    DLQ_DEPTH = "DLQ depth"
    DB_CONNECTIONS = "Database connections"
    PROXY_CONNECTIONS = "Proxy connections"


UNITS = {
    Measure.ERRORS: "errors a period",
    Measure.THROTTLES: "throttles a period",
    Measure.LATENCY: "ms",
    Measure.API_LATENCY: "ms",
    Measure.DLQ_DEPTH: "messages",
    Measure.DB_CONNECTIONS: "connections",
    Measure.PROXY_CONNECTIONS: "connections",
}


@dataclass(frozen=True)
class MetricQuery:
    """One metric to read: whose it is (a service, or what is shared), and CloudWatch's names for it."""

    measure: Measure
    of: str
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str


@dataclass(frozen=True)
class Series:
    """One metric as read: points of (UTC, value), each `period` long, oldest first.

    No points and no `unread` means that CloudWatch has none; `unread` says why it was not read.
    """

    measure: Measure
    of: str
    points: tuple[tuple[datetime, float], ...] = ()
    unread: str = ""
    period: timedelta = timedelta(minutes=1)

    @property
    def most(self) -> float | None:
        """The highest value, None without points."""
        return max((value for _, value in self.points), default=None)

    @property
    def total(self) -> float:
        """The sum of all values: what counts (errors, throttles) come to."""
        return sum(value for _, value in self.points)

    @property
    def latest(self) -> float | None:
        """The newest value, None without points."""
        return self.points[-1][1] if self.points else None
