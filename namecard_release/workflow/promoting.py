"""A promotion's bookkeeping: opened, admitted, ended. Deploying is in `deploying`, watching in `watching`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from namecard_release.domain.audit import AUTOMATION
from namecard_release.domain.gates import Admission, GateResult, admit
from namecard_release.domain.promotion import (
    IN_FLIGHT,
    Entry,
    Promotion,
    PromotionKind,
    PromotionPhase,
    explain_closed_entry,
)
from namecard_release.domain.release import short
from namecard_release.errors import RefusedError
from namecard_release.workflow.gating import ENVIRONMENT_GATES, INFORMATIVE_GATES, RELEASE_GATES
from namecard_release.workflow.paging import page_stopped
from namecard_release.workflow.people import why_frozen
from namecard_release.workflow.pipeline import Pipeline, StoppedError
from namecard_release.workflow.waiting import refuse_unapproved
from namecard_release.workflow.waiving import look_with_waivers

_RESUMABLE = frozenset({PromotionPhase.FAILED, PromotionPhase.HELD, PromotionPhase.ABORTED})
_UNDONE = frozenset({PromotionPhase.ROLLED_BACK, PromotionPhase.SUPERSEDED})
_OPEN = frozenset({PromotionPhase.REQUESTED, PromotionPhase.GATED})


@dataclass(frozen=True)
class Request:
    """Who asks for what: `root_run` is the first run of a chain of re-executions, so that a resumed run goes on.

    `automatic` tells that no person launched the run, `retried` that Dagster itself launched it again because its
    process died, `freeze_override` why a freeze is not to stop it.
    """

    environment: str
    release: str
    kind: PromotionKind
    actor: str
    reason: str
    run_id: str
    root_run: str
    automatic: bool = False
    retried: bool = False
    freeze_override: str | None = None

    @property
    def promotion_id(self) -> str:
        """The id of the promotion, the same in every re-execution of its run."""
        return f"{self.environment}-{self.kind}-{short(self.release)}-{self.root_run[:8]}"


def is_promotion_of(promotion_id: str, root_run: str) -> bool:
    """Tell whether a promotion was opened by a chain of runs."""
    return promotion_id.endswith(f"-{root_run[:8]}")


def root_of_promotion(promotion_id: str) -> str:
    """Give what a promotion's id keeps of the first run of its chain; a request with it goes on with the promotion."""
    return promotion_id.rpartition("-")[2]


def open_promotion(pipeline: Pipeline, request: Request) -> Promotion:
    """Record a requested promotion, or resume the one that this chain of runs began.

    One that bakes or has succeeded needs no run any more, and keeps what was decided about it. Raises RefusedError for
    an automatic retry of one that was held or stopped meanwhile: only a person resumes that.
    """
    now = pipeline.clock.now()
    fresh = Promotion(
        id=request.promotion_id,
        environment=request.environment,
        release=request.release,
        kind=request.kind,
        phase=PromotionPhase.REQUESTED,
        actor=request.actor,
        reason=request.reason,
        requested_at=now,
        updated_at=now,
        run_id=request.run_id,
        freeze_override=request.freeze_override,
    )
    known = pipeline.ledger.open_promotion(fresh)
    if known.run_id == request.run_id or is_settled(known) or known.phase in _UNDONE:
        return known
    if request.retried and _is_peoples(known):
        raise RefusedError(f"{known.id} is {known.phase}: {known.reason}\nonly a person resumes it")
    # A run that was killed may not have been noticed yet: then the phase stays and only the run changes.
    phase = PromotionPhase.REQUESTED if known.phase in _RESUMABLE else known.phase
    told, who = ("resumed by itself", AUTOMATION) if request.retried else (f"resumed by {request.actor}", request.actor)
    return pipeline.ledger.move(
        known.id,
        phase,
        now,
        told,
        by=who,
        run_id=request.run_id,
        waiting=None,
        freeze_override=request.freeze_override or known.freeze_override,
    )


def _is_peoples(promotion: Promotion) -> bool:
    # Half a rollback helps nobody: one that the alarm sensor held because its run was dead goes on.
    held = promotion.phase is PromotionPhase.HELD and promotion.kind is not PromotionKind.ROLLBACK
    return held or promotion.phase is PromotionPhase.ABORTED


def is_settled(promotion: Promotion) -> bool:
    """Tell whether a promotion was deployed and verified, so that a run of it has nothing left to change."""
    return promotion.phase in (PromotionPhase.BAKING, PromotionPhase.SUCCEEDED)


def refuse_undone(promotion: Promotion) -> None:
    """Refuse to resume what was rolled back or superseded since. Raises RefusedError."""
    if promotion.phase in _UNDONE:
        raise RefusedError(f"{promotion.id} is {promotion.phase}: {promotion.reason}\npromote the release anew")


