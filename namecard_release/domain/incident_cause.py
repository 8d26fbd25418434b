"""Which promotion an alarm is blamed on, or none and why. Reading promotions does not belong here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.promotion import IN_FLIGHT, Promotion, PromotionPhase
from namecard_release.domain.release import short

# Ended badly while its code serves: it never proved itself, and the alarm sensor still rolls it back.
_UNPROVEN = frozenset({PromotionPhase.FAILED, PromotionPhase.HELD, PromotionPhase.ABORTED})


@dataclass(frozen=True)
class Cause:
    """A promotion's id, or None, and the reason in either case."""

    promotion: str | None
    reason: str


def find_cause(reading: AlarmReading, promotions: Sequence[Promotion], now: datetime) -> Cause:
    """Find the promotion of the alarm's environment in whose deploy or bake the alarm began.

    Of several the one that began to deploy last. One that changed no code is none, and so is one in whose baseline the
    alarm was in ALARM already. `promotions` are those of one environment.
    """
    changing = [p for p in promotions if p.code_changed and p.deploy_started_at is not None]
    begun = [p for p in changing if _started(p) <= reading.since]
    old = [p for p in changing if _was_in_baseline(p, reading) and reading.since < _started(p) <= now]
    # Code that another deploy has replaced by then causes nothing.
    last = max(begun, key=_started, default=None)
    if last is not None and reading.since <= _window_end(last, now):
        return Cause(last.id, f"began {_stage(last, reading)} of {_name(last)}")
    if old:
        return Cause(None, f"in ALARM since before the deploy of {_name(min(old, key=_started))}: its baseline")
    if last is None:
        return Cause(None, "no deploy of this environment is known before it")
    return Cause(None, f"began {_span(reading, last, now)} after the bake of {_name(last)} had ended")


def _started(promotion: Promotion) -> datetime:
    assert promotion.deploy_started_at is not None
    return promotion.deploy_started_at


def _window_end(promotion: Promotion, now: datetime) -> datetime:
    if promotion.phase in IN_FLIGHT | _UNPROVEN:
        return now if promotion.bake_until is None else max(now, promotion.bake_until)
    ends = [moment for moment in (promotion.bake_until, promotion.ended_at) if moment is not None]
    # A rollback may end a bake long before its time: from then on the code that runs is the other's.
    return min(ends) if ends else promotion.updated_at


def _was_in_baseline(promotion: Promotion, reading: AlarmReading) -> bool:
    return any(one.arn == reading.arn and one.state is AlarmState.ALARM for one in promotion.baseline)


def _stage(promotion: Promotion, reading: AlarmReading) -> str:
    deployed = promotion.deployed_at
    if deployed is None or reading.since < deployed:
        return "during the deploy"
    return f"{(reading.since - deployed).total_seconds():.0f} s after the deploy"


def _name(promotion: Promotion) -> str:
    return f"{promotion.kind} {short(promotion.release)} ({promotion.id})"


def _span(reading: AlarmReading, promotion: Promotion, now: datetime) -> str:
    seconds = (reading.since - _window_end(promotion, now)).total_seconds()
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {word}"
    return f"{seconds:.0f} s"
