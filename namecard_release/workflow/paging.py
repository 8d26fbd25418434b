"""Asking for people, once for each thing that needs them. How a page reaches them does not belong here."""

from __future__ import annotations

from collections.abc import Iterable

from namecard_release.domain.alarms import AlarmReading
from namecard_release.domain.audit import AUTOMATION, AuditEvent
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.release import short
from namecard_release.workflow.pipeline import Pipeline


def page(pipeline: Pipeline, promotion: Promotion, key: str, reason: str) -> bool:
    """Ask for people about a promotion's present run; False when they were asked for the same `key` before.

    What was asked is in the audit trail as `page`.
    """
    now = pipeline.clock.now()
    told = {"release": promotion.release, "run": promotion.run_id, "key": key}
    event = AuditEvent(now, AUTOMATION, "page", promotion.id, promotion.environment, reason, told)
    return pipeline.ledger.mark(promotion.id, f"page {key}", now, event) is None


def page_stopped(pipeline: Pipeline, promotion: Promotion) -> None:
    """Ask for people about a promotion that stopped and cannot go on without them: HELD, or a rollback that FAILED."""
    undone = promotion.kind is PromotionKind.ROLLBACK and promotion.phase is PromotionPhase.FAILED
    if promotion.phase is PromotionPhase.HELD or undone:
        page(
            pipeline, promotion, promotion.phase.lower(), f"{_name(promotion)} is {promotion.phase}: {promotion.reason}"
        )


def page_after_bake(pipeline: Pipeline, promotion: Promotion, reason: str) -> None:
    """Ask for people about a release that succeeded and breached after its bake."""
    page(pipeline, promotion, "after the bake", f"{_name(promotion)} succeeded and breaches: {reason}")


def _name(promotion: Promotion) -> str:
    return f"{promotion.kind} of {short(promotion.release)} to {promotion.environment}"


def page_alarms(pipeline: Pipeline, promotion: Promotion, alarms: Iterable[AlarmReading]) -> None:
    """Ask for people about alarms that fire while a release is watched and do not decide about it, once for each."""
    for alarm in alarms:
        told = f"{alarm.name} fires in {promotion.environment} while {short(promotion.release)} is watched"
        page(pipeline, promotion, alarm.arn, f"{told}: {alarm.reason}" if alarm.reason else told)
