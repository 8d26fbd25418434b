"""Logs summed up: groups, bounds, Lambda's echo of what the function told, impact, and the cause that most point to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain import failure_groups
from namecard_release.domain.causes import Cause, CauseRule
from namecard_release.domain.failure_groups import MOST_GROUPS, MOST_SAMPLES
from namecard_release.domain.log_events import Begun, Cut, Failure, Invocation, Lines, Malformed, Report
from namecard_release.domain.triage import MOST_PATHS, OTHER_PATHS, Triage, TriageResult

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def word(n: int) -> str:
    return "".join(chr(ord("a") + n // 26**place % 26) for place in range(3))


def failure(n: int = 0, error: str = "TypeError", path: str = "/staging/v1/cards", **own: object) -> Failure:
    one = Failure(AT + timedelta(seconds=n), "cards", error, f"message {n}", path, f"r{n}", f"i{n}")
    return one._replace(**own)


def sum_up(*events: object, **own: object) -> TriageResult:
    triage = Triage(**own)
    for event in events:
        triage.add(event)
    return triage.result()


def test_failures_are_grouped_by_service_error_and_path_with_first_last_and_bounded_samples() -> None:
    many = [failure(n) for n in range(9)]
    told = sum_up(many[3], *many[:3], *many[4:], failure(20, path="/v1/cards/7"), failure(21, service="auth"))
    assert [(g.service, g.path, g.count) for g in told.groups] == [
        ("cards", "/v1/cards", 9),
        ("auth", "/v1/cards", 1),
        ("cards", "/v1/cards/{id}", 1),
    ]
    largest = told.groups[0]
    assert (largest.first, largest.last, largest.message) == (AT, AT + timedelta(seconds=8), "message 3")
    assert [sample.request_id for sample in largest.samples] == ["r3", "r0", "r1", "r2", "r8"]
    assert len(largest.samples) == MOST_SAMPLES and told.failed == 11 and told.other == 0


def test_more_groups_than_the_bound_are_counted_as_other() -> None:
    told = sum_up(*(failure(n, f"E{n}") for n in range(MOST_GROUPS + 7)), failure(999, "E0"))
    assert (len(told.groups), told.other, told.failed) == (MOST_GROUPS, 7, MOST_GROUPS + 8)
    assert told.groups[0].error == "E0"


def test_lambdas_line_about_a_failure_that_was_logged_is_no_second_one() -> None:
    timed_out = failure(1, "Sandbox.Timedout", by_platform=True)
    echo = failure(0, "TypeError", by_platform=True)
    assert sum_up(failure(0), echo, timed_out, timed_out).failed == 2
    # Lambda tries an asynchronous invocation again under the same id.
    assert sum_up(failure(0), Begun("i0"), echo).failed == 2
    assert sum_up(failure(0), failure(0)).failed == 2


def test_a_line_of_lambdas_without_an_id_belongs_to_a_failure_of_that_name() -> None:
    nameless = failure(0, "KeyError", by_platform=True, invocation_id="")
    assert sum_up(failure(0, "KeyError"), nameless).failed == 1
    assert sum_up(failure(0, "KeyError"), nameless, nameless).failed == 2
    assert sum_up(failure(0, "TypeError"), nameless).failed == 2
    assert sum_up(failure(0, "KeyError", service="auth"), nameless).failed == 2


def test_impact_counts_distinct_ids_and_keeps_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = (("x-correlation-id", "c1"), ("x-forwarded-for", "192.0.2.1, 10.0.0.1"))
    events = [failure(0, correlation=ids), failure(1, correlation=ids), failure(2), failure(3)]
    told = sum_up(*events)
    impact = told.impact
    assert (impact.requests_failed, impact.correlation_ids, impact.clients, impact.at_least) == (4, 3, 1, False)
    monkeypatch.setattr(failure_groups, "MOST_IDS", 2)
    assert sum_up(*events).impact.at_least and sum_up(*events).impact.correlation_ids == 2


def test_times_are_by_path_slowest_first_and_bounded() -> None:
    fast = [Invocation(AT, "cards", f"/v1/cards/{n}", float(n)) for n in range(1, 101)]
    told = sum_up(*fast, Invocation(AT, "auth", "/v1/auth", 900.0))
    assert [(one.service, one.path, one.count) for one in told.paths] == [
        ("auth", "/v1/auth", 1),
        ("cards", "/v1/cards/{id}", 100),
    ]
    cards = told.paths[1]
    assert cards.p50_ms == pytest.approx(50, rel=0.01) and cards.p95_ms == pytest.approx(95, rel=0.01)
    assert (cards.max_ms, told.completed) == (100.0, 101)
    names = [Invocation(AT, "cards", f"/v1/{word(n)}", 1.0) for n in range(MOST_PATHS + 50)]
    many = sum_up(*names)
    assert len(many.paths) == MOST_PATHS + 1 and many.completed == MOST_PATHS + 50
    assert next(one.count for one in many.paths if one.path == OTHER_PATHS) == 50


def test_lines_malformed_ones_and_cuts_add_up() -> None:
    one = Lines(json=5, malformed=2, undated=1, first=AT, last=AT)
    other = Lines(json=1, trace=3, outside=4, errors=1, first=AT - timedelta(hours=1), last=None)
    told = sum_up(one, other, *(Malformed(f"garbage {n}") for n in range(9)), Cut("more"), Cut("more"), Cut("slow"))
    assert told.lines == Lines(6, 0, 3, 0, 2, 0, 4, 1, 1, AT - timedelta(hours=1), AT)
    assert (told.total_lines, len(told.malformed), told.unread) == (15, 3, "more; slow")


def test_a_secret_is_taken_out_of_every_text_that_is_kept() -> None:
    planted = "hunter2"
    event = Failure(
        AT, "cards", planted, f"{planted} {planted}", f"/v1/{planted}", planted, planted, ((planted, planted),)
    )
    rules = (CauseRule(Cause.VALIDATION, message=planted),)
    told = sum_up(event, Malformed(planted), Invocation(AT, "cards", f"/v1/{planted}", 1.0), clean=mask, rules=rules)
    assert planted not in repr(told) and told.cause.cause is Cause.VALIDATION


def mask(text: str) -> str:
    return text.replace("hunter2", "***")


@pytest.mark.parametrize(
    ("events", "cause", "reason"),
    [
        ([], Cause.UNKNOWN, "no failed invocation was found"),
        ([failure(n, "ValidationError") for n in range(3)], Cause.VALIDATION, "3 of 3 failed invocations point to"),
        ([failure(0, "Odd")], Cause.UNKNOWN, "1 UNKNOWN"),
        ([failure(0), failure(1, "Odd")], Cause.UNKNOWN, "explains most of the 2 failed invocations"),
        ([failure(0), failure(1), failure(2, "Odd")], Cause.CODE_DEFECT, "most are TypeError of cards at /v1/cards"),
        (
            [failure(0, "Runtime.ExitError"), Report("i0", 256, 256, False)],
            Cause.OUT_OF_MEMORY,
            "Lambda reported 1 invocations that used all their memory",
        ),
        ([failure(0, "Runtime.ExitError"), Report("i0", 256, 80, True)], Cause.CODE_DEFECT, "'.ExitError'"),
    ],
)
def test_the_cause_is_what_more_than_half_point_to(events: list[object], cause: Cause, reason: str) -> None:
    told = sum_up(*events)
    assert told.cause.cause is cause and reason in told.cause.reason


def test_reports_are_summed_up() -> None:
    failed_start = Report("", None, None, False, "Runtime.ExitError")
    reports = (Report("a", 256, 80, True), Report("b", 256, 256, False), Report("c", None, None, False), failed_start)
    facts = sum_up(*reports).platform
    assert facts.init_errors == 1
    assert (facts.reports, facts.cold_starts, facts.memory_mb) == (3, 1, 256)
    assert (facts.most_used_mb, facts.memory_exhausted) == (256, 1)


def test_what_is_no_event_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="no event of a log"):
        sum_up({"message": "lambda.invocation.failed"})
