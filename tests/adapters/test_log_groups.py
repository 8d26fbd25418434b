"""The bounds of reading a log group, and what Logs Insights may answer; what it really answers is tested elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from namecard_release.adapters import log_groups
from namecard_release.adapters.log_groups import AwsLogs, Bounds
from namecard_release.domain.incident_evidence import WatchedFunction
from namecard_release.domain.triage import Triage, TriageResult
from namecard_release.errors import TransientError
from tests.adapters.test_log_lines import line

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MS = int(AT.timestamp() * 1000)
FUNCTION = WatchedFunction("cards", "CardsServiceFunction1", "fn-cards")


@dataclass
class Service:
    """CloudWatch Logs that gives pages and answers as a test says, and keeps what it was asked."""

    pages: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    @property
    def logs(self) -> Service:
        return self

    def filter_log_events(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        return self.pages.pop(0) if self.pages else {"events": []}

    def start_query(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        return {"queryId": "q"}

    def get_query_results(self, **_: Any) -> dict[str, Any]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def stop_query(self, queryId: str) -> None:
        self.stopped.append(queryId)


def event(ms: int = 0, message: str | None = None) -> dict[str, Any]:
    return {"timestamp": MS + ms, "message": message or line(timestamp=None).decode()}


def read(service: Service, bounds: Bounds | None = None, *, insights: bool = False) -> TriageResult:
    ticks: Iterator[float] = iter(range(1000))
    logs = AwsLogs(
        service,  # type: ignore[arg-type]
        bounds or Bounds(),
        insights=insights,
        clock=lambda: float(next(ticks)),
        sleep=lambda _: None,
    )
    triage = Triage()
    for one in logs.function_events(FUNCTION, AT, AT + timedelta(minutes=5)):
        triage.add(one)
    return triage.result()


def test_every_page_is_read_and_the_window_is_half_open() -> None:
    service = Service(
        [{"events": [event()], "nextToken": "a"}, {"events": [], "nextToken": "b"}, {"events": [event(5)]}]
    )
    told = read(service)
    assert (told.failed, told.unread) == (2, "")
    assert [one.get("nextToken") for one in service.asked] == [None, "a", "b"]
    assert (service.asked[0]["startTime"], service.asked[0]["endTime"]) == (MS, MS + 300_000 - 1)
    assert service.asked[0]["logGroupName"] == "/aws/lambda/fn-cards" and "filterPattern" not in service.asked[0]


def test_a_token_that_repeats_ends_the_reading() -> None:
    assert read(Service([{"events": [event()], "nextToken": "a"}] * 2)).failed == 2


def test_a_full_page_without_a_token_is_read_on_and_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_groups, "_PAGE", 3)
    service = Service([{"events": [event(0), event(7), event(7)]}, {"events": [event(7), event(7), event(9)]}])
    told = read(service)
    assert (told.failed, told.unread) == (4, "")
    assert [one["startTime"] - MS for one in service.asked] == [0, 7, 9]


def test_a_page_full_of_one_moment_cannot_be_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_groups, "_PAGE", 3)
    told = read(Service([{"events": [event()] * 3}] * 5))
    assert told.failed == 3 and "was read up to 12:00:00: 3 events" in told.unread


@pytest.mark.parametrize("bounds", [Bounds(events=2), Bounds(seconds=2.0)])
def test_beyond_the_bound_what_was_not_read_is_said(bounds: Bounds) -> None:
    told = read(Service([{"events": [event(n * 1000)], "nextToken": str(n)} for n in range(9)]), bounds)
    assert told.failed == 2
    assert told.unread == "/aws/lambda/fn-cards was read up to 12:00:01: 2 events are the bound, narrow the window"


def row(message: str, at: str = "2026-03-01 12:00:01.000") -> list[dict[str, str]]:
    return [
        {"field": "@timestamp", "value": at},
        {"field": "@message", "value": message},
        {"field": "@ptr", "value": "x"},
    ]


def test_insights_is_polled_until_it_is_complete() -> None:
    rows = [row(line(timestamp=None).decode()), row("garbage")]
    service = Service(answers=[{"status": "Scheduled"}, {"status": "Running"}, {"status": "Complete", "results": rows}])
    told = read(service, insights=True)
    assert (told.failed, told.lines.malformed, told.unread) == (1, 1, "")
    assert told.groups[0].first == AT + timedelta(seconds=1)
    assert service.asked[0]["queryString"].endswith("| limit 10000")


def test_insights_gives_no_more_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_groups, "_PAGE", 2)
    told = read(Service(answers=[{"status": "Complete", "results": [row("{}")] * 2}]), insights=True)
    assert told.unread.startswith("Logs Insights gives 2 lines of /aws/lambda/fn-cards and no more")


@pytest.mark.parametrize(
    ("status", "told"), [("Failed", "as Failed"), ("Cancelled", "as Cancelled"), ("Timeout", "as Timeout")]
)
def test_insights_may_fail(status: str, told: str) -> None:
    with pytest.raises(TransientError, match=told):
        read(Service(answers=[{"status": status}]), insights=True)


def test_insights_that_takes_too_long_is_stopped() -> None:
    service = Service(answers=[{"status": "Running"}])
    with pytest.raises(TransientError, match="took more than 5 s over"):
        read(service, Bounds(seconds=5), insights=True)
    assert service.stopped == ["q"]
