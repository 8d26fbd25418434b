"""Which cause a failure points to, by error name and message."""

from __future__ import annotations

import pytest

from namecard_release.domain.causes import DEFAULT_RULES, Cause, CauseRule, classify


@pytest.mark.parametrize(
    ("error", "message", "cause"),
    [
        ("ValidationError", "email must be a text", Cause.VALIDATION),
        ("ZodError", "", Cause.VALIDATION),
        ("error", 'null value in column "x" violates not-null constraint', Cause.VALIDATION),
        ("error", "invalid input syntax for type uuid", Cause.VALIDATION),
        ("Textract.UnsupportedDocumentException", "", Cause.VALIDATION),
        ("DbConnectionError", "", Cause.DATABASE_CONNECTIONS),
        ("error", "sorry, too many clients already", Cause.DATABASE_CONNECTIONS),
        ("Error", "timeout exceeded when trying to connect", Cause.DATABASE_CONNECTIONS),
        ("Error", "Connection terminated unexpectedly", Cause.DATABASE_CONNECTIONS),
        ("Error", "connect ECONNREFUSED 127.0.0.1:5432", Cause.DATABASE_CONNECTIONS),
        ("Error", "connect ECONNREFUSED 127.0.0.1:8080", Cause.DEPENDENCY),
        ("TypeError", "fetch failed", Cause.DEPENDENCY),
        ("AxiosError", "Request failed with status code 503", Cause.DEPENDENCY),
        ("Error", "Request failed with status code 429", Cause.THROTTLING),
        ("ThrottlingException", "Rate exceeded", Cause.THROTTLING),
        ("ProvisionedThroughputExceededException", "", Cause.THROTTLING),
        ("Sandbox.Timedout", "Task timed out after 10.01 seconds", Cause.TIME_OUT),
        ("Runtime.OutOfMemory", "", Cause.OUT_OF_MEMORY),
        ("Runtime.ExitError", "Runtime exited with error: signal: killed", Cause.OUT_OF_MEMORY),
        ("Runtime.ExitError", "Runtime exited with error: exit status 1", Cause.CODE_DEFECT),
        ("TypeError", "Cannot read properties of undefined (reading 'id')", Cause.CODE_DEFECT),
        ("error", 'column "jobTitle" does not exist', Cause.CODE_DEFECT),
        ("error", "bind message supplies 1 parameters, but prepared statement requires 2", Cause.CODE_DEFECT),
        ("Runtime.ImportModuleError", "Cannot find module 'index'", Cause.CODE_DEFECT),
        ("MyTypeErrorish", "odd", Cause.UNKNOWN),
        ("", "", Cause.UNKNOWN),
    ],
)
def test_the_first_rule_that_matches_decides(error: str, message: str, cause: Cause) -> None:
    told = classify("cards", error, message)
    assert told.cause is cause and told.reason


def test_rules_of_a_service_come_first_and_say_what_matched() -> None:
    rules = (CauseRule(Cause.DEPENDENCY, message="clearbit", service="enrichment"), *DEFAULT_RULES)
    told = classify("enrichment", "TypeError", "Clearbit answered nothing", rules)
    assert (told.cause, told.reason) == (Cause.DEPENDENCY, "its message says 'Clearbit'")
    assert classify("cards", "TypeError", "Clearbit answered nothing", rules).cause is Cause.CODE_DEFECT


def test_an_empty_pattern_matches_nothing() -> None:
    assert CauseRule(Cause.VALIDATION).why("cards", "E", "m") is None
    assert CauseRule(Cause.VALIDATION, error="x*").why("cards", "E", "m") is None
