"""What a log is read into: failed and finished invocations, and counts of all other lines.

Reading bytes belongs to an adapter, counting and judging to `triage`. Named tuples, because a gigabyte makes millions.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Failure(NamedTuple):
    """One failed invocation, as the function logged it or, with `by_platform`, as Lambda itself did.

    `at` is UTC or None where the line tells no time; `correlation` are pairs of key and value as logged.
    """

    at: datetime | None
    service: str
    error: str
    message: str
    path: str
    request_id: str
    invocation_id: str
    correlation: tuple[tuple[str, str], ...] = ()
    duration_ms: float | None = None
    by_platform: bool = False


class Invocation(NamedTuple):
    """One invocation that the function finished: its path and how long it took in milliseconds."""

    at: datetime | None
    service: str
    path: str
    duration_ms: float


class Access(NamedTuple):
    """One request in an HTTP API's access log; `latency_ms` is None in the standard format, which has no such field."""

    at: datetime | None
    method: str
    path: str
    status: int
    latency_ms: float | None


class Report(NamedTuple):
    """Lambda's own report of one invocation; sizes in MB, None where it told none.

    With `init_error` it is the report of a start that failed, before any invocation.
    """

    invocation_id: str
    memory_mb: int | None
    used_mb: int | None
    cold: bool
    init_error: str = ""


class Begun(NamedTuple):
    """Lambda began (again) with an invocation: what failed under its id before was another attempt."""

    invocation_id: str


class Lines(NamedTuple):
    """How many lines of each kind were read since the last such count; together they are all lines.

    `json` are JSON objects in the window, `platform` Lambda's own lines, `trace` the rest of stack traces,
    `malformed` neither of those, `oversize` longer than the limit, `outside` not in the window. Counted beside these:
    `undated` (no time of their own: they have that of the line before) and `errors` (level error, but no failed
    invocation).
    """

    json: int = 0
    platform: int = 0
    trace: int = 0
    blank: int = 0
    malformed: int = 0
    oversize: int = 0
    outside: int = 0
    undated: int = 0
    errors: int = 0
    first: datetime | None = None
    last: datetime | None = None


class Malformed(NamedTuple):
    """The beginning of a malformed line; only the first few of a log are told, all are counted in `Lines`."""

    text: str


class Cut(NamedTuple):
    """The log was not read to its end, and why."""

    reason: str


LogEvent = Failure | Invocation | Access | Report | Begun | Lines | Malformed | Cut
