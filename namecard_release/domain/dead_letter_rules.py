"""Whether a dead letter is worth a replay, by rules: the first that fits decides. No rule fits: nobody knows.

What is then done with it is `dead_letter_plans`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from namecard_release.domain.dead_letters import BodyFormat, DeadLetter


class Recovery(StrEnum):
    """What a replay would come to: it may work now, only with other code, never, or nobody knows."""

    RECOVERABLE = "recoverable"
    AFTER_FIX = "after_fix"
    UNRECOVERABLE = "unrecoverable"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class LetterRule:
    """One rule; what is None or empty fits everything. `error`, `message` and `code` are regular expressions: the first
    and the last must match as a whole, `message` anywhere. `when` is an expression over the letter, see `facts`.
    """

    name: str
    recovery: Recovery
    reason: str
    services: tuple[str, ...] = ()
    error: str | None = None
    message: str | None = None
    code: str | None = None
    older_than: timedelta | None = None
    when: str | None = None


@dataclass(frozen=True)
class Classification:
    """What is thought of one letter, and which rule says so."""

    recovery: Recovery
    rule: str
    reason: str


# By the names that Lambda, Node and the services' own errors go by. A site's rules come before these.
DEFAULT_RULES = (
    LetterRule(
        "validation",
        Recovery.UNRECOVERABLE,
        "the input is wrong, and a replay gives the same input",
        error=r".*Validation.*|ZodError|BadRequest\w*|SyntaxError|.*ParseError|.*NotFound(Error|Exception)?",
    ),
    LetterRule(
        "event age",
        Recovery.RECOVERABLE,
        "it waited too long for a free function and was never run",
        error=r"EventAgeExceeded",
    ),
    LetterRule(
        "dependency",
        Recovery.RECOVERABLE,
        "something it depends on did not answer",
        error=r"Db\w*Error|.*Connection\w*|ECONN\w+|E(AI_AGAIN|PIPE|TIMEDOUT|HOSTUNREACH)|.*Unavailable\w*"
        r"|.*Timeout\w*|.*TimedOut|Sandbox\.Timedout|InternalServer\w*|DependencyError",
    ),
    LetterRule(
        "throttled",
        Recovery.RECOVERABLE,
        "it was throttled",
        error=r".*Throttl\w*|TooManyRequests\w*|.*LimitExceeded\w*",
    ),
    LetterRule(
        "dependency, by its words",
        Recovery.RECOVERABLE,
        "something it depends on did not answer",
        message=r"(?i)timed out|ECONN(REFUSED|RESET)|ETIMEDOUT|socket hang up|too many (connections|requests)"
        r"|connection (refused|reset|terminated)|service unavailable|throttl",
    ),
    LetterRule("throttled, by code", Recovery.RECOVERABLE, "it was throttled", code=r"429|503"),
    LetterRule(
        "fault of the code",
        Recovery.AFTER_FIX,
        "the code that ran is at fault: it would fail again until another release is deployed",
        error=r"TypeError|ReferenceError|RangeError|AssertionError|\w*KeyError|AttributeError|NameError"
        r"|Runtime\.\w+|Function\.\w+|OutOfMemory\w*",
    ),
)


def classify(letter: DeadLetter, rules: Sequence[LetterRule], now: datetime) -> Classification:
    """Classify one letter; one that cannot be read is never worth a replay."""
    if letter.body_format is BodyFormat.UNREADABLE:
        return Classification(Recovery.UNRECOVERABLE, "unreadable", "its body is no event in JSON")
    for rule in rules:
        if _fits(rule, letter, now):
            return Classification(rule.recovery, rule.name, rule.reason)
    shown = letter.error_name or letter.error_message[:60] or "an error that is not told"
    return Classification(Recovery.UNKNOWN, "none", f"no rule knows {shown}")


def _fits(rule: LetterRule, letter: DeadLetter, now: datetime) -> bool:
    return (
        (not rule.services or letter.service in rule.services)
        and _matches(rule.error, letter.error_name)
        and _matches(rule.code, letter.code)
        and (rule.message is None or re.search(rule.message, letter.error_message) is not None)
        and (rule.older_than is None or now - letter.sent_at > rule.older_than)
        and (rule.when is None or rule.when in letter.facts)
    )


def _matches(pattern: str | None, text: str | None) -> bool:
    return pattern is None or (text is not None and re.fullmatch(pattern, text) is not None)
