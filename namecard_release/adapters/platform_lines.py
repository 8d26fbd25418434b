"""What Lambda itself writes between a function's own lines, as text and as JSON. Those own lines are in `log_lines`.

Formats: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html, .../python-logging.html and
.../telemetry-schema-reference.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

import orjson

from namecard_release.domain.log_events import Begun, Failure, Report

TIMED_OUT, EXITED = "Sandbox.Timedout", "Runtime.ExitError"
_LONGEST = 4000
_REPORTED = frozenset({TIMED_OUT, EXITED, "Runtime.OutOfMemory"})
_STARTED = re.compile(r"START RequestId: (\S+)")
_PLAIN = re.compile(
    r"(?:END RequestId:|INIT_START |EXTENSION\t|TELEMETRY\t|LOGS\t|XRAY TraceId:"
    r"|\[(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\]\t|\d{4}-\d\d-\d\dT\S+\t\S+\t(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\t)"
)
_REPORT = re.compile(r"REPORT RequestId: (\S+)")
_SIZES = re.compile(r"(Memory Size|Max Memory Used): (\d+) MB")
_STATUS = re.compile(r"Status: (\w+)(?:\s+Error Type: (\S+))?")
_INIT_REPORT = re.compile(r"INIT_REPORT Init Duration: ")
_TASK = re.compile(r"(?:(\d{4}-\d\d-\d\dT\S+) )?([0-9a-fA-F-]{36}) (Task timed out after .*)")
_EXIT = re.compile(r"RequestId: (\S+) (?:Error: )?((?:Task timed out|Runtime exited|Process exited).*)")
_NODE = re.compile(
    r"(\d{4}-\d\d-\d\dT\S+)\t(\S+)\tERROR\t"
    r"(?:Invoke Error|Uncaught Exception|Unhandled Promise Rejection)\s+(\{.*\})\s*"
)
_PYTHON = re.compile(r"\[ERROR\] ([A-Za-z_][\w.]*)(?:: (.*))?")
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r"\s+(?:at .+|File \".+\", line \d+.*)")
_GOES_ON = re.compile(
    r"\s.*|Traceback .*|During handling of .*|The above exception .*"
    r"|[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Timedout|Warning)(?::.*)?"
)


class Known(Enum):
    """What a line is that is no event: one of Lambda's that says nothing of interest, or none of Lambda's."""

    PLAIN = "plain"
    FOREIGN = "foreign"


PlatformEvent = Failure | Begun | Report | Known


class PlatformReader:
    """Reads Lambda's lines of one log in their order, so that the rest of a stack trace is known for what it is."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._in_trace = False

    def leave_trace(self) -> None:
        """Know that a line of another kind came."""
        self._in_trace = False

    def is_trace(self, line: str) -> bool:
        """Tell whether a line goes on with a stack trace."""
        if line.startswith(_TRACEBACK):
            self._in_trace = True
            return True
        self._in_trace = self._in_trace and _GOES_ON.fullmatch(line) is not None
        return self._in_trace or _FRAME.fullmatch(line) is not None

    def read(self, line: str, at: datetime | None) -> PlatformEvent:
        """Read one line of text."""
        if found := _STARTED.match(line):
            return Begun(found[1])
        if found := _REPORT.match(line):
            return self._report(found[1], line, at)
        if failure := self._failure(line, at):
            self._in_trace = True
            return failure
        if _INIT_REPORT.match(line):
            status = _STATUS.search(line)
            return Report("", None, None, False, status[2] or status[1]) if status else Known.PLAIN
        if _PLAIN.match(line):
            # Texts of the function's own may go on in the next line.
            self._in_trace = True
            return Known.PLAIN
        return Known.FOREIGN

    def _failure(self, line: str, at: datetime | None) -> Failure | None:
        if found := _TASK.match(line):
            return self._failed(at, TIMED_OUT, found[3], found[2])
        if found := _EXIT.match(line):
            return self._failed(at, TIMED_OUT if found[2].startswith("Task") else EXITED, found[2], found[1])
        if found := _NODE.fullmatch(line):
            return self._node(found[3], found[2], at)
        if found := _PYTHON.match(line):
            return self._failed(at, found[1], found[2] or "", "")
        return None

    def _report(self, invocation: str, line: str, at: datetime | None) -> Report | Failure:
        status = _STATUS.search(line)
        error = "" if status is None else TIMED_OUT if status[1] == "timeout" else status[2] or ""
        # Other errors have a line of their own, which tells more.
        if error in _REPORTED:
            return self._failed(at, error, f"reported by Lambda: {error}", invocation)
        sizes = dict(_SIZES.findall(line))
        return Report(
            invocation, _whole(sizes.get("Memory Size")), _whole(sizes.get("Max Memory Used")), "Init Duration" in line
        )

    def _node(self, text: str, invocation: str, at: datetime | None) -> Failure:
        try:
            told = orjson.loads(text)
        except orjson.JSONDecodeError:
            told = {}
        return self._failed(at, _text(told.get("errorType")), _text(told.get("errorMessage")), invocation)

    def read_record(self, record: Mapping[str, Any], at: datetime | None) -> PlatformEvent:
        """Read a JSON object."""
        kind, own = record.get("type"), record.get("record")
        if isinstance(kind, str) and kind.startswith("platform.") and isinstance(own, dict):
            return self._platform(kind, own, at)
        told = record.get("message") if isinstance(record.get("message"), dict) else record
        if isinstance(told, dict) and isinstance(told.get("errorType"), str) and "requestId" in record:
            request = _text(record.get("requestId"))
            return self._failed(at, told["errorType"], _text(told.get("errorMessage")), request)
        return Known.FOREIGN

    def _platform(self, kind: str, own: Mapping[str, Any], at: datetime | None) -> PlatformEvent:
        invocation, status = _text(own.get("requestId")), own.get("status")
        if kind == "platform.start":
            return Begun(invocation)
        if kind == "platform.initReport" and status not in (None, "success"):
            return Report("", None, None, False, _text(own.get("errorType")) or str(status))
        if kind != "platform.report":
            return Known.PLAIN
        error = TIMED_OUT if status == "timeout" else _text(own.get("errorType"))
        if status not in (None, "success") and error in _REPORTED:
            return self._failed(at, error, f"reported by Lambda: {error}", invocation)
        metrics = own.get("metrics")
        sizes = metrics if isinstance(metrics, dict) else {}
        memory, used = _whole(sizes.get("memorySizeMB")), _whole(sizes.get("maxMemoryUsedMB"))
        return Report(invocation, memory, used, "initDurationMs" in sizes)

    def _failed(self, at: datetime | None, error: str, message: str, invocation: str) -> Failure:
        text, known = message[:_LONGEST], "" if invocation == "undefined" else invocation
        return Failure(at, self._service, error[:_LONGEST], text, "", "", known, by_platform=True)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    if isinstance(value, (int, float)) and abs(value) < 1e9:
        return int(value)
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else None
