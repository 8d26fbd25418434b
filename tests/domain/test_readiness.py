"""Stacks and alarms judged without a deploy to compare with."""

from __future__ import annotations

import pytest

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.gates import Verdict
from namecard_release.domain.readiness import StackStatus, judge_alarm_states, judge_stacks
from tests.domain.cases import reading

PASSED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("statuses", "verdict", "words"),
    [
        (("CREATE_COMPLETE", "UPDATE_COMPLETE"), PASSED, "2 stacks settled"),
        # The update was undone: the stack serves what it served before and takes another.
        (("UPDATE_ROLLBACK_COMPLETE",), PASSED, "1 stacks settled"),
        (("IMPORT_COMPLETE",), PASSED, "1 stacks settled"),
        ((), UNKNOWN, "no stack was read"),
        ((None,), FAILED, "s0 is absent"),
        (("UPDATE_COMPLETE", None), FAILED, "s1 is absent"),
        (("UPDATE_IN_PROGRESS",), UNKNOWN, "s0 is UPDATE_IN_PROGRESS"),
        (("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",), UNKNOWN, "CLEANUP_IN_PROGRESS"),
        (("REVIEW_IN_PROGRESS",), UNKNOWN, "REVIEW_IN_PROGRESS"),
        (("UPDATE_ROLLBACK_FAILED",), FAILED, "s0 is UPDATE_ROLLBACK_FAILED"),
        (("CREATE_FAILED",), FAILED, "CREATE_FAILED"),
        (("DELETE_FAILED",), FAILED, "DELETE_FAILED"),
        (("UPDATE_IN_PROGRESS", "UPDATE_FAILED"), FAILED, "s1 is UPDATE_FAILED"),
        # The first creation was undone: nothing is there, and no update is taken.
        (("ROLLBACK_COMPLETE",), FAILED, "s0 is ROLLBACK_COMPLETE"),
        (("DELETE_COMPLETE",), FAILED, "s0 is DELETE_COMPLETE"),
        # A word that CloudFormation does not have says nothing.
        (("",), UNKNOWN, "s0"),
        (("SOMETHING_NEW",), UNKNOWN, "s0 is SOMETHING_NEW"),
    ],
)
def test_stacks_are_judged(statuses: tuple[str | None, ...], verdict: Verdict, words: str) -> None:
    phase = judge_stacks([StackStatus(f"s{i}", status) for i, status in enumerate(statuses)])
    assert (phase.name, phase.verdict, words in phase.reason) == ("stacks", verdict, True), phase.reason


@pytest.mark.parametrize(
    ("readings", "verdict", "words"),
    [
        ((), UNKNOWN, "no alarm was read"),
        ((reading("a"), reading("b")), PASSED, "2 alarms OK"),
        ((reading("a"), reading("b", AlarmState.ALARM)), FAILED, "in ALARM: b"),
        ((reading("a", AlarmState.INSUFFICIENT_DATA), reading("b")), UNKNOWN, "without data: a"),
        ((reading("a", AlarmState.UNREAD),), UNKNOWN, "without data: a"),
        ((reading("a", AlarmState.INSUFFICIENT_DATA), reading("b", AlarmState.ALARM)), FAILED, "in ALARM: b"),
    ],
)
def test_alarm_states_are_judged(readings: tuple[AlarmReading, ...], verdict: Verdict, words: str) -> None:
    phase = judge_alarm_states(readings)
    assert (phase.name, phase.verdict, words in phase.reason) == ("alarms", verdict, True), phase.reason
