"""Waivers: a person's word that a gate need not pass, for a release, until a moment. Keeping them is the ledger's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from namecard_release.domain.gates import GateResult, Verdict, Waived

_DURATION = re.compile(r"([1-9][0-9]{0,5})(m|h|d|w)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_WAIVABLE_VERDICTS = (Verdict.FAILED, Verdict.UNKNOWN)


@dataclass(frozen=True)
class Waiver:
    """A waiver of one gate of one release, in one environment or (None) in all; times are UTC.

    It is in force from `since` until `expires_at` (excluded) or until it was revoked. `id` is its number in the ledger.
    """

    gate: str
    release: str
    environment: str | None
    actor: str
    reason: str
    since: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    id: int | None = field(default=None, compare=False)

    def in_force(self, now: datetime) -> bool:
        """Tell whether it counts at a moment; one that was revoked or has expired never does again."""
        return self.revoked_at is None and self.since <= now < self.expires_at


def find_waiver(
    waivers: Iterable[Waiver], gate: str, release: str, environment: str | None, now: datetime
) -> Waiver | None:
    """Find what waives a gate at a moment; of several the one that lasts longest. One for an environment counts there
    alone.
    """
    wanted = [
        w
        for w in waivers
        if (w.gate, w.release) == (gate, release) and w.environment in (None, environment) and w.in_force(now)
    ]
    return max(wanted, key=lambda w: (w.expires_at, w.since), default=None)


def apply_waivers(
    results: Sequence[GateResult],
    waivers: Sequence[Waiver],
    environment: str | None,
    may_be_waived: Callable[[str], bool],
    now: datetime,
) -> tuple[GateResult, ...]:
    """Turn results that failed or are unread into WAIVED where a waiver is in force; what they were stays with them."""
    return tuple(_apply(result, waivers, environment, may_be_waived, now) for result in results)


def _apply(
    result: GateResult,
    waivers: Sequence[Waiver],
    environment: str | None,
    may_be_waived: Callable[[str], bool],
    now: datetime,
) -> GateResult:
    if result.verdict not in _WAIVABLE_VERDICTS or not may_be_waived(result.gate):
        return result
    found = find_waiver(waivers, result.gate, result.release, result.environment or environment, now)
    if found is None:
        return result
    waived = Waived(result.verdict, found.actor, found.reason, found.since, found.expires_at)
    return replace(result, verdict=Verdict.WAIVED, waived=waived)


def read_expiry(text: str, now: datetime, longest: timedelta) -> datetime:
    """Read until when a waiver lasts: a moment in ISO 8601 with its zone, or a length such as 30m, 2h, 3d, 1w.

    Raises ValueError in one line for a text that is neither, a moment that has passed, or one beyond `longest`.
    """
    match = _DURATION.fullmatch(text.strip())
    length = int(match[1]) * _UNITS[match[2]] if match else _read_moment(text.strip()) - now
    if length <= timedelta():
        raise ValueError(f"{text} has passed: it is {now:%Y-%m-%d %H:%M:%S} UTC")
    if length > longest:
        raise ValueError(f"{text} is too far away: a waiver lasts {longest} at most")
    return now + length


def _read_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        told = "neither a moment such as 2026-03-02T18:00:00+00:00 nor a length such as 2h"
        raise ValueError(f"{text!r} is {told}") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text} names no time zone: write {text}Z or {text}+00:00")
    return moment
