"""A promotion's life: its kinds, phases, and which phase may follow which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from namecard_release.domain.alarms import AlarmReading


class PromotionKind(StrEnum):
    """Why an environment was changed."""

    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    HOTFIX_MIGRATION = "hotfix_migration"


class PromotionPhase(StrEnum):
    """Where a promotion stands."""

    REQUESTED = "REQUESTED"
    GATED = "GATED"
    DEPLOYING = "DEPLOYING"
    VERIFYING = "VERIFYING"
    BAKING = "BAKING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    HELD = "HELD"
    ROLLED_BACK = "ROLLED_BACK"
    SUPERSEDED = "SUPERSEDED"
    ABORTED = "ABORTED"


_P = PromotionPhase
IN_FLIGHT = frozenset({_P.REQUESTED, _P.GATED, _P.DEPLOYING, _P.VERIFYING, _P.BAKING})
_ENDS = frozenset({_P.FAILED, _P.HELD, _P.SUPERSEDED, _P.ABORTED})
_NEXT: dict[PromotionPhase, frozenset[PromotionPhase]] = {
    _P.REQUESTED: frozenset({_P.GATED}) | _ENDS,
    _P.GATED: frozenset({_P.DEPLOYING}) | _ENDS,
    _P.DEPLOYING: frozenset({_P.VERIFYING}) | _ENDS,
    # A run killed while it verified may have to deploy again when it resumes.
    _P.VERIFYING: frozenset({_P.DEPLOYING, _P.BAKING, _P.SUCCEEDED, _P.ROLLED_BACK}) | _ENDS,
    _P.BAKING: frozenset({_P.SUCCEEDED, _P.ROLLED_BACK}) | _ENDS,
    # A run that died resumes; a failed deploy that left new code running is rolled back.
    _P.FAILED: frozenset({_P.REQUESTED, _P.ROLLED_BACK, _P.HELD, _P.SUPERSEDED}),
    _P.HELD: frozenset({_P.REQUESTED, _P.ROLLED_BACK, _P.SUPERSEDED}),
    _P.ABORTED: frozenset({_P.REQUESTED, _P.ROLLED_BACK, _P.SUPERSEDED}),
    _P.SUCCEEDED: frozenset({_P.ROLLED_BACK}),
    _P.ROLLED_BACK: frozenset(),
    _P.SUPERSEDED: frozenset(),
}


def may_follow(current: PromotionPhase, wanted: PromotionPhase) -> bool:
    """Tell whether a promotion may move from one phase to another; staying is allowed (idempotent steps)."""
    return current is wanted or wanted in _NEXT[current]


@dataclass(frozen=True)
class Promotion:
    """One change of one environment. `id` is stable over re-executions of its run; times are UTC.

    `code_changed` is True from the start of its deploy, unless that is known to have left the old code in place;
    `bake_until` is set in BAKING. `waived` tells each waiver that it was admitted with and the verdict under it.
    `waiting` is what it waits for from people while it is REQUESTED, `freeze_override` why a freeze does not stop it.
    """

    id: str
    environment: str
    release: str
    kind: PromotionKind
    phase: PromotionPhase
    actor: str
    reason: str
    requested_at: datetime
    updated_at: datetime
    run_id: str = ""
    assembly: str | None = None
    previous_release: str | None = None
    deploy_started_at: datetime | None = None
    deployed_at: datetime | None = None
    bake_until: datetime | None = None
    ended_at: datetime | None = None
    schema_version: str | None = None
    code_changed: bool = False
    verified: bool = False
    baseline: tuple[AlarmReading, ...] = ()
    waived: tuple[str, ...] = ()
    waiting: str | None = None
    freeze_override: str | None = None

    @property
    def is_worked_on(self) -> bool:
        """Whether a run has to be at work for it: it is in flight, bakes not, and waits for nobody."""
        return self.phase in IN_FLIGHT - {PromotionPhase.BAKING} and self.waiting is None and bool(self.run_id)


# Held in the place of a release: whatever wants to enter the environment.
EVERY_RELEASE = "*"


@dataclass(frozen=True)
class Hold:
    """A release (or `EVERY_RELEASE`) that may not be promoted to an environment until a person releases it."""

    environment: str
    release: str
    reason: str
    actor: str
    since: datetime
    released_at: datetime | None = None
    released_by: str | None = None

    @property
    def is_of_all(self) -> bool:
        """Whether the environment is held as a whole."""
        return self.release == EVERY_RELEASE


@dataclass(frozen=True)
class Entry:
    """What may keep a release from entering an environment, as read from the ledger and the settings.

    `frozen` says which freeze is in force and until when, `override` why it does not count.
    """

    environment: str
    release: str
    requires: tuple[str, ...]
    healthy_in: frozenset[str]
    holds: Sequence[Hold] = ()
    frozen: str | None = None
    override: str | None = None


def explain_closed_entry(entry: Entry) -> str | None:
    """Say why a release may not enter an environment, or None: a hold, an environment it must be healthy in first, a
    freeze. An override is about the freeze alone.
    """
    held = [
        hold
        for hold in entry.holds
        if hold.environment == entry.environment
        and hold.release in (entry.release, EVERY_RELEASE)
        and hold.released_at is None
    ]
    if held:
        what = "every release is held" if held[0].is_of_all else "held"
        return f"{what} in {entry.environment} since {held[0].since:%Y-%m-%d %H:%M} UTC: {held[0].reason}"
    missing = [name for name in entry.requires if name not in entry.healthy_in]
    if missing:
        return f"{entry.environment} takes only releases that are healthy in {', '.join(missing)}; this one is not"
    if entry.frozen is not None and not (entry.override or "").strip():
        return f"{entry.environment} is {entry.frozen}; an emergency goes on with an override and its reason"
    return None


def bake_end(now: datetime, bake_seconds: float) -> datetime:
    """Give the moment until which the alarms of a deployed release are watched."""
    return now + timedelta(seconds=bake_seconds)
