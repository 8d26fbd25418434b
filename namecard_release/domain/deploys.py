"""Whether a deploy that is under way has done its work. Running it, and judging what it left, does not belong here."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from namecard_release.domain.readiness import StackStatus

# Complete, and with what was asked for: one that was undone is complete as well.
_DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


def is_deployed(before: Sequence[StackStatus], now: Sequence[StackStatus], told: Collection[str]) -> bool:
    """Tell whether CloudFormation has finished every stack of a deploy.

    A stack is finished when it is complete and was changed since `before`, or when the deploying tool told so (`told`
    are the names it called done), for a stack that needs no change is never touched.
    """
    moments = {stack.name: (stack.status is not None, stack.changed_at) for stack in before}
    return bool(now) and all(
        stack.status in _DONE and (stack.name in told or _is_changed(stack, moments.get(stack.name))) for stack in now
    )


def _is_changed(stack: StackStatus, before: tuple[bool, object] | None) -> bool:
    if before is None or stack.changed_at is None:
        return False
    was_there, moment = before
    return not was_there or stack.changed_at != moment
