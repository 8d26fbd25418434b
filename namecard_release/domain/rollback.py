"""Whether to roll back and onto what. Whether the schema allows it is in `safety`; doing it is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from namecard_release.domain.alarms import AlarmAssessment, AlarmVerdict
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.safety import SafetyVerdict


class Action(StrEnum):
    """What to do about a promotion that is being watched."""

    WAIT = "WAIT"
    PROCEED = "PROCEED"
    ROLL_BACK = "ROLL_BACK"
    HALT = "HALT"


@dataclass(frozen=True)
class Decision:
    """The action with its reason and evidence; `to` is the release to roll back to, `arns` the deciding alarms."""

    action: Action
    reason: str
    to: str | None = None
    arns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Watched:
    """Everything the decision about one promotion looks at; `health` is the verdict of its probes after the deploy.

    `decided` is True once a rollback or a halt was decided for this promotion.
    """

    promotion: Promotion
    assessment: AlarmAssessment
    health: Verdict | None
    last_good: Promotion | None
    safety: SafetyVerdict
    decided: bool


def find_last_good(history: Sequence[Promotion], environment: str, release: str) -> Promotion | None:
    """Find the newest verified, succeeded promotion or rollback of another release whose assembly is kept."""
    own = [p for p in history if p.environment == environment and p.release != release]
    undone = [p for p in own if p.phase is PromotionPhase.ROLLED_BACK]
    good = [
        p
        for p in own
        if p.phase is PromotionPhase.SUCCEEDED
        and p.verified
        and p.assembly is not None
        and p.kind is not PromotionKind.HOTFIX_MIGRATION
        # Rolled back since then: what was good once is no longer known to be.
        and not any(u.release == p.release and u.requested_at > p.requested_at for u in undone)
    ]
    return max(good, key=lambda p: p.deployed_at or p.updated_at, default=None)


_NOT_SERVING = frozenset(
    {PromotionPhase.REQUESTED, PromotionPhase.GATED, PromotionPhase.ROLLED_BACK, PromotionPhase.SUPERSEDED}
)


def decide(watched: Watched, now: datetime) -> Decision:
    """Decide about one promotion: once decided it waits, a rollback is never rolled back, and unread is not healthy.

    PROCEED ends the bake in success; HALT asks for people; ROLL_BACK names the release to go back to.
    """
    promotion, assessment = watched.promotion, watched.assessment
    if watched.decided:
        return Decision(Action.WAIT, "already decided for this promotion")
    if not promotion.code_changed or promotion.phase in _NOT_SERVING:
        return Decision(Action.WAIT, f"{promotion.phase}, not baking: its code does not serve")
    broken = watched.health is Verdict.FAILED
    if assessment.verdict is AlarmVerdict.BREACHED or broken:
        return _decide_breach(watched, broken, now)
    return _decide_quiet(watched, now)


def _decide_quiet(watched: Watched, now: datetime) -> Decision:
    promotion, assessment = watched.promotion, watched.assessment
    if promotion.phase is not PromotionPhase.BAKING or promotion.bake_until is None:
        return Decision(Action.WAIT, f"{promotion.phase}, not baking: {assessment.reason}")
    if assessment.verdict is AlarmVerdict.UNKNOWN:
        return Decision(Action.WAIT, f"held, alarms unknown: {assessment.reason}")
    if watched.health not in (Verdict.PASSED, Verdict.WAIVED):
        return Decision(Action.WAIT, "held, the services' health was not read")
    left = (promotion.bake_until - now).total_seconds()
    if left > 0:
        return Decision(Action.WAIT, f"baking, {left:.0f} s left: {assessment.reason}")
    return Decision(Action.PROCEED, f"bake ended: {assessment.reason}")


def _decide_breach(watched: Watched, broken: bool, now: datetime) -> Decision:
    assessment = watched.assessment
    why = "health probes failed after the deploy" if broken else assessment.reason
    arns = tuple(reading.arn for reading in (*assessment.roll_back_by, *assessment.page_by))
    only_page = not broken and not assessment.roll_back_by
    until = watched.promotion.bake_until
    if only_page and until is not None and now < until:
        # A halt would end the watch, and with it the rollback that another alarm may yet ask for.
        return Decision(Action.WAIT, f"{why}; asks for people, the watch goes on", arns=arns)
    halt = _explain_halt(watched, only_page)
    if halt is not None:
        return Decision(Action.HALT, f"{why}; {halt}", arns=arns)
    if watched.safety.unread:
        return Decision(Action.WAIT, f"{why}; held, the schema is {watched.safety.reason}", arns=arns)
    target = watched.last_good.release if watched.last_good else None
    return Decision(Action.ROLL_BACK, why, target, arns)


def _explain_halt(watched: Watched, only_page: bool) -> str | None:
    if watched.promotion.kind is PromotionKind.ROLLBACK:
        return "a rollback is never rolled back"
    if only_page:
        return "this kind of alarm asks for people, not for a rollback"
    if watched.last_good is None:
        return "no verified release to go back to"
    if watched.safety.safety is Safety.SAFE or watched.safety.unread:
        return None
    told = f"rollback to {watched.last_good.release[:8]} is {watched.safety.safety}: {watched.safety.reason}"
    return told if watched.safety.roll_forward is None else f"{told}; {watched.safety.roll_forward.summary}"
