"""The settings' section about dead letters: the queue, the archive, the rules, the bounds of a run.

What the rules decide is the domain's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from namecard_release.domain.dead_letter_rules import DEFAULT_RULES, LetterRule, Recovery
from namecard_release.gate_settings import Model, Name
from namecard_release.windows import check_cron


def _check_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    return text


def _check_expression(text: str) -> str:
    # Loaded only where a file has an expression: most commands have no use for it.
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        jmespath.compile(text)
    except JMESPathError as error:
        raise ValueError(f"no JMESPath expression: {' '.join(str(error).split())}") from error
    return text


Pattern = Annotated[str, AfterValidator(_check_pattern)]
Expression = Annotated[str, AfterValidator(_check_expression)]


class DeadLetterRule(Model):
    """One rule about dead letters; it comes before the built-in ones, and the first that fits decides.

    `error` and `code` match as a whole, `message` anywhere; `when` is JMESPath over the letter as `dlq sample --json`
    shows it, true when it gives anything but null, false or empty.
    """

    name: str = Field(min_length=1)
    recovery: Recovery
    reason: str = Field(min_length=1)
    services: tuple[Name, ...] = ()
    error: Pattern | None = None
    message: Pattern | None = None
    code: Pattern | None = None
    older_than_hours: float | None = Field(default=None, gt=0)
    when: Expression | None = None

    def rule(self) -> LetterRule:
        """Give the domain's form of it."""
        hours = self.older_than_hours
        age = None if hours is None else timedelta(hours=hours)
        patterns = (self.error, self.message, self.code)
        return LetterRule(self.name, self.recovery, self.reason, self.services, *patterns, age, self.when)


class DeadLetters(Model):
    """How dead letters are dealt with; {key} in names is the environment's physical key.

    `target` is where replays go: to the failed `function` itself as an asynchronous invocation, or into `target_queue`.
    `routes` are JMESPath expressions that tell for a bare event which service it was for. `batch` messages are archived
    and journaled together, two batches are under way at once, `threads` make the calls of both; `hide_seconds` is how
    long a message is hidden from others while it is worked on. `archive_account` owns the bucket where that is not the
    environment's own account; `kms_key` encrypts archive objects with a key of one's own; without it S3's own is used.
    """

    queue: str = "namecard-{key}-lambda-dlq"
    archive_bucket: str = Field(default="namecard-ops-dlq-archive", min_length=3, max_length=63)
    archive_prefix: str = Field(default="dead-letters/", pattern=r"^([\w.-]+/)*$")
    archive_account: str | None = Field(default=None, pattern=r"^\d{12}$")
    kms_key: str | None = None
    target: Literal["function", "queue"] = "function"
    target_queue: str | None = None
    routes: Mapping[Name, Expression] = {}
    rules: tuple[DeadLetterRule, ...] = ()
    most_returns: int = Field(default=2, ge=1, le=20)
    batch: int = Field(default=500, ge=1, le=1000)
    threads: int = Field(default=8, ge=1, le=32)
    hide_seconds: int = Field(default=300, ge=2, le=43_200)
    sample_hide_seconds: int = Field(default=30, ge=1, le=600)
    rate_per_second: float = Field(default=50.0, gt=0)
    tries: int = Field(default=5, ge=1, le=20)
    most_scanned: int = Field(default=100_000, ge=1, le=119_000)
    drain_cron: Annotated[str, AfterValidator(check_cron)] = "0 * * * *"
    drain_environments: tuple[Name, ...] = ()
    drain_limit: int = Field(default=1000, ge=1)

    @model_validator(mode="after")
    def _queue_of_its_own(self) -> Self:
        if (self.target == "queue") != (self.target_queue is not None):
            raise ValueError('target = "queue" and target_queue belong together')
        if self.target_queue == self.queue:
            raise ValueError("target_queue is the dead-letter queue itself: a replay would never end")
        return self

    def letter_rules(self) -> tuple[LetterRule, ...]:
        """Give the rules in their order: the file's, then the built-in ones."""
        return (*(one.rule() for one in self.rules), *DEFAULT_RULES)

    def expressions(self) -> tuple[str, ...]:
        """Give every rule's expression, to be evaluated for each letter."""
        return tuple(one.when for one in self.rules if one.when is not None)
