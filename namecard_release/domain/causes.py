"""What kind of cause a failure points to, by rules that can be read. Counting failures does not belong here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Cause(StrEnum):
    """What a failure, or slowness, points to (runbook 5.1, 5.3 and 5.4)."""

    VALIDATION = "validation_error"
    DEPENDENCY = "dependency_outage"
    DATABASE_CONNECTIONS = "database_connections"
    THROTTLING = "throttling"
    TIME_OUT = "time_out"
    OUT_OF_MEMORY = "out_of_memory"
    CODE_DEFECT = "code_defect"
    SLOW = "slow"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class CauseRule:
    """A failure whose error name or message matches points to a cause; `service` None is every service.

    Both patterns are searched for without regard to case; one that is empty matches nothing.
    """

    cause: Cause
    error: str = ""
    message: str = ""
    service: str | None = None

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str] | None, ...]:
        return tuple(re.compile(text, re.IGNORECASE) if text else None for text in (self.error, self.message))

    def why(self, service: str, error: str, message: str) -> str | None:
        """Say what of a failure matched, or None."""
        if self.service not in (None, service):
            return None
        names = zip(("error name", "message"), self._patterns, (error, message), strict=True)
        for told, pattern, text in names:
            found = pattern.search(text) if pattern is not None else None
            if found is not None and found[0]:
                return f"its {told} says {found[0][:80]!r}"
        return None


# In this order: the first that matches decides. Names of errors are matched as a whole, with or without a module.
def _named(*names: str) -> str:
    return rf"(?:^|\.)(?:{'|'.join(names)})$"


DEFAULT_RULES: tuple[CauseRule, ...] = (
    CauseRule(
        Cause.OUT_OF_MEMORY,
        _named("OutOfMemory", "OutOfMemoryError", "MemoryError"),
        r"heap out of memory|out of memory|signal: killed|cannot allocate memory",
    ),
    CauseRule(
        Cause.DATABASE_CONNECTIONS,
        _named("DbConnectionError", "PrismaClientInitializationError", "SequelizeConnection[a-z]*Error"),
        r"too many clients|too many connections|remaining connection slots|timeout exceeded when trying to connect"
        r"|connection terminated (?:unexpectedly|due to)|timed out fetching a new connection|connection pool timeout"
        r"|(?:ECONNREFUSED|ETIMEDOUT|ECONNRESET)\S* \S*:(?:5432|3306)\b|the database system is (?:starting|shutting)",
    ),
    CauseRule(
        Cause.THROTTLING,
        _named(
            *("Throttl[a-z]*(?:Exception|Error)?", "TooManyRequests[a-z]*", "RequestLimitExceeded", "SlowDown"),
            *("ProvisionedThroughputExceeded[a-z]*", "LimitExceededException", "RateLimit[a-z]*"),
        ),
        r"rate exceeded|too many requests|status(?: code)? 429\b",
    ),
    CauseRule(Cause.TIME_OUT, _named("TimedOut", r"Sandbox\.Timedout"), r"^task timed out after"),
    CauseRule(
        Cause.VALIDATION,
        _named(
            *(
                "[a-z]*Validation(?:Error|Exception)",
                "ZodError",
                "BadRequest[a-z]*",
                "SchemaError",
                "InvalidInput[a-z]*",
            ),
            *("UnsupportedDocumentException", "BadDocumentException", "InvalidParameterException"),
        ),
        r"violates (?:check|not-null|foreign key|unique)|invalid input (?:syntax|value)",
    ),
    CauseRule(
        Cause.DEPENDENCY,
        _named(
            *("TimeoutError", "NetworkingError", "AxiosError", "FetchError", "ServiceUnavailable[a-z]*", "AbortError"),
            *(
                "ServiceException",
                "Internal(?:Server|Service)Error[a-z]*",
                "[a-z]*DependencyError",
                "[a-z]*ProviderError",
            ),
            *("InternalFailure", "ConnectTimeoutError", "HeadersTimeoutError", "ReadTimeout[a-z]*", "ConnectionError"),
        ),
        r"\b(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOSTUNREACH)\b|socket hang up|fetch failed"
        r"|service unavailable|bad gateway|gateway time-?out|status(?: code)? 50[234]\b|certificate has expired"
        r"|getaddrinfo|network error|upstream",
    ),
    CauseRule(
        Cause.CODE_DEFECT,
        _named(
            *("TypeError", "ReferenceError", "RangeError", "SyntaxError", "EvalError", "KeyError", "AttributeError"),
            *("NameError", "IndexError", "UnboundLocalError", "AssertionError", "ImportError", "ModuleNotFoundError"),
            *("ImportModuleError", "HandlerNotFound", "UserCodeSyntaxError", "MalformedHandlerName", "ExitError"),
        ),
        r"(?:relation|column|function|type|schema) \S+ (?:of relation \S+ )?does not exist|bind message supplies"
        r"|syntax error at or near|could not determine data type|cannot read propert|is not a function"
        r"|is not defined|there is no parameter|operator does not exist|permission denied for",
    ),
)


@dataclass(frozen=True)
class Diagnosis:
    """A cause and the reason for naming it."""

    cause: Cause
    reason: str


def classify(service: str, error: str, message: str, rules: Sequence[CauseRule] = DEFAULT_RULES) -> Diagnosis:
    """Name the cause that one failure points to: the first rule that matches, UNKNOWN where none does."""
    for rule in rules:
        why = rule.why(service, error, message)
        if why is not None:
            return Diagnosis(rule.cause, why)
    return Diagnosis(Cause.UNKNOWN, f"no rule knows {error or 'an error without a name'}")
