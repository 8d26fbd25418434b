"""Whether to roll back and onto what. Whether the schema allows it is in `safety`; doing it is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from namecard_release.domain.alarms import AlarmAction, AlarmAssessment, AlarmVerdict
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase

if TYPE_CHECKING:
    # Named in annotations alone: what reads a ledger loads this module, and the judge's parts with it.
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

    `decided` is True once a rollback or a halt was decided for this promotion. `held` is why people keep the
    environment from rolling back by itself, None when they do not. Signals that stay unread are waited for until
    `unknown_deadline_seconds` after the end of the bake, a schema that a breach asks for until as long after
    `unread_since`, the moment at which it was first found unread. `after_bake` is what a breach of a release that
    succeeded asks for. `partial` says what stands where after a deploy that changed some stacks and not others.
    """

    promotion: Promotion
    assessment: AlarmAssessment
    health: Verdict | None
    last_good: Promotion | None
    safety: SafetyVerdict
    decided: bool
    held: str | None = None
    unknown_deadline_seconds: float = 600.0
    unread_since: datetime | None = None
    after_bake: AlarmAction = AlarmAction.PAGE
    partial: str | None = None


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
    if assessment.verdict is AlarmVerdict.BREACHED or broken or watched.partial is not None:
        return _decide_breach(watched, now, broken)
    return _decide_quiet(watched, now)


def decide_in_order(
    watched: Watched, past: Sequence[tuple[datetime, AlarmAssessment]], now: datetime
) -> tuple[Decision, datetime]:
    """Decide about quiet moments that nobody looked at, oldest first, and then about `now`: the first that decides.

    Gives the moment of the decision too: a bake that ended unseen ended then, and what came after is after the bake.
    """
    for at, assessment in past:
        decision = decide(replace(watched, assessment=assessment), at)
        if decision.action is not Action.WAIT:
            return decision, at
    return decide(watched, now), now


def _decide_quiet(watched: Watched, now: datetime) -> Decision:
    promotion, assessment = watched.promotion, watched.assessment
    if promotion.phase is not PromotionPhase.BAKING or promotion.bake_until is None:
        return Decision(Action.WAIT, f"{promotion.phase}, not baking: {assessment.reason}")
    if assessment.rising:
        return Decision(Action.WAIT, assessment.reason)
    unread = _explain_unread(watched)
    left = (promotion.bake_until - now).total_seconds()
    if unread is not None and left + watched.unknown_deadline_seconds <= 0:
        return Decision(Action.HALT, f"{watched.unknown_deadline_seconds:.0f} s after the bake, {unread}")
    if unread is not None:
        return Decision(Action.WAIT, f"held, {unread}")
    if left > 0:
        return Decision(Action.WAIT, f"baking, {left:.0f} s left: {assessment.reason}")
    return Decision(Action.PROCEED, f"bake ended: {assessment.reason}")


def _explain_unread(watched: Watched) -> str | None:
    if watched.assessment.verdict is AlarmVerdict.UNKNOWN:
        return f"alarms unknown: {watched.assessment.reason}"
    if watched.health not in (Verdict.PASSED, Verdict.WAIVED):
        return "the services' health was not read"
    return None


def _decide_breach(watched: Watched, now: datetime, broken: bool) -> Decision:
    assessment = watched.assessment
    breached = assessment.verdict is AlarmVerdict.BREACHED
    why = "health probes failed after the deploy" if broken else assessment.reason
    if watched.partial is not None and not breached:
        why = watched.partial
    arns = tuple(reading.arn for reading in (*assessment.roll_back_by, *assessment.page_by))
    halt = _explain_halt(watched)
    if halt is not None:
        return Decision(Action.HALT, f"{why}; {halt}", arns=arns)
    if watched.safety.unread:
        return _decide_unread_schema(watched, now, why, arns)
    target = watched.last_good.release if watched.last_good else None
    return Decision(Action.ROLL_BACK, why, target, arns)


def _decide_unread_schema(watched: Watched, now: datetime, why: str, arns: tuple[str, ...]) -> Decision:
    limit, told = watched.unknown_deadline_seconds, f"the schema is {watched.safety.reason}"
    if watched.unread_since is not None and (now - watched.unread_since).total_seconds() >= limit:
        return Decision(Action.HALT, f"{why}; unread for {limit:.0f} s, {told}", arns=arns)
    return Decision(Action.WAIT, f"{why}; held, {told}", arns=arns)


def _explain_halt(watched: Watched) -> str | None:
    if watched.promotion.kind is PromotionKind.ROLLBACK:
        return "a rollback is never rolled back"
    if watched.held is not None:
        return f"people hold {watched.promotion.environment}: {watched.held}"
    if watched.promotion.phase is PromotionPhase.SUCCEEDED and watched.after_bake is not AlarmAction.ROLL_BACK:
        return "its bake has ended, and the policy asks for people then"
    if watched.last_good is None:
        return "no verified release to go back to"
    if watched.safety.safety is Safety.SAFE or watched.safety.unread:
        return None
    told = f"rollback to {watched.last_good.release[:8]} is {watched.safety.safety}: {watched.safety.reason}"
    return told if watched.safety.roll_forward is None else f"{told}; {watched.safety.roll_forward.summary}"
