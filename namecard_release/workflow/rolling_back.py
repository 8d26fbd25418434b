"""A rollback from its plan to its end: an assembly kept is deployed as it was built, no checkout, no synthesis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from namecard_release.domain.assembly import Assembly
from namecard_release.domain.audit import AUTOMATION, AuditEvent
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.promotion import IN_FLIGHT, Hold, Promotion, PromotionPhase
from namecard_release.domain.release import short
from namecard_release.domain.rollback import find_last_good
from namecard_release.domain.safety import SafetyVerdict
from namecard_release.errors import RefusedError
from namecard_release.workflow.judging import find_way, judge_schema
from namecard_release.workflow.paging import tell_rollback_ended
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.promoting import is_promotion_of

# A command that is asked to end has five seconds; a rollback waits a little longer than that for its run, not for ever.
_LOOK_SECONDS = 0.1
_LOOKS = 60


@dataclass(frozen=True)
class RollbackPlan:
    """What a rollback would do: leave `source` (None when nothing of ours runs) for `target`, under `safety`.

    `begun` is True when a run that was killed began to deploy it, or to take its fast path.
    """

    environment: str
    source: Promotion | None
    target: Promotion
    safety: SafetyVerdict
    begun: bool = False


def plan_rollback(pipeline: Pipeline, environment: str, to: str | None, root_run: str = "") -> RollbackPlan:
    """Plan a rollback to a release, or to the last good one; a resumed one (same `root_run`) keeps its target.

    Raises RefusedError when there is no verified release of that name with an assembly that is kept, or it is held.
    """
    everything = pipeline.ledger.standing(environment)
    # A rollback that failed before its deploy changed nothing, and is found by its request.
    recent = pipeline.ledger.history(environment)
    resumed = next((p for p in (*recent, *everything) if root_run and is_promotion_of(p.id, root_run)), None)
    to = to if resumed is None else resumed.release
    # By its id: the same promotion was read twice.
    history = tuple(p for p in everything if resumed is None or p.id != resumed.id)
    source = next((p for p in history if p.code_changed and not _left_before(p, resumed)), None)
    leaving = source.release if source else ""
    candidates = _candidates(pipeline, environment, history, to, resumed)
    target = find_last_good(candidates, environment, leaving)
    if target is None or target.assembly is None:
        wanted = "an earlier release" if to is None else short(to)
        raise RefusedError(
            f"{environment} cannot go back to {wanted}: it was never verified there, or it is what runs now; "
            f"'namecard-release history --env {environment}' lists what was"
        )
    begun = resumed is not None and (resumed.deploy_started_at is not None or resumed.code_changed)
    safety = judge_schema(pipeline, find_way(environment, source, target))
    return RollbackPlan(environment, source, target, safety, begun)


def _left_before(promotion: Promotion, resumed: Promotion | None) -> bool:
    # What a resumed rollback itself left stays its source, or it would take an older release for it.
    if promotion.phase is not PromotionPhase.ROLLED_BACK:
        return False
    return resumed is None or promotion.ended_at is None or promotion.ended_at < resumed.requested_at


def _candidates(
    pipeline: Pipeline, environment: str, history: tuple[Promotion, ...], to: str | None, resumed: Promotion | None
) -> tuple[Promotion, ...]:
    """Give the promotions that may be gone back to. Raises RefusedError when the one asked for is held."""
    holds = {hold.release: hold for hold in pipeline.ledger.holds(environment)}
    if to is None:
        return tuple(p for p in history if p.release not in holds)
    if to in holds and resumed is None:
        raise RefusedError(
            f"{environment} cannot go back to {short(to)}: it is held there: {holds[to].reason}; "
            f"'namecard-release holds release --env {environment} --commit {short(to)}' lifts that"
        )
    return tuple(p for p in history if p.release == to)


def refuse_unsafe(plan: RollbackPlan, accepted: bool) -> None:
    """Refuse a rollback whose verdict is not SAFE unless a person accepted that. Raises RefusedError.

    One that a killed run began is finished: half a rollback is no safer.
    """
    if plan.safety.safety is Safety.SAFE or accepted or plan.begun:
        return
    command = f"namecard-release rollback --env {plan.environment} --to {short(plan.target.release)} --plan-only"
    raise RefusedError(
        f"rollback to {short(plan.target.release)} is {plan.safety.safety}: {plan.safety.reason}\n"
        f"'{command}' tells what to do instead; or accept the schema's risk explicitly"
    )


def accepted_risk(plan: RollbackPlan, rollback: Promotion, now: datetime) -> tuple[AuditEvent, ...]:
    """Tell for the audit trail that a person accepted a verdict that is not SAFE; nothing where it is."""
    if plan.safety.safety is Safety.SAFE:
        return ()
    told = {"verdict": str(plan.safety.safety), "verdict_reason": plan.safety.reason, "to": plan.target.release}
    action = "schema risk accepted"
    return (AuditEvent(now, rollback.actor, action, rollback.id, rollback.environment, rollback.reason, told),)


def find_interrupted(pipeline: Pipeline, environment: str, own_id: str) -> tuple[Promotion, ...]:
    """List the promotions in flight in an environment whose runs a rollback does not wait for."""
    history = pipeline.ledger.standing(environment)
    return tuple(p for p in history if p.id != own_id and p.phase in IN_FLIGHT and p.phase is not PromotionPhase.BAKING)


def wait_for_ends(have_ended: Callable[[], bool], wait: Callable[[float], object]) -> bool:
    """Wait until the runs that a rollback stopped have ended, for seconds only; False when they have not by then."""
    for _ in range(_LOOKS):
        if have_ended():
            return True
        wait(_LOOK_SECONDS)
    return have_ended()


def load_target(pipeline: Pipeline, plan: RollbackPlan) -> Assembly:
    """Load the assembly to go back to, its content checked. Raises PermanentError when it is gone or changed."""
    return pipeline.store.get(plan.target.assembly or "")


def finish_rollback(pipeline: Pipeline, rollback: Promotion, left: Promotion | None, reason: str) -> None:
    """End a verified rollback: it succeeded, the release it left is ROLLED_BACK and held until a person says else."""
    now = pipeline.clock.now()
    tell_rollback_ended(pipeline, rollback, left)
    # Success is told last: a run that is killed on the way finds the rest still to do.
    if left is not None:
        pipeline.ledger.hold(Hold(left.environment, left.release, f"rolled back: {reason}", rollback.actor, now))
        pipeline.ledger.move(left.id, PromotionPhase.ROLLED_BACK, now, reason, by=rollback.actor)
    pipeline.ledger.move(rollback.id, PromotionPhase.SUCCEEDED, now, "verified and healthy", by=AUTOMATION)
