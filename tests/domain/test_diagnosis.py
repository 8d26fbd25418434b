"""From facts to the likely cause, for each kind of alarm, and what is said when a fact was not read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from namecard_release.domain.causes import Cause
from namecard_release.domain.diagnosis import Facts, diagnose
from namecard_release.domain.endpoints import Endpoint
from namecard_release.domain.incident_evidence import AlarmTarget, Concurrency, Part
from namecard_release.domain.log_events import Cut, Failure, Invocation
from namecard_release.domain.measures import Measure, Series
from namecard_release.domain.triage import Triage, TriageResult

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KINDS = ("errors", "throttles", "latency", "api_latency", "db_connections", "proxy_connections", "dlq")


def logs(*events: object) -> TriageResult:
    triage = Triage()
    for event in events:
        triage.add(event)
    return triage.result()


def failed(service: str = "cards", error: str = "TypeError") -> Failure:
    return Failure(AT, service, error, "m", f"/v1/{service}", "r", "i")


def slow(ms: float, service: str = "cards") -> Invocation:
    return Invocation(AT, service, f"/v1/{service}", ms)


def endpoint(route: str, p95: float | None) -> Endpoint:
    return Endpoint(route, "ocr", 9, 0, p95, p95, p95, "access log", ("Textract", "RDS"))


def series(measure: Measure, *values: float, of: str = "namecard") -> Series:
    return Series(measure, of, tuple((AT, value) for value in values))


NOTHING = Facts(
    service="cards",
    target=Part(AlarmTarget("AWS/Lambda", "Errors", (), 1000.0)),
    triage=Part(logs()),
    endpoints=Part(()),
    measures=Part(()),
    concurrency=Part(Concurrency(5, (), 1000, 900)),
    dependencies={"cards": ("RDS",), "ocr": ("Textract",)},
)


@pytest.mark.parametrize(
    ("kind", "own", "cause", "service", "reason"),
    [
        ("errors", {"triage": Part(logs(failed()))}, Cause.CODE_DEFECT, "cards", "TypeError of cards at /v1/cards"),
        ("errors", {}, Cause.UNKNOWN, "cards", "no failed invocation was found"),
        ("errors", {"triage": Part(logs(Cut("too many")))}, Cause.UNKNOWN, "cards", "not read to the end: too many"),
        (None, {"triage": Part(logs(failed("auth"))), "service": None}, Cause.CODE_DEFECT, "auth", "TypeError"),
        (
            "throttles",
            {"measures": Part((series(Measure.THROTTLES, 3, 4, of="cards"),))},
            *(Cause.THROTTLING, "cards", "cards had 7 invocations throttled; its reserved concurrency is 5"),
        ),
        (
            "throttles",
            {"concurrency": Part(Concurrency(None, (), 1000, 900))},
            *(Cause.THROTTLING, "cards", "an unread number of invocations throttled; it has no reserved concurrency"),
        ),
        (
            "latency",
            {"triage": Part(logs(slow(9000.0), slow(20.0, "auth")))},
            *(Cause.SLOW, "cards", "p95 of /v1/cards of cards is 9000 ms over 1 invocations; it depends on RDS"),
        ),
        (
            "latency",
            {"triage": Part(logs(*[failed(error="Sandbox.Timedout")] * 3, slow(900.0)))},
            *(Cause.TIME_OUT, "cards", "point to time_out"),
        ),
        ("latency", {"triage": Part(logs(slow(900.0)))}, Cause.UNKNOWN, "cards", "no path reaches the alarm's 1000 ms"),
        ("latency", {}, Cause.UNKNOWN, "cards", "no finished invocation"),
        (
            "api_latency",
            {"endpoints": Part((endpoint("ANY /v1/ocr", 2500.0), endpoint("ANY /v1/x", None))), "service": None},
            *(Cause.SLOW, "ocr", "ANY /v1/ocr has p95 2500 ms over 9 requests; it depends on Textract, RDS"),
        ),
        (
            "api_latency",
            {"endpoints": Part((endpoint("ANY /v1/ocr", 2500.0),)), "triage": Part(logs(failed("ocr", "AxiosError")))},
            *(Cause.DEPENDENCY, "ocr", "AxiosError of ocr"),
        ),
        (
            "api_latency",
            {"endpoints": Part((endpoint("ANY /v1/ocr", 700.0),))},
            *(Cause.UNKNOWN, "ocr", "no endpoint reaches the alarm's 1000 ms by the logs"),
        ),
        ("api_latency", {}, Cause.UNKNOWN, None, "neither the access log nor the functions' logs"),
        (
            "db_connections",
            {
                "measures": Part((series(Measure.DB_CONNECTIONS, 100, 1200, 900),)),
                "triage": Part(logs(*[failed("search", "DbConnectionError")] * 2, failed("auth", "DbConnectionError"))),
                "service": None,
            },
            *(Cause.DATABASE_CONNECTIONS, "search", "reached 1200, last 900, the alarm's threshold is 1000; could not"),
        ),
        (
            "proxy_connections",
            {"measures": Part((series(Measure.PROXY_CONNECTIONS, 900),)), "service": None},
            *(Cause.DATABASE_CONNECTIONS, None, "Proxy connections of namecard reached 900"),
        ),
        (
            "dlq",
            {"measures": Part((series(Measure.DLQ_DEPTH, 1, 7),)), "triage": Part(logs(failed("ocr", "AxiosError")))},
            *(Cause.DEPENDENCY, "ocr", "7 letters; 1 of 1 failed invocation points to dependency_outage"),
        ),
        (
            "dlq",
            {"measures": Part((series(Measure.DLQ_DEPTH, 7),))},
            *(Cause.UNKNOWN, None, "7 letters; no failed invocation was found in the logs: sample the queue"),
        ),
    ],
)
def test_the_cause_and_its_reason(
    kind: str | None, own: dict[str, object], cause: Cause, service: str | None, reason: str
) -> None:
    found = diagnose(kind, replace(NOTHING, **own))
    assert (found.cause.cause, found.service) == (cause, service) and reason in found.cause.reason


@pytest.mark.parametrize(
    ("kind", "watched", "reason"),
    [
        (
            "db_connections",
            ("DBClusterIdentifier", "aurora"),
            "Database connections of aurora reached 72, last 72, the alarm's threshold is 60; "
            "Proxy connections of proxy reached 55; no service",
        ),
        (
            "proxy_connections",
            ("ProxyName", "proxy"),
            "Proxy connections of proxy reached 55, last 55, the alarm's threshold is 60; "
            "Database connections of aurora reached 72; no service",
        ),
        (
            "proxy_connections",
            ("ProxyName", "other"),
            "connections of other were not read: CloudWatch has none, the alarm's threshold is 60; "
            "Database connections of aurora reached 72; Proxy connections of proxy reached 55; no service",
        ),
    ],
)
def test_the_threshold_stands_beside_what_the_alarm_watches(kind: str, watched: tuple[str, str], reason: str) -> None:
    both = (series(Measure.DB_CONNECTIONS, 72, of="aurora"), series(Measure.PROXY_CONNECTIONS, 55, of="proxy"))
    target = Part(AlarmTarget("AWS/RDS", "DatabaseConnections", (watched,), 60.0))
    found = diagnose(kind, replace(NOTHING, target=target, measures=Part(both), service=None))
    assert found.cause.reason.startswith(reason)


@pytest.mark.parametrize("kind", KINDS)
def test_with_nothing_read_the_reason_says_so(kind: str) -> None:
    nothing: Part[object] = Part(None, "CloudWatch did not answer")
    unread = dict.fromkeys(("target", "triage", "endpoints", "measures", "concurrency"), nothing)
    found = diagnose(kind, replace(NOTHING, **unread))
    assert "not read" in found.cause.reason and "CloudWatch did not answer" in found.cause.reason
    if kind not in ("throttles", "db_connections", "proxy_connections"):
        assert found.cause.cause is Cause.UNKNOWN
