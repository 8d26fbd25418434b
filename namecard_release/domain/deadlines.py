"""How long a promotion may stay in each phase. Ending one that is overdue does not belong here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from namecard_release.domain.promotion import Promotion, PromotionPhase


@dataclass(frozen=True)
class Deadlines:
    """Seconds without progress after which a promotion is overdue, by what it is doing.

    A bake has its own end (`bake_until`), which the alarms' decision knows.
    """

    gating: float
    waiting: float
    deploying: float
    verifying: float


@dataclass(frozen=True)
class Overdue:
    """A promotion past its deadline and the reason to end it with."""

    promotion: Promotion
    reason: str


_DOING = {
    PromotionPhase.REQUESTED: ("gating", "its gates"),
    PromotionPhase.GATED: ("waiting", "its turn"),
    PromotionPhase.DEPLOYING: ("deploying", "its deploy"),
    PromotionPhase.VERIFYING: ("verifying", "its verification"),
}


def find_overdue(
    promotions: Sequence[Promotion], now: datetime, deadlines: Mapping[str, Deadlines]
) -> tuple[Overdue, ...]:
    """Find the promotions that made no progress for longer than their environment allows in their phase.

    `deadlines` are by environment; one that is not there has none. What waits for people has an end of its own.
    """
    found = ((p, _explain(p, now, deadlines.get(p.environment))) for p in promotions)
    return tuple(Overdue(promotion, reason) for promotion, reason in found if reason is not None)


def _explain(promotion: Promotion, now: datetime, deadlines: Deadlines | None) -> str | None:
    doing = _DOING.get(promotion.phase)
    if deadlines is None or doing is None or promotion.waiting is not None:
        return None
    limit: float = getattr(deadlines, doing[0])
    passed = (now - promotion.updated_at).total_seconds()
    if passed <= limit:
        return None
    told = f"{promotion.phase} since {promotion.updated_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{doing[1]} took longer than {limit:.0f} s ({told}): its run was ended; see what it did, then resume it"
