"""A named way out of every status that a stack does not leave by itself, and none for the others."""

from __future__ import annotations

import pytest

from namecard_release.domain.readiness import StackStatus
from namecard_release.domain.stuck_stacks import explain_blocked, explain_stuck, explain_stuck_stack, is_moving

FINE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "DELETE_COMPLETE", "IMPORT_COMPLETE", None)
WAYS = {
    "UPDATE_ROLLBACK_FAILED": "continue-update-rollback",
    "UPDATE_FAILED": "rollback-stack",
    "ROLLBACK_COMPLETE": "delete-stack",
    "ROLLBACK_FAILED": "delete-stack",
    "CREATE_FAILED": "delete-stack",
    "DELETE_FAILED": "--retain-resources",
    "REVIEW_IN_PROGRESS": "delete-stack",
    "UPDATE_IN_PROGRESS": "cancel-update-stack",
    "CREATE_IN_PROGRESS": "describe-stack-events",
    "UPDATE_ROLLBACK_IN_PROGRESS": "describe-stack-events",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "describe-stack-events",
    "DELETE_IN_PROGRESS": "describe-stack-events",
}


@pytest.mark.parametrize(("status", "words"), WAYS.items())
def test_a_stuck_stack_has_a_way_out(status: str, words: str) -> None:
    told = explain_stuck_stack(StackStatus("NameCardApi-prod", status)) or ""
    assert told.startswith(f"NameCardApi-prod is {status}: ")
    assert f"aws cloudformation {words}" in told or words in told
    assert "--stack-name NameCardApi-prod" in told and told.endswith("then resume") and len(told.splitlines()) == 1


@pytest.mark.parametrize("status", FINE)
def test_a_settled_stack_needs_none(status: str | None) -> None:
    assert explain_stuck_stack(StackStatus("NameCardApi-prod", status)) is None


def test_every_stuck_stack_is_told_and_what_a_deploy_mends_blocks_none() -> None:
    stacks = [
        StackStatus("Db", "UPDATE_COMPLETE"),
        StackStatus("Api", "ROLLBACK_COMPLETE"),
        StackStatus("Web", "DELETE_FAILED"),
    ]
    assert (explain_stuck(stacks) or "").count("; then resume") == 2
    assert (explain_blocked(stacks) or "").startswith("Web is DELETE_FAILED")
    assert explain_blocked(stacks[:2]) is None and explain_stuck(stacks[:1]) is None


@pytest.mark.parametrize(
    ("status", "moving"),
    [("UPDATE_IN_PROGRESS", True), ("REVIEW_IN_PROGRESS", False), ("UPDATE_COMPLETE", False), (None, False)],
)
def test_what_moves(status: str | None, moving: bool) -> None:
    assert is_moving(StackStatus("Api", status)) is moving
