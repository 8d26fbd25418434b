"""A promotion that waits for people in REQUESTED: begun, looked at, ended. Whose word counts is the domain's rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from namecard_release.domain.approvals import ApprovalState, is_named, judge_approvals
from namecard_release.domain.audit import AUTOMATION
from namecard_release.domain.pauses import describe_pause, find_pause
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.domain.release import short
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.settings import Settings
from namecard_release.workflow.pipeline import Pipeline, StoppedError


@dataclass(frozen=True)
class Waiting:
    """A promotion that waits, why it still does (None: it may go on), and until when it does."""

    promotion: Promotion
    reason: str | None
    until: datetime


def count_approvals(settings: Settings, ledger: ReleaseLedger, promotion: Promotion, now: datetime) -> ApprovalState:
    """Count the approvals of a promotion."""
    rule = settings.environment(promotion.environment).approval_rule()
    given = ledger.approvals(promotion.environment, promotion.release) if rule.needed else ()
    return judge_approvals(rule, promotion.environment, promotion.release, promotion.actor, given, now)


def explain_waiting(pipeline: Pipeline, promotion: Promotion, automatic: bool) -> str | None:
    """Say what a promotion waits for from people, or None; a pause is for what no person launched (`automatic`)."""
    now = pipeline.clock.now()
    state = count_approvals(pipeline.settings, pipeline.ledger, promotion, now)
    if not state.is_met:
        how = f"namecard-release approve --env {promotion.environment} --commit {short(promotion.release)} --reason ..."
        return f"{state.reason}; approve with '{how}' or with approve_job"
    pauses = pipeline.ledger.pauses(promotion.environment) if automatic else ()
    pause = find_pause(pauses, promotion.environment, now)
    return None if pause is None else f"waits: {describe_pause(pause)}"


def wait_for_people(pipeline: Pipeline, promotion: Promotion, automatic: bool) -> str | None:
    """Note that a requested promotion waits for people and say for what; None when it may go on.

    What waited there before is superseded either way. Raises StoppedError (HELD) when nobody is named as who asked,
    so that no approval can be counted.
    """
    if promotion.phase is not PromotionPhase.REQUESTED:
        return None
    _supersede_waiting(pipeline, promotion)
    why = explain_waiting(pipeline, promotion, automatic)
    if why is None:
        return None
    now, needed = pipeline.clock.now(), pipeline.settings.environment(promotion.environment).approvals
    if needed and not is_named(promotion.actor):
        why = f"{promotion.environment} asks for {needed} approvals, and nobody is named as who asked for this"
        told = f"{why}; launch it with the tag namecard/actor, or on the command line"
        pipeline.ledger.move(promotion.id, PromotionPhase.HELD, now, told, by=AUTOMATION)
        raise StoppedError(PromotionPhase.HELD, told)
    pipeline.ledger.move(promotion.id, promotion.phase, now, why, by=AUTOMATION, waiting=why)
    return why


def _supersede_waiting(pipeline: Pipeline, promotion: Promotion) -> None:
    # Approved later, an older request would put its release over the newer one's.
    for other in list_waiting(pipeline.ledger, promotion.environment):
        if other.id != promotion.id and other.requested_at <= promotion.requested_at:
            now, told = pipeline.clock.now(), f"superseded by {promotion.id} while it waited"
            pipeline.ledger.move(other.id, PromotionPhase.SUPERSEDED, now, told, by=promotion.actor)


def refuse_unapproved(pipeline: Pipeline, promotion: Promotion) -> ApprovalState:
    """Stop before the deploy a promotion whose approvals do not count: revoked or expired while its gates ran, or never
    given because a person materialised the deployment alone.

    Raises StoppedError (HELD); what deploys already goes on.
    """
    state = count_approvals(pipeline.settings, pipeline.ledger, promotion, pipeline.clock.now())
    if not state.is_met and promotion.phase in (PromotionPhase.REQUESTED, PromotionPhase.GATED):
        told = f"not deployed: {state.reason}"
        pipeline.ledger.move(promotion.id, PromotionPhase.HELD, pipeline.clock.now(), told, by=AUTOMATION)
        raise StoppedError(PromotionPhase.HELD, told)
    return state


def list_waiting(ledger: ReleaseLedger, environment: str) -> tuple[Promotion, ...]:
    """List the promotions of an environment that wait for people, newest first."""
    history = ledger.standing(environment)
    return tuple(p for p in history if p.phase is PromotionPhase.REQUESTED and p.waiting is not None)


def look_at_waiting(pipeline: Pipeline) -> tuple[Waiting, ...]:
    """Look at every promotion that waits; one that waited longer than an approval counts is ended as ABORTED."""
    found: list[Waiting] = []
    for name, environment in pipeline.settings.environments.items():
        for promotion in list_waiting(pipeline.ledger, name):
            until = promotion.updated_at + environment.approval_rule().lasts
            reason = explain_waiting(pipeline, promotion, automatic=True)
            if pipeline.clock.now() < until:
                found.append(Waiting(promotion, reason, until))
            else:
                _end_expired(pipeline, promotion, reason or "approved, and not taken up")
    return tuple(found)


def _end_expired(pipeline: Pipeline, promotion: Promotion, reason: str) -> None:
    hours = pipeline.settings.environment(promotion.environment).approval_hours
    told = f"expired after {hours:g} h: {reason.partition(';')[0]}"
    now = pipeline.clock.now()
    pipeline.ledger.move(promotion.id, PromotionPhase.ABORTED, now, told, by=AUTOMATION)
