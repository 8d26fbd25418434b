"""Asking for people, once for each thing that needs them. Sending the page is the outbox's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from namecard_release.domain.alarms import AlarmReading
from namecard_release.domain.audit import AUTOMATION, AuditEvent
from namecard_release.domain.messages import Channel, Message, MessageKind
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.release import short
from namecard_release.workflow.pipeline import Pipeline

# Who a rollback's actor is when the alarm sensor asked for it.
ALARM_SENSOR_ACTOR = "alarm_rollback_sensor"


def page(pipeline: Pipeline, promotion: Promotion, key: str, reason: str) -> bool:
    """Ask for people about a promotion's present run; False when they were asked for the same `key` before.

    The page goes into the outbox, and into the audit trail as `page`, in one transaction.
    """
    now = pipeline.clock.now()
    told = {"release": promotion.release, "run": promotion.run_id, "key": key}
    event = AuditEvent(now, AUTOMATION, "page", promotion.id, promotion.environment, reason, told)
    messages = (_message(promotion, key, reason, now),)
    return pipeline.ledger.mark(promotion.id, f"page {key}", now, event, messages) is None


def _message(promotion: Promotion, key: str, reason: str, now: datetime) -> Message:
    # ARNs are longer than a message's key may be.
    occasion = hashlib.sha256(f"{promotion.run_id} {key}".encode()).hexdigest()[:16]
    return Message(
        key=f"page {promotion.id} {occasion}",
        channel=Channel.PAGERDUTY,
        subject=promotion.id,
        kind=MessageKind.PAGE,
        title=reason.splitlines()[0][:200],
        text=reason,
        at=now,
        fields=(
            ("environment", promotion.environment),
            ("release", promotion.release),
            ("phase", promotion.phase),
            ("promotion", promotion.id),
        ),
    )


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


def tell_rollback_begun(pipeline: Pipeline, rollback: Promotion, left: Promotion | None) -> None:
    """Tell that a rollback began: in Slack, and as a page where no person asked for it. A resumed one is silent.

    The subject is the release that is left, so that its end resolves the page.
    """
    title = f"rollback of {rollback.environment} to {short(rollback.release)} began"
    channels = (Channel.SLACK,) if rollback.actor != ALARM_SENSOR_ACTOR else (Channel.PAGERDUTY, Channel.SLACK)
    pipeline.outbox.queue([_told(pipeline, rollback, left, c, "begun", MessageKind.PAGE, title) for c in channels])


def tell_rollback_ended(pipeline: Pipeline, rollback: Promotion, left: Promotion | None) -> None:
    """Tell that a rollback has ended well, which resolves its page."""
    title = f"{rollback.environment} is back on {short(rollback.release)}, verified and healthy"
    pipeline.outbox.queue(
        [
            _told(pipeline, rollback, left, channel, "ended", MessageKind.RESOLVE, title)
            for channel in (Channel.PAGERDUTY, Channel.SLACK)
        ]
    )


def _told(
    pipeline: Pipeline,
    rollback: Promotion,
    left: Promotion | None,
    channel: Channel,
    what: str,
    kind: MessageKind,
    title: str,
) -> Message:
    held = "" if left is None else f"\n{short(left.release)} is held until a person releases it."
    return Message(
        key=f"rollback {what} {rollback.id} {channel}",
        channel=channel,
        subject=rollback.id if left is None else left.id,
        kind=kind,
        title=title,
        text=f"Because: {rollback.reason}{held}",
        at=pipeline.clock.now(),
        fields=(
            ("environment", rollback.environment),
            ("release", rollback.release),
            ("actor", rollback.actor),
            ("promotion", rollback.id),
        ),
    )
