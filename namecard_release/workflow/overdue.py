"""Promotions past a deadline ended in the ledger. Stopping their runs is for whoever has the orchestrator."""

from __future__ import annotations

from namecard_release.domain.audit import AUTOMATION
from namecard_release.domain.deadlines import Overdue, find_overdue
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.workflow.paging import page_stopped
from namecard_release.workflow.pipeline import Pipeline


def end_overdue(pipeline: Pipeline) -> tuple[Overdue, ...]:
    """End every promotion that is past a deadline as HELD with the reason, and give those.

    The lease is taken from it first, so that its run writes nothing more and ends the cdk that it may still have.
    """
    return tuple(one for one in _find(pipeline) if _end(pipeline, one))


def _find(pipeline: Pipeline) -> tuple[Overdue, ...]:
    environments = pipeline.settings.environments
    everything = [p for name in environments for p in pipeline.ledger.history(name)]
    deadlines = {name: one.deadlines.limits() for name, one in environments.items()}
    return find_overdue(everything, pipeline.clock.now(), deadlines)


def _end(pipeline: Pipeline, overdue: Overdue) -> bool:
    promotion = overdue.promotion
    pipeline.ledger.revoke_lease(promotion.environment, promotion.id)
    pipeline.ledger.leave_queue(promotion.id)
    # Its last write may have come between: after the revocation none does.
    found = pipeline.ledger.promotion(promotion.id)
    if found is None or (found.phase, found.updated_at) != (promotion.phase, promotion.updated_at):
        return False
    held = pipeline.ledger.move(promotion.id, PromotionPhase.HELD, pipeline.clock.now(), overdue.reason, by=AUTOMATION)
    page_stopped(pipeline, held)
    return True
