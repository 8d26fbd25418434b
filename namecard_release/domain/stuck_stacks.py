"""The way out of a stack that gets no further by itself. Reading its status is elsewhere; nothing is mended here."""

from __future__ import annotations

from collections.abc import Sequence

from namecard_release.domain.readiness import StackStatus

_AWS = "aws cloudformation"
# Each status with its meaning and the command that leads out of it (AWS CloudFormation User Guide, "Stack status codes"
# and "Continue rolling back an update").
_WAYS: dict[str, tuple[str, str]] = {
    "UPDATE_ROLLBACK_FAILED": (
        "an update failed and could not be undone: mend the resource that its events name, then",
        f"{_AWS} continue-update-rollback --stack-name {{name}}",
    ),
    "UPDATE_FAILED": (
        "an update failed and was not undone: bring it back to what it was with",
        f"{_AWS} rollback-stack --stack-name {{name}}",
    ),
    "ROLLBACK_COMPLETE": (
        "its first creation failed and was undone: nothing of it is left to update, so",
        f"{_AWS} delete-stack --stack-name {{name}}",
    ),
    "ROLLBACK_FAILED": (
        "its first creation failed and could not be undone: empty or detach what its events name, then",
        f"{_AWS} delete-stack --stack-name {{name}}",
    ),
    "CREATE_FAILED": (
        "its first creation failed and was not undone:",
        f"{_AWS} delete-stack --stack-name {{name}}",
    ),
    "DELETE_FAILED": (
        "its deletion failed half-way: empty or detach what its events name, then",
        f"{_AWS} delete-stack --stack-name {{name}} --retain-resources ...",
    ),
    "REVIEW_IN_PROGRESS": (
        "a change set waits that was never executed, and the stack holds nothing:",
        f"{_AWS} delete-stack --stack-name {{name}}",
    ),
    "UPDATE_IN_PROGRESS": (
        "an update hangs: see what it waits for, or end it with",
        f"{_AWS} cancel-update-stack --stack-name {{name}}",
    ),
}
_HANGS = (
    "it hangs: its events tell the resource that it waits for",
    f"{_AWS} describe-stack-events --stack-name {{name}}",
)
# The deploying tool deletes such a stack itself and creates it anew.
_MENDED_BY_DEPLOYING = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})


def is_moving(stack: StackStatus) -> bool:
    """Tell whether CloudFormation works on a stack; one with a change set in review waits for people."""
    return (stack.status or "").endswith("IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS"


def explain_stuck_stack(stack: StackStatus) -> str | None:
    """Say what to do about a stack that does not settle by itself, with the command's words; None for one that is fine.

    One in progress is explained as one that hangs: ask only when its deadline has passed.
    """
    status = stack.status or ""
    way = _WAYS.get(status) or (_HANGS if status.endswith("IN_PROGRESS") else None)
    if way is None:
        return None
    meaning, command = way
    return f"{stack.name} is {status}: {meaning} '{command.replace('{name}', stack.name)}'; then resume"


def explain_stuck(stacks: Sequence[StackStatus]) -> str | None:
    """Say what to do about every stack that is stuck, None when none is."""
    return "; ".join(told for stack in stacks if (told := explain_stuck_stack(stack))) or None


def explain_blocked(stacks: Sequence[StackStatus]) -> str | None:
    """Say why no deploy can begin on these stacks and what to do, None when one can."""
    return explain_stuck([stack for stack in stacks if stack.status not in _MENDED_BY_DEPLOYING])
