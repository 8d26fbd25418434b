"""Whose turn it is to change an environment. Keeping the queue and taking the lease do not belong here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from namecard_release.domain.release import short


@dataclass(frozen=True)
class Waiting:
    """One promotion that waits for an environment's lease."""

    promotion: str
    release: str
    requested_at: datetime


@dataclass(frozen=True)
class Queue:
    """An environment's lease and who waits for it; `holder` is None when the lease is free or has expired.

    `newest` is the promotion requested last of those whose deploy began and was not undone, None when there is none.
    """

    environment: str
    holder: str | None
    waiting: tuple[Waiting, ...]
    newest: Waiting | None = None


class Turn(StrEnum):
    """What a promotion that wants the lease does now."""

    TAKE = "TAKE"
    WAIT = "WAIT"
    SUPERSEDED = "SUPERSEDED"


def judge_turn(own: Waiting, queue: Queue) -> tuple[Turn, str]:
    """Tell a promotion in the queue whether it takes the lease, waits, or gives way, and why.

    The order is that of the requests. A newer commit supersedes an older one that waits: when it waits as well, and
    when it came first to its deploy, which the older one would undo. Whoever has the lease is never superseded, and
    takes it again at once after its run was killed.
    """
    if queue.holder == own.promotion:
        return Turn.TAKE, "it has the lease"
    newer = _superseding(own, queue.waiting)
    if newer is not None:
        return Turn.SUPERSEDED, f"superseded by {newer.promotion}, a newer commit that waits for {queue.environment}"
    if queue.newest is not None and _superseding(own, (queue.newest,)):
        return (
            Turn.SUPERSEDED,
            f"superseded by {queue.newest.promotion}, a newer commit that came first: promote it anew",
        )
    if queue.holder is not None:
        return Turn.WAIT, f"{queue.environment} is being changed by {queue.holder}"
    before = [one for one in queue.waiting if _order(one) < _order(own) and _superseding(one, queue.waiting) is None]
    if before:
        return Turn.WAIT, f"{len(before)} before it, the next is {min(before, key=_order).promotion}"
    return Turn.TAKE, f"{queue.environment} is free for {short(own.release)}"


def _superseding(one: Waiting, waiting: Sequence[Waiting]) -> Waiting | None:
    newer = [other for other in waiting if other.release != one.release and _order(other) > _order(one)]
    return max(newer, key=_order, default=None)


def _order(one: Waiting) -> tuple[datetime, str]:
    return one.requested_at, one.promotion
