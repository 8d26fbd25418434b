"""Percentiles of durations in bounded memory. Whose durations they are does not belong here."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, exp, isfinite, log

# Buckets grow by 2 %, so that a percentile is told within 1 %; from a microsecond to a year there are 1,500 of them.
_GROWTH = log(1.02)
_LEAST, _MOST = 1e-3, 3.2e10


class Durations:
    """Counts durations in milliseconds in buckets whose bounds grow by 2 %."""

    __slots__ = ("_buckets", "count", "longest")

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._buckets: dict[int, int] = {}
        self.count = 0
        self.longest = 0.0
        for value in values:
            self.add(value)

    def add(self, ms: float) -> None:
        """Count one duration; what is no finite number from 0 is not counted."""
        if not (isfinite(ms) and ms >= 0):
            return
        bucket = round(log(min(max(ms, _LEAST), _MOST)) / _GROWTH)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.count += 1
        self.longest = max(self.longest, ms)

    def merge(self, other: Durations) -> None:
        """Add what another one counted."""
        for bucket, count in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self.count += other.count
        self.longest = max(self.longest, other.longest)

    def percentile(self, share: float) -> float | None:
        """Give the nearest-rank percentile (share 0.95 is p95), within 1 %; None when nothing was counted."""
        if self.count == 0:
            return None
        wanted, seen = max(1, ceil(share * self.count)), 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return round(min(exp(bucket * _GROWTH), self.longest), 3)
        return self.longest