def check_entry(pipeline: Pipeline, environment: str, release: str, override: str | None = None) -> str | None:
    """Say why a release may not enter an environment (hold, order of environments, freeze), or None.

    `override` is why a freeze does not count.
    """
    required = pipeline.settings.environment(environment).requires
    healthy = {name for name in required if _is_healthy(pipeline, name, release)}
    holds = pipeline.ledger.holds(environment)
    frozen = why_frozen(pipeline.settings, environment, pipeline.clock.now())
    return explain_closed_entry(Entry(environment, release, required, frozenset(healthy), holds, frozen, override))


def _is_healthy(pipeline: Pipeline, environment: str, release: str) -> bool:
    """Tell whether a release's newest outcome in an environment is success: one rolled back since then is not."""
    outcomes = (PromotionPhase.SUCCEEDED, PromotionPhase.ROLLED_BACK)
    own = (p for p in pipeline.ledger.history(environment) if p.release == release and p.phase in outcomes)
    newest = next(own, None)
    return newest is not None and newest.phase is PromotionPhase.SUCCEEDED


def refuse_closed_entry(pipeline: Pipeline, promotion: Promotion) -> None:
    """End a promotion as HELD when its environment is closed to its release. Raises StoppedError then."""
    why = check_entry(pipeline, promotion.environment, promotion.release, promotion.freeze_override)
    if why is not None and promotion.phase in _OPEN:
        stop(pipeline, promotion.id, PromotionPhase.HELD, why)


def admit_promotion(pipeline: Pipeline, promotion: Promotion) -> Promotion:
    """Move a promotion to GATED when every gate passed or is waived and its approvals still count; note the waivers.

    Raises StoppedError: FAILED for a failed gate, HELD for an unread one; RefusedError for one that was undone.
    """
    if is_settled(promotion):
        return promotion
    refuse_undone(promotion)
    refuse_closed_entry(pipeline, promotion)
    approved = refuse_unapproved(pipeline, promotion)
    decision = admit((*RELEASE_GATES, *ENVIRONMENT_GATES), _read_gates(pipeline, promotion))
    if decision.admission is Admission.REFUSE:
        stop(pipeline, promotion.id, PromotionPhase.FAILED, decision.reason)
    if decision.admission is Admission.HOLD:
        stop(pipeline, promotion.id, PromotionPhase.HELD, decision.reason)
    if promotion.phase is not PromotionPhase.REQUESTED:
        return promotion
    now = pipeline.clock.now()
    reason = f"{decision.reason}; {approved.reason}" if approved.needed else decision.reason
    return pipeline.ledger.move(promotion.id, PromotionPhase.GATED, now, reason, waived=decision.waived)


def _read_gates(pipeline: Pipeline, promotion: Promotion) -> tuple[GateResult, ...]:
    results = pipeline.ledger.gates(promotion.release, promotion.environment)
    now = pipeline.clock.now()
    return look_with_waivers(pipeline.settings, pipeline.ledger, results, promotion.environment, now)


def stop(pipeline: Pipeline, promotion_id: str, phase: PromotionPhase, reason: str) -> NoReturn:
    """End a promotion in a phase with its reason. Raises StoppedError always."""
    promotion = pipeline.ledger.move(promotion_id, phase, pipeline.clock.now(), reason, by=AUTOMATION)
    page_stopped(pipeline, promotion)
    raise StoppedError(phase, reason)


def explain_failure(results: Sequence[GateResult], run_id: str, fallback: str) -> str:
    """Say why a run failed: the gates of that run that did not pass, else the words of the run itself."""
    own = [result for result in results if result.run_id == run_id and result.gate not in INFORMATIVE_GATES]
    decision = admit(tuple(dict.fromkeys(result.gate for result in own)), own)
    return fallback if not own or decision.admission is Admission.PROCEED else decision.reason


def close_failed_run(
    pipeline: Pipeline, promotion_id: str, run_id: str, phase: PromotionPhase, why: str, *, continues: bool = False
) -> bool:
    """Keep the ledger true after a run failed, was killed or cancelled; False when it already tells an end.

    A promotion that is baking has no run any more and is left alone; so is one that another run resumed, and one that
    waits for people, unless the run was to continue it (`continues`) and died before it did.
    """
    promotion = pipeline.ledger.promotion(promotion_id)
    if promotion is None or promotion.phase not in IN_FLIGHT - {PromotionPhase.BAKING}:
        return False
    is_its_run = promotion.run_id == run_id
    left_alone = (is_its_run or not continues) if promotion.waiting is not None else not is_its_run
    if left_alone:
        return False
    reason = explain_failure(_read_gates(pipeline, promotion), run_id, why)
    now = pipeline.clock.now()
    pipeline.ledger.move(promotion_id, phase, now, reason, by=AUTOMATION)
    return True
