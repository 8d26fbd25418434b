"""Slow endpoints ranked, timed by the access log where it can, by the functions' logs where it cannot."""

from __future__ import annotations

import pytest

from namecard_release.domain.endpoints import MOST_ENDPOINTS, OTHER_ENDPOINTS, AccessTable, Endpoint
from namecard_release.domain.log_events import Access
from namecard_release.domain.triage import PathTimes

DEPENDENCIES = {"cards": ("RDS",), "ocr": ("Textract", "RDS")}
CARDS = PathTimes("cards", "/v1/cards", 30, 40.0, 90.0, 120.0)
CARD = PathTimes("cards", "/v1/cards/{id}", 10, 400.0, 800.0, 950.0)
OCR = PathTimes("ocr", "/v1/ocr", 5, 1000.0, 3000.0, 3100.0)


def rank(entries: list[Access], times: tuple[PathTimes, ...] = ()) -> tuple[Endpoint, ...]:
    table = AccessTable()
    for entry in entries:
        table.add(entry)
    return table.endpoints(times, DEPENDENCIES)


def access(path: str, latency: float | None = None, status: int = 200) -> Access:
    return Access(None, "ANY", path, status, latency)


def test_the_access_logs_own_latency_ranks() -> None:
    slow = [access("/v1/ocr", 2000.0), access("/v1/ocr", 2100.0, 503)]
    first, last = rank([*(access("/v1/cards", 10.0) for _ in range(9)), *slow])
    assert (first.route, first.service, first.count, first.failed) == ("ANY /v1/ocr", "ocr", 2, 1)
    assert first.p95_ms == pytest.approx(2100, rel=0.01) and first.dependencies == ("Textract", "RDS")
    assert (last.route, last.timed_by, last.count) == ("ANY /v1/cards", "access log", 9)


def test_the_standard_format_takes_the_functions_times() -> None:
    entries = [access("/v1/cards"), access("/v1/cards/{proxy+}"), access("/v1/search")]
    told = rank(entries, (CARDS, CARD, OCR))
    assert [(one.route, one.p95_ms, one.timed_by, one.count, one.failed) for one in told] == [
        # No entry of the access log is about it.
        ("/v1/ocr", 3000.0, "function log", 5, None),
        ("ANY /v1/cards/{proxy+}", 800.0, "function log", 1, 0),
        ("ANY /v1/cards", 90.0, "function log", 1, 0),
        ("ANY /v1/search", None, "", 1, 0),
    ]


def word(n: int) -> str:
    return "".join(chr(ord("a") + n // 26**place % 26) for place in range(3))


def test_routes_are_bounded() -> None:
    told = rank([access(f"/v1/{word(n)}", 1.0) for n in range(MOST_ENDPOINTS + 9)])
    assert len(told) == MOST_ENDPOINTS + 1
    assert sum(one.count for one in told if one.route == OTHER_ENDPOINTS) == 9
