"""Which letters are worth a replay: the built-in rules, a site's own before them, and what no rule knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.dead_letter_rules import DEFAULT_RULES, LetterRule, Recovery, classify
from namecard_release.domain.dead_letters import BodyFormat, DeadLetter

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def letter(**changes: object) -> DeadLetter:
    values: dict[str, object] = {"message_id": "m", "body": "{}", "body_format": BodyFormat.RAW, "payload": "{}"}
    values |= {"digest": "d", "sent_at": NOW - timedelta(hours=1), "service": "auth"}
    return DeadLetter(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "recovery"),
    [
        ({"error_name": "ValidationError"}, Recovery.UNRECOVERABLE),
        ({"error_name": "CardValidationException"}, Recovery.UNRECOVERABLE),
        ({"error_name": "ZodError"}, Recovery.UNRECOVERABLE),
        ({"error_name": "UserNotFound"}, Recovery.UNRECOVERABLE),
        ({"error_name": "DbConnectionError"}, Recovery.RECOVERABLE),
        ({"error_name": "Sandbox.Timedout"}, Recovery.RECOVERABLE),
        ({"error_name": "ECONNREFUSED"}, Recovery.RECOVERABLE),
        ({"error_name": "TooManyRequestsException"}, Recovery.RECOVERABLE),
        ({"error_name": "EventAgeExceeded"}, Recovery.RECOVERABLE),
        ({"error_name": "TypeError"}, Recovery.AFTER_FIX),
        ({"error_name": "Runtime.ImportModuleError"}, Recovery.AFTER_FIX),
        # A bare body has no name, only words and a code.
        ({"error_message": "2026-03-02 Task timed out after 3.00 seconds"}, Recovery.RECOVERABLE),
        ({"error_message": "connect ECONNREFUSED 10.0.0.1:5432"}, Recovery.RECOVERABLE),
        ({"code": "429", "error_message": "Rate Exceeded."}, Recovery.RECOVERABLE),
        ({"error_message": "something odd"}, Recovery.UNKNOWN),
        ({"error_name": "OddError"}, Recovery.UNKNOWN),
        ({}, Recovery.UNKNOWN),
        ({"body_format": BodyFormat.UNREADABLE, "error_name": "DbConnectionError"}, Recovery.UNRECOVERABLE),
    ],
)
def test_the_built_in_rules(told: dict[str, object], recovery: Recovery) -> None:
    assert classify(letter(**told), DEFAULT_RULES, NOW).recovery is recovery


def test_what_is_thought_has_its_rule_and_reason() -> None:
    told = classify(letter(error_name="TypeError"), DEFAULT_RULES, NOW)
    assert told.rule == "fault of the code" and "another release" in told.reason
    assert "OddError" in classify(letter(error_name="OddError"), DEFAULT_RULES, NOW).reason


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({"services": ("auth",)}, True),
        ({"services": ("cards",)}, False),
        ({"error": "Odd.*"}, True),
        ({"error": "Odd"}, False),
        ({"message": "odd"}, True),
        ({"message": "^odd$"}, False),
        ({"code": "5.."}, True),
        ({"code": "5"}, False),
        ({"older_than": timedelta(minutes=59)}, True),
        ({"older_than": timedelta(minutes=60)}, False),
        ({"when": "payload.retry"}, True),
        ({"when": "payload.other"}, False),
        ({"services": ("auth",), "error": "No"}, False),
    ],
)
def test_every_condition_of_a_rule_must_fit(rule: dict[str, object], fits: bool) -> None:
    own = LetterRule("own", Recovery.UNRECOVERABLE, "ours", **rule)  # type: ignore[arg-type]
    told = letter(error_name="OddError", error_message="an odd one", code="500", facts=frozenset({"payload.retry"}))
    assert (classify(told, (own,), NOW).rule == "own") is fits


def test_the_first_rule_that_fits_decides() -> None:
    own = LetterRule("own", Recovery.UNRECOVERABLE, "ours", error="DbConnectionError")
    assert classify(letter(error_name="DbConnectionError"), (own, *DEFAULT_RULES), NOW).rule == "own"
