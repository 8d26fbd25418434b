"""What happened to the alarms while nobody read them, read afterwards; what follows is decided in `watching`."""

from __future__ import annotations

from datetime import datetime, timedelta

from namecard_release.domain.alarm_gaps import (
    NOTED_EVERY,
    Past,
    asked_since,
    find_changed,
    find_gap,
    look_back,
)
from namecard_release.domain.alarms import AlarmReading
from namecard_release.domain.promotion import Promotion
from namecard_release.errors import ReleaseError
from namecard_release.workflow.pipeline import Pipeline


def read_past(pipeline: Pipeline, promotion: Promotion, readings: tuple[AlarmReading, ...], now: datetime) -> Past:
    """Judge the span since the alarms were last read, from their history; without such a span nothing is asked.

    Raises nothing for a history that is not told: then nobody knows what happened.
    """
    begun = promotion.deployed_at or promotion.deploy_started_at
    gap = find_gap(pipeline.ledger.last_beat(_name(promotion.environment)), begun, now)
    if gap is None:
        return Past(promotion.baseline)
    site = pipeline.site(promotion.environment)
    rules = site.settings.alarm_rules()
    changed = find_changed(gap, readings, rules)
    try:
        history = site.cloud.alarm_history(changed, asked_since(gap, rules)) if changed else ()
    except ReleaseError as error:
        return Past(promotion.baseline, unread=f"{gap.describe()}: {error}")
    own = pipeline.settings.environment(promotion.environment)
    return look_back(gap, promotion.baseline, readings, history, rules, _ends(promotion, own.unknown_deadline_seconds))


def note_read(pipeline: Pipeline, environment: str, until: datetime) -> None:
    """Note that an environment's alarms were read, and understood, up to a moment."""
    known = pipeline.ledger.last_beat(_name(environment))
    if known is None or abs(until - known) >= NOTED_EVERY:
        pipeline.ledger.beat(_name(environment), until)


def _ends(promotion: Promotion, deadline_seconds: float) -> tuple[datetime, ...]:
    if promotion.bake_until is None:
        return ()
    return promotion.bake_until, promotion.bake_until + timedelta(seconds=deadline_seconds)


def _name(environment: str) -> str:
    return f"alarms of {environment}"
