"""Whether a deploy has done its work, as CloudFormation tells it. Running it, and judging its release, is elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from namecard_release.domain.readiness import StackStatus

_Moments = Mapping[str, tuple[bool, object]]
# Complete, and with what was asked for: one that was undone is complete as well.
_DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


class Ending(StrEnum):
    """What a deploy left whose tool gave no good result: the new code, the old code, some stacks new and some old, or
    nobody knows.
    """

    DEPLOYED = "DEPLOYED"
    PARTIAL = "PARTIAL"
    OLD = "OLD"
    UNKNOWN = "UNKNOWN"


def judge_ending(before: Sequence[StackStatus], after: Sequence[StackStatus]) -> Ending:
    """Judge the stacks of a deploy, in the order in which they are deployed, once they have settled.

    The last one is changed only when those before it are done, and a stack that needs no change is never touched. A
    stack that was undone keeps the old code; one that failed or still moves may hold anything. Where nothing was there
    before there is nothing to be partial to.
    """
    moments = _moments(before)
    unsure = [s for s in after if s.status and ("FAILED" in s.status or s.status.endswith("IN_PROGRESS"))]
    if unsure or not after:
        return Ending.UNKNOWN
    last, new = after[-1], [stack.name for stack in after if _is_new(stack, moments)]
    undone = any((stack.status or "").endswith("ROLLBACK_COMPLETE") for stack in after)
    if last.name in new and not undone:
        return Ending.DEPLOYED
    return Ending.PARTIAL if new and any(stack.status is not None for stack in before) else Ending.OLD


def describe_stacks(before: Sequence[StackStatus], after: Sequence[StackStatus]) -> str:
    """Say of each stack what stands there: the new state, the old one put back, the old one untouched, or neither."""
    moments = _moments(before)
    return ", ".join(f"{stack.name} {_describe(stack, moments)} ({stack.status or 'absent'})" for stack in after)


def _describe(stack: StackStatus, moments: _Moments) -> str:
    if _is_new(stack, moments):
        return "is new"
    if stack.status is None:
        return "is not there"
    if not _is_changed(stack, moments.get(stack.name)):
        return "is untouched"
    return "was put back" if stack.status.endswith("ROLLBACK_COMPLETE") else "is neither new nor old"


def may_go_on(before: Sequence[StackStatus], after: Sequence[StackStatus]) -> bool:
    """Tell whether a deploy whose tool was killed may simply be begun again, once the stacks have settled.

    It may when no stack failed, hangs, or was undone since `before`: what is done is not done twice then.
    """
    moments = _moments(before)
    return bool(after) and all(
        stack.status is None
        or stack.status in _DONE
        or (stack.status.endswith("ROLLBACK_COMPLETE") and not _is_changed(stack, moments.get(stack.name)))
        for stack in after
    )


def is_deployed(before: Sequence[StackStatus], now: Sequence[StackStatus], told: Collection[str]) -> bool:
    """Tell whether CloudFormation has finished every stack of a deploy.

    A stack is finished when it is complete and was changed since `before`, or when the deploying tool told so (`told`
    are the names it called done), for a stack that needs no change is never touched.
    """
    moments = _moments(before)
    return bool(now) and all(
        stack.status in _DONE and (stack.name in told or _is_changed(stack, moments.get(stack.name))) for stack in now
    )


def _moments(before: Sequence[StackStatus]) -> _Moments:
    return {stack.name: (stack.status is not None, stack.changed_at) for stack in before}


def _is_new(stack: StackStatus, moments: _Moments) -> bool:
    return stack.status in _DONE and _is_changed(stack, moments.get(stack.name))


def _is_changed(stack: StackStatus, before: tuple[bool, object] | None) -> bool:
    if before is None or stack.changed_at is None:
        return False
    was_there, moment = before
    return not was_there or stack.changed_at != moment
