"""Lines read into events: the contract's JSON, Lambda's own lines, and everything else that a log may hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from namecard_release.adapters.log_lines import LineReader, read_any_time, read_time
from namecard_release.domain.log_events import Access, Begun, Failure, Invocation, Lines, Malformed, Report

AT = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
STAMP = "2026-03-01T12:00:00.123Z"
ID = "8f14e45f-ceea-4672-9d54-1a2b3c4d5e6f"
IDS = {"x-correlation-id": "c1", "aws-request-id": ID}


def line(message: str = "lambda.invocation.failed", **own: Any) -> bytes:
    record = {
        "level": "error",
        "message": message,
        "timestamp": STAMP,
        "service": "cards",
        "requestId": "r1",
        "invocationId": ID,
        "coldStart": False,
        "correlationIds": IDS,
        "data": {"path": "/staging/v1/cards", "durationMs": 12.5},
        "error": {"name": "TypeError", "message": "x is undefined", "stack": "TypeError\n    at f"},
    }
    return json.dumps({**record, **own}).encode()


def read(*lines: bytes, **own: Any) -> tuple[list[Any], Lines]:
    *events, counts = LineReader("own", **own).read(lines)
    assert isinstance(counts, Lines)
    return events, counts


def test_a_failed_invocation_as_the_contract_has_it() -> None:
    events, counts = read(line())
    ids = (("x-correlation-id", "c1"), ("aws-request-id", ID))
    path = "/staging/v1/cards"
    assert events == [Failure(AT, "cards", "TypeError", "x is undefined", path, "r1", ID, ids, 12.5, False)]
    assert counts == Lines(json=1, first=AT, last=AT)


@pytest.mark.parametrize(
    ("error", "data", "name"),
    [
        ({"name": "DbConnectionError"}, {}, "DbConnectionError"),
        (None, {"errorName": "DbConnectionError"}, "DbConnectionError"),
        ({"name": "Error"}, {"errorName": "DbConnectionError"}, "DbConnectionError"),
        ({"name": "TypeError"}, {"errorName": "DbConnectionError"}, "TypeError"),
        ({"name": 7}, {}, "7"),
        ("it broke", {}, ""),
        ([1], [2], ""),
    ],
)
def test_the_error_is_named_in_either_place(error: Any, data: Any, name: str) -> None:
    (event,), counts = read(line(error=error, data=data))
    assert event.error == name and counts.malformed == 0


def test_odd_types_break_nothing() -> None:
    odd = line(
        service=None, requestId=3, invocationId=[1], correlationIds="x", timestamp={"a": 1}, data=None, error=None
    )
    (event,), counts = read(odd)
    assert (event.service, event.request_id, event.invocation_id, event.correlation) == ("own", "3", "", ())
    assert event.at is None and counts.undated == 1
    assert read(line("lambda.invocation.completed", data={"durationMs": True}))[0] == []
    assert read(line("lambda.invocation.completed", data=None))[0] == []


def test_long_texts_are_cut() -> None:
    (event,), _ = read(
        line(error={"name": "E" * 9000, "message": "m" * 2_000_000}, correlationIds={"k" * 999: "v" * 999})
    )
    assert (len(event.error), len(event.message), len(event.correlation[0][1])) == (4000, 4000, 400)


def test_finished_invocations_and_errors_that_are_no_failures() -> None:
    events, counts = read(
        line("lambda.invocation.completed"), line("cards.retry"), line("lambda.invocation.started", level="info")
    )
    assert events == [Invocation(AT, "cards", "/staging/v1/cards", 12.5)]
    assert (counts.json, counts.errors) == (3, 1)


@pytest.mark.parametrize(
    "garbage",
    [
        line()[:-1],
        line()[:40],
        b"\xef\xbb\xbf" + line(),
        line().replace(b"cards", b"c\xffrds"),
        b"[1, 2]",
        b'"text"',
        b"7",
        b"null",
        b"NaN",
        b"something else",
        b"\x00\x01\x02",
        b"[{" + line(),
        b"[" * 5000,
        line()[1:],
        b"Task timed out",
        line() + line(),
        b'{"a":NaN}',
    ],
)
def test_garbage_is_counted_and_is_nothing_else(garbage: bytes) -> None:
    events, counts = read(garbage, line())
    assert [type(event) for event in events] == [Malformed, Failure]
    assert counts == Lines(json=1, malformed=1, first=AT, last=AT)


def test_of_much_garbage_a_little_is_shown() -> None:
    events, counts = read(*[b"x" * 999] * 50)
    assert counts.malformed == 50 and events == [Malformed("x" * 200)] * 5


def test_blank_lines_and_windows_line_ends() -> None:
    events, counts = read(b"", b"  \r", line() + b"\r", b"\t")
    assert len(events) == 1 and counts == Lines(json=1, blank=3, first=AT, last=AT)


NODE = f'{STAMP}\t{ID}\tERROR\tInvoke Error \t{{"errorType":"TypeError","errorMessage":"x","stack":["TypeError: x"]}}'
REPORT = f"REPORT RequestId: {ID}\tDuration: 3.2 ms\tBilled Duration: 4 ms\tMemory Size: 256 MB\tMax Memory Used: 91 MB"


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (f"START RequestId: {ID} Version: $LATEST", Begun(ID)),
        (f"END RequestId: {ID}", None),
        (f"{REPORT}\t", Report(ID, 256, 91, False)),
        (f"{REPORT}\tInit Duration: 200.10 ms\t", Report(ID, 256, 91, True)),
        (f"{REPORT}\tStatus: timeout", ("Sandbox.Timedout", ID)),
        (f"{REPORT}\tStatus: error\tError Type: Runtime.OutOfMemory", ("Runtime.OutOfMemory", ID)),
        (f"{REPORT}\tStatus: error\tError Type: Runtime.ImportModuleError", Report(ID, 256, 91, False)),
        (f"{STAMP} {ID} Task timed out after 10.01 seconds", ("Sandbox.Timedout", ID)),
        (f"RequestId: {ID} Error: Task timed out after 3.00 seconds", ("Sandbox.Timedout", ID)),
        (f"RequestId: {ID} Error: Runtime exited with error: signal: killed", ("Runtime.ExitError", ID)),
        (f"RequestId: {ID} Process exited before completing request", ("Runtime.ExitError", ID)),
        (NODE, ("TypeError", ID)),
        (NODE.replace(ID, "undefined"), ("TypeError", "")),
        ("[ERROR] Runtime.ImportModuleError: Unable to import module 'index'", ("Runtime.ImportModuleError", "")),
        ("[ERROR] KeyError", ("KeyError", "")),
        (f"[ERROR]\t{STAMP}\t{ID}\ta logged error", None),
        (f"{STAMP}\t{ID}\tINFO\tsomething printed", None),
        ("INIT_START Runtime Version: nodejs:20.v1\tRuntime Version ARN: arn:aws:lambda", None),
        (
            "INIT_REPORT Init Duration: 3000.12 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError",
            Report("", None, None, False, "Runtime.ExitError"),
        ),
        (
            "INIT_REPORT Init Duration: 9999.99 ms\tPhase: init\tStatus: timeout",
            Report("", None, None, False, "timeout"),
        ),
        ("EXTENSION\tName: insights\tState: Ready\tEvents: [INVOKE]", None),
    ],
)
def test_lambdas_own_lines(text: str, event: Any) -> None:
    events, counts = read(text.encode())
    assert (counts.platform, counts.malformed) == (1, 0)
    if isinstance(event, tuple) and not hasattr(event, "_fields"):
        (failure,) = events
        assert (failure.error, failure.invocation_id, failure.service, failure.by_platform) == (*event, "own", True)
        assert failure.at in (None, AT)
    else:
        assert events == ([] if event is None else [event])


@pytest.mark.parametrize(
    ("record", "event"),
    [
        ({"type": "platform.start", "record": {"requestId": ID}}, Begun(ID)),
        (
            {
                "type": "platform.report",
                "record": {
                    "requestId": ID,
                    "status": "success",
                    "metrics": {"memorySizeMB": 256, "maxMemoryUsedMB": 99, "initDurationMs": 3.1},
                },
            },
            Report(ID, 256, 99, True),
        ),
        ({"type": "platform.report", "record": {"requestId": ID, "status": "timeout"}}, ("Sandbox.Timedout", ID)),
        (
            {"type": "platform.initReport", "record": {"status": "error", "errorType": "Runtime.ExitError"}},
            Report("", None, None, False, "Runtime.ExitError"),
        ),
        ({"type": "platform.runtimeDone", "record": {"requestId": ID}}, None),
        ({"level": "ERROR", "requestId": ID, "errorType": "KeyError", "errorMessage": "'x'"}, ("KeyError", ID)),
        ({"level": "ERROR", "requestId": ID, "message": {"errorType": "RangeError"}}, ("RangeError", ID)),
        ({"type": "card", "message": "of the service's own"}, None),
    ],
)
def test_lambdas_json(record: dict[str, Any], event: Any) -> None:
    events, counts = read(json.dumps({"time": STAMP, **record}).encode())
    assert counts.json == 1 and counts.first == AT
    if isinstance(event, tuple) and not hasattr(event, "_fields"):
        assert [(one.error, one.invocation_id, one.by_platform) for one in events] == [(*event, True)]
    else:
        assert events == ([] if event is None else [event])


TRACEBACK = b"""[ERROR] ValueError: bad
Traceback (most recent call last):
  File "/var/task/index.py", line 3, in handler
    raise ValueError("bad")
