"""Pauses: a person's word that automation leaves an environment alone. Keeping them is the ledger's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from namecard_release.domain.promotion import Hold


@dataclass(frozen=True)
class Pause:
    """Automation paused in one environment from `since` until `until` (None: until a person resumes it); UTC."""

    environment: str
    reason: str
    actor: str
    since: datetime
    until: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    id: int | None = field(default=None, compare=False)

    def in_force(self, now: datetime) -> bool:
        """Tell whether it counts at a moment."""
        return self.ended_at is None and self.since <= now and (self.until is None or now < self.until)


def find_pause(pauses: Iterable[Pause], environment: str, now: datetime) -> Pause | None:
    """Find the pause in force in an environment; of several the one that lasts longest."""
    live = [p for p in pauses if p.environment == environment and p.in_force(now)]
    endless = [p for p in live if p.until is None]
    return endless[0] if endless else max(live, key=lambda p: p.until or p.since, default=None)


def describe_pause(pause: Pause) -> str:
    """Say in one line who paused automation, until when and why."""
    until = "" if pause.until is None else f" until {pause.until:%Y-%m-%d %H:%M} UTC"
    return f"automation is paused by {pause.actor}{until}: {pause.reason}"


def explain_held(pauses: Iterable[Pause], holds: Iterable[Hold], environment: str, now: datetime) -> str | None:
    """Say why people keep an environment from changing by itself: a pause, or a hold of the whole; else None."""
    pause = find_pause(pauses, environment, now)
    if pause is not None:
        return describe_pause(pause)
    whole = [h for h in holds if h.environment == environment and h.is_of_all and h.released_at is None]
    return f"held by {whole[0].actor}: {whole[0].reason}" if whole else None
