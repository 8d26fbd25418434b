"""Approvals: named people's word that one commit may enter one environment. Keeping them is the ledger's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# Who is told as the actor of a run that names nobody: Dagster OSS knows no users.
NOBODY = "dagster-ui"


@dataclass(frozen=True)
class Approval:
    """One person's approval of one release (full SHA) for one environment; times are UTC.

    It counts from `at` until `expires_at` (excluded) or until it was revoked. `id` is its number in the ledger.
    """

    environment: str
    release: str
    actor: str
    reason: str
    at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    id: int | None = field(default=None, compare=False)

    def in_force(self, now: datetime) -> bool:
        """Tell whether it counts at a moment."""
        return self.revoked_at is None and self.at <= now < self.expires_at


@dataclass(frozen=True)
class ApprovalRule:
    """How many people must approve, who may (empty: anyone who is named), and how long a word counts."""

    needed: int = 0
    approvers: tuple[str, ...] = ()
    lasts: timedelta = timedelta(hours=24)


@dataclass(frozen=True)
class ApprovalState:
    """Who approved, in the order they did, of how many that are needed; `reason` says it in one line."""

    needed: int
    by: tuple[str, ...]
    reason: str

    @property
    def is_met(self) -> bool:
        """Whether enough people approved."""
        return len(self.by) >= self.needed


def same_person(one: str, other: str) -> bool:
    """Tell whether two names are one person's: case and blanks around do not make two people of one."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def is_named(actor: str) -> bool:
    """Tell whether an actor is a person's name: a run of the UI that names nobody is nobody's word."""
    return _plain(actor) not in ("", NOBODY)


def explain_no_approver(rule: ApprovalRule, actor: str, requesters: Sequence[str] = ()) -> str | None:
    """Say why a person's approval would not count, or None; `requesters` are those who asked for the promotion."""
    if not is_named(actor):
        return "an approval needs the name of who approves"
    if rule.approvers and not any(same_person(actor, name) for name in rule.approvers):
        return f"{actor} is not among those who may approve: {', '.join(rule.approvers)}"
    if requesters and all(same_person(actor, name) for name in requesters):
        return f"{actor} asked for this promotion: somebody else approves it"
    return None


def judge_approvals(
    rule: ApprovalRule,
    environment: str,
    release: str,
    requester: str,
    approvals: Sequence[Approval],
    now: datetime,
) -> ApprovalState:
    """Count the approvals of a release that one person asked to promote; each person counts once.

    Where approvals are needed and nobody is named as the requester none counts: anyone could be approving themself.
    """
    counted: dict[str, str] = {}
    if is_named(requester):
        for approval in sorted(approvals, key=lambda one: one.at):
            about = (approval.environment, approval.release) == (environment, release)
            if about and approval.in_force(now) and explain_no_approver(rule, approval.actor, (requester,)) is None:
                counted.setdefault(_plain(approval.actor), approval.actor)
    by = tuple(counted.values())
    return ApprovalState(rule.needed, by, _tell(rule, environment, requester, by))


def _tell(rule: ApprovalRule, environment: str, requester: str, by: tuple[str, ...]) -> str:
    if rule.needed == 0:
        return f"{environment} asks for no approval"
    names = f" ({', '.join(by)})" if by else ""
    if len(by) >= rule.needed:
        return f"approved for {environment} by {len(by)} of {rule.needed}{names}"
    if not is_named(requester):
        return f"waits for approval of {environment}, yet nobody is named as who asked: none can be counted"
    return f"waits for approval of {environment}: {len(by)} of {rule.needed}{names}"
