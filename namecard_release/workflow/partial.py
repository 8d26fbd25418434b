"""A deploy that changed some stacks and not others, written down for the watch and for people."""

from __future__ import annotations

from namecard_release.domain.gates import Phase, Verdict
from namecard_release.domain.promotion import Promotion
from namecard_release.workflow.gating import conclude
from namecard_release.workflow.pipeline import Pipeline

STACKS_GATE = "stacks"


def record_partial(pipeline: Pipeline, promotion: Promotion, where: str) -> None:
    """Record what stands where after a deploy that ended in between."""
    started = promotion.deploy_started_at or pipeline.clock.now()
    evidence = {"promotion": promotion.id, "run": promotion.run_id}
    phase = Phase("stacks", Verdict.FAILED, f"partly deployed: {where}")
    conclude(
        pipeline,
        STACKS_GATE,
        promotion.release,
        (phase,),
        started,
        promotion.run_id,
        evidence,
        promotion.environment,
    )


def read_partial(pipeline: Pipeline, promotion: Promotion) -> str | None:
    """Give what stands where after this promotion's present run, None unless its deploy ended in between."""
    results = pipeline.ledger.gates(promotion.release, promotion.environment)
    own = {"promotion": promotion.id, "run": promotion.run_id}
    found = (r for r in results if r.gate == STACKS_GATE and all(r.evidence.get(k) == v for k, v in own.items()))
    return next((result.phases[0].reason for result in found), None)