KeyError: 'x'

During handling of the above exception, another exception occurred:

ValueError: bad"""
JS = b"TypeError: x\n    at f (/var/task/index.js:1:2)\n    at async g (node:internal:3:4)"


def test_a_stack_trace_over_many_lines_is_one_failure_and_no_garbage() -> None:
    events, counts = read(*TRACEBACK.split(b"\n"), line())
    assert [event.error for event in events] == ["ValueError", "TypeError"]
    assert (counts.platform, counts.malformed, counts.json) == (1, 0, 1)
    assert counts.trace + counts.blank == 8


def test_a_stack_trace_in_one_event_of_a_log_group_too() -> None:
    *events, counts = LineReader("own").read_events([(AT, TRACEBACK.decode()), (AT, line().decode())])
    assert [(event.error, event.at) for event in events] == [("ValueError", AT), ("TypeError", AT)]
    assert counts.malformed == 0


def test_garbage_after_a_stack_trace_is_garbage() -> None:
    _, counts = read(*TRACEBACK.split(b"\n"), b"what is this", b"  and this")
    assert counts.malformed == 2
    assert read(*JS.split(b"\n"))[1] == Lines(malformed=1, trace=2)


@pytest.mark.parametrize(
    "prefix",
    [f"{STAMP} ", f"{STAMP} 2026/03/01/[$LATEST]8f14e45fceea46729d541a2b3c4d5e6f ", "2026-03-01T12:00:00.123 "],
)
def test_lines_of_an_export_carry_their_time_before_the_json(prefix: str) -> None:
    (event,), counts = read(prefix.encode() + line(timestamp=None))
    assert (event.error, event.at, counts.undated, counts.json) == ("TypeError", AT, 0, 1)


def test_the_window_is_from_since_to_before_until() -> None:
    stamps = [
        "2026-03-01T11:59:59.999Z",
        "2026-03-01T12:00:00.000Z",
        "2026-03-01T12:04:59.999Z",
        "2026-03-01T12:05:00Z",
    ]
    since = AT.replace(microsecond=0)
    events, counts = read(*(line(timestamp=s) for s in stamps), since=since, until=since + timedelta(minutes=5))
    assert len(events) == 2 and (counts.outside, counts.json) == (2, 2)
    assert counts.first == datetime(2026, 3, 1, 11, 59, 59, 999000, tzinfo=UTC)


def test_a_line_without_a_time_has_that_of_the_line_before() -> None:
    exit_line = f"RequestId: {ID} Error: Runtime exited with error: exit status 1".encode()
    events, counts = read(exit_line, line(), exit_line, line(timestamp=None))
    assert [event.at for event in events] == [None, AT, AT, AT] and counts.undated == 3
    outside, counts = read(line(), exit_line, until=AT)
    assert outside == [] and counts.outside == 2


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (STAMP, AT),
        ("2026-03-01T20:00:00.123+08:00", AT),
        ("2026-03-01T12:00:00.123", AT),
        ("0001-01-01T00:00:00+23:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_read_as_utc(text: str, moment: datetime | None) -> None:
    read_as = read_time(text)
    assert read_as == moment and (read_as is None or read_as.tzinfo is UTC)


@pytest.mark.parametrize(
    "value",
    [
        1772366400,
        1772366400000,
        "1772366400000",
        "01/Mar/2026:12:00:00 +0000",
        "01/Mar/2026:20:00:00 +0800",
        1772366400.0,
    ],
)
def test_clocks_of_other_kinds(value: object) -> None:
    assert read_any_time(value) == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("value", [True, -5, "-", [], 1e300, float("nan"), "99/Foo/2026:12:00:00 +0000", "9" * 400])
def test_what_is_no_time(value: object) -> None:
    assert read_any_time(value) is None


STANDARD = {
    **{"httpMethod": "GET", "ip": "192.0.2.1", "protocol": "HTTP/1.1", "requestTime": "01/Mar/2026:12:00:00 +0000"},
    **{"resourcePath": "ANY /v1/cards/{proxy+}", "responseLength": "12", "status": "200", "user": "-", "caller": "-"},
}


@pytest.mark.parametrize(
    ("own", "latency"),
    [
        ({}, None),
        ({"responseLatency": "153"}, 153.0),
        ({"integrationLatency": 20}, 20.0),
        ({"responseLatency": "153", "integrationLatency": "20"}, 153.0),
        ({"responseLatency": "-", "integrationLatency": "20"}, 20.0),
        ({"responseLatency": "nan"}, None),
    ],
)
def test_access_logs_with_and_without_a_latency(own: dict[str, Any], latency: float | None) -> None:
    (event,), counts = read(json.dumps({**STANDARD, **own}).encode())
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert event == Access(noon, "GET", "/v1/cards/{proxy+}", 200, latency)
    assert (counts.json, counts.undated, counts.first) == (1, 0, noon)


def test_an_access_log_by_route_key_and_without_a_status() -> None:
    (event,), _ = read(json.dumps({"routeKey": "POST /v1/ocr", "status": "-"}).encode())
    assert event == Access(None, "POST", "/v1/ocr", 0, None)


def test_a_time_zone_of_its_own_is_utc_after_reading() -> None:
    moment = datetime(2026, 3, 1, 20, tzinfo=timezone(timedelta(hours=8)))
    assert read_time(moment.isoformat()) == datetime(2026, 3, 1, 12, tzinfo=UTC)
