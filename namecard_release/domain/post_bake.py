"""How long a release is watched after its bake. What its alarms say and what follows is decided as during the bake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from namecard_release.domain.alarms import AlarmAction
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.domain.rollback import Decision


@dataclass(frozen=True)
class PostBakePolicy:
    """For how long the watch goes on after the bake, and what a sustained new breach asks for then."""

    length: timedelta
    action: AlarmAction = AlarmAction.PAGE


def watched_until(promotion: Promotion, policy: PostBakePolicy) -> datetime | None:
    """Give the moment at which the watch of a promotion that succeeded ends; None for any other promotion.

    It ends earlier with a newer promotion, which only the history tells.
    """
    if promotion.phase is not PromotionPhase.SUCCEEDED or not promotion.code_changed or promotion.ended_at is None:
        return None
    return promotion.ended_at + policy.length if policy.length else None


def is_watched(promotion: Promotion, policy: PostBakePolicy, now: datetime) -> bool:
    """Tell whether a promotion is watched after its bake at a moment."""
    until = watched_until(promotion, policy)
    return until is not None and now < until


def describe_watch(promotion: Promotion, policy: PostBakePolicy, decided: Decision | None, now: datetime) -> str | None:
    """Say for a person what the watch after the bake decided, or until when it goes on; None where there is none."""
    if decided is not None and promotion.phase is PromotionPhase.SUCCEEDED:
        return f"after its bake {decided.action}: {decided.reason}"
    until = watched_until(promotion, policy)
    if until is None or until <= now:
        return None
    return f"watched until {until:%Y-%m-%d %H:%M} UTC, a breach asks for {policy.action.replace('_', ' ')}"
