"""Lines of a log read into events: JSON by orjson, every line of it, and Lambda's own lines between.

Where the lines come from belongs to `log_files` and `log_groups`; what they amount to, to the domain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from namecard_release.adapters.platform_lines import Known, PlatformReader
from namecard_release.domain.log_events import Access, Failure, Invocation, Lines, LogEvent, Malformed

FAILED, COMPLETED = "lambda.invocation.failed", "lambda.invocation.completed"
_LONGEST, _LONGEST_VALUE, _MOST_IDS, _MOST_MALFORMED = 4000, 400, 20, 5
_GENERIC = frozenset({"", "Error", "error", "Exception"})
_ERROR_LEVELS = frozenset({"error", "fatal", "critical", "ERROR", "FATAL", "CRITICAL"})
# Lines as `aws logs tail` and exports to S3 write them: time, maybe the stream, and the line itself.
_PREFIXED = re.compile(rb"(\d{4}-\d\d-\d\dT\S{8,30}) (?:\S{1,512} )?(\{.*\})\s*", re.DOTALL)
_CLOCK = "%d/%b/%Y:%H:%M:%S %z"


class LineReader:
    """Reads one log's lines in their order; `service` is whose log it is, for lines that do not say so.

    Lines outside of the window from `since` to `until` (exclusive) are counted and passed over. A line without a time
    of its own has that of the line before it.
    """

    def __init__(self, service: str = "", since: datetime | None = None, until: datetime | None = None) -> None:
        self._service = service
        self._since, self._until = since, until
        self._platform = PlatformReader(service)
        self._at: datetime | None = None
        self._told = 0
        self._stamp: tuple[object, datetime | None] = (None, None)
        self._start()

    def _start(self) -> None:
        self._json = self._foreign = self._trace = self._blank = self._malformed = 0
        self._outside = self._undated = self._errors = 0
        self._first: datetime | None = None
        self._last: datetime | None = None

    def read(self, lines: Iterable[bytes], oversize: int = 0) -> Iterator[LogEvent]:
        """Read some lines, in the end their counts; `oversize` counts lines that were too long to be given."""
        # A gigabyte has millions of lines: what nearly all of them need is here, and no more.
        loads, read_record = orjson.loads, self._read_record
        for line in lines:
            try:
                record = loads(line)
            except orjson.JSONDecodeError:
                yield from self._read_other(line, None)
                continue
            if record.__class__ is not dict:
                yield from self._count_malformed(line)
            elif (event := read_record(record, None)) is not None:
                yield event
        yield self._counts(oversize)

    def read_events(self, events: Iterable[tuple[datetime, str]]) -> Iterator[LogEvent]:
        """Read events of a log group, each with its own time and maybe of several lines; in the end their counts."""
        for at, text in events:
            yield from self._read(text.encode("utf-8", "replace"), at)
        yield self._counts(0)

    def _counts(self, oversize: int) -> Lines:
        counts = (self._json, self._foreign, self._trace, self._blank, self._malformed)
        told = Lines(*counts, oversize, self._outside, self._undated, self._errors, self._first, self._last)
        self._start()
        return told

    def _read(self, line: bytes, at: datetime | None) -> Iterator[LogEvent]:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            yield from self._read_other(line, at)
            return
        if record.__class__ is not dict:
            yield from self._count_malformed(line)
            return
        event = self._read_record(record, at)
        if event is not None:
            yield event

    def _read_record(self, record: dict[str, Any], at: datetime | None) -> LogEvent | None:
        self._platform.leave_trace()
        at = self._moment(record, at)
        if at is not None and self._is_outside(at):
            self._outside += 1
            return None
        self._json += 1
        message = record.get("message")
        if message == COMPLETED:
            return _invocation(record, at, self._service)
        if message == FAILED:
            return _failure(record, at, self._service)
        return self._read_rarer(record, at)

    def _read_rarer(self, record: dict[str, Any], at: datetime | None) -> LogEvent | None:
        if "status" in record and ("httpMethod" in record or "routeKey" in record):
            return _access(record, at)
        if "type" in record or "errorType" in record or record.get("message").__class__ is dict:
            event = self._platform.read_record(record, at)
            if not isinstance(event, Known):
                return event
        self._errors += record.get("level") in _ERROR_LEVELS
        return None

    def _moment(self, record: Mapping[str, Any], at: datetime | None) -> datetime | None:
        stamp = record.get("timestamp")
        own = read_time(stamp) if stamp.__class__ is str else self._rarer_time(record)
        if own is None:
            own = at
        if own is None:
            self._undated += 1
            return self._at
        self._at = own
        if self._first is None or own < self._first:
            self._first = own
        if self._last is None or own > self._last:
            self._last = own
        return own

    def _rarer_time(self, record: Mapping[str, Any]) -> datetime | None:
        for name in ("timestamp", "time", "requestTimeEpoch", "requestTime"):
            value = record.get(name)
            if value is None:
                continue
            # A second of an access log has many requests.
            if self._stamp[0] != value:
                self._stamp = (value, read_any_time(value))
            return self._stamp[1]
        return None

    def _is_outside(self, at: datetime) -> bool:
        return (self._since is not None and at < self._since) or (self._until is not None and at >= self._until)

    def _read_other(self, line: bytes, at: datetime | None) -> Iterator[LogEvent]:
        if b"\n" in (inside := line.strip(b"\r\n")):
            for part in inside.split(b"\n"):
                yield from self._read(part, at)
            return
        if not inside.strip():
            self._blank += 1
            return
        if found := _PREFIXED.fullmatch(inside):
            yield from self._read_prefixed(found[1], found[2], inside, at)
            return
        yield from self._read_text(inside, at)

    def _read_prefixed(self, stamp: bytes, text: bytes, line: bytes, at: datetime | None) -> Iterator[LogEvent]:
        moment = read_time(stamp.decode("ascii", "replace"))
        try:
            record = orjson.loads(text)
        except orjson.JSONDecodeError:
            record = None
        if moment is None or not isinstance(record, dict):
            yield from self._read_text(line, at)
            return
        event = self._read_record(record, moment)
        if event is not None:
            yield event

    def _read_text(self, line: bytes, at: datetime | None) -> Iterator[LogEvent]:
        # No line of Lambda's begins as JSON does, and none needs more than its beginning to be known.
        text = "" if line.startswith((b"{", b"[{", b'"')) else line[: 16 * _LONGEST].decode("utf-8", "replace")
        if text and self._platform.is_trace(text):
            self._trace += 1
            return
        moment = at or read_time(text.partition("\t")[0].partition(" ")[0]) or self._at
        event = self._platform.read(text, moment)
        if event is Known.FOREIGN:
            self._platform.leave_trace()
            yield from self._count_malformed(line)
            return
        if moment is not None and self._is_outside(moment):
            self._outside += 1
            return
        self._foreign += 1
        self._undated += at is None and moment is self._at
        if not isinstance(event, Known):
            yield event

    def _count_malformed(self, line: bytes) -> Iterator[LogEvent]:
        self._malformed += 1
        if self._told < _MOST_MALFORMED:
            self._told += 1
            yield Malformed(line[:200].decode("utf-8", "replace"))


def read_time(text: str) -> datetime | None:
    """Read a moment in ISO 8601 as UTC, one without a zone as UTC; None for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is UTC:
        return moment
    return _as_utc(moment)


def _as_utc(moment: datetime) -> datetime | None:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def read_any_time(value: object) -> datetime | None:
    """Read a moment as UTC: ISO 8601, epoch seconds or milliseconds, an access log's `01/Mar/2026:12:00:00 +0000`."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and not value.isdecimal():
        if (moment := read_time(value)) is not None:
            return moment
        try:
            return _as_utc(datetime.strptime(value, _CLOCK))
        except ValueError:
            return None
    try:
        number = float(value) if isinstance(value, (int, float, str)) else -1.0
        return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC) if number > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _invocation(record: Mapping[str, Any], at: datetime | None, service: str) -> Invocation | None:
    data = record.get("data")
    if data.__class__ is not dict:
        return None
    duration = data.get("durationMs")
    if duration.__class__ is not float and duration.__class__ is not int:
        return None
    return Invocation(at, _word(record.get("service")) or service, _word(data.get("path")), duration)


def _failure(record: Mapping[str, Any], at: datetime | None, service: str) -> Failure:
    data, error = _table(record.get("data")), record.get("error")
    told = error if isinstance(error, dict) else {"message": error}
    name, given = _word(told.get("name")), _word(data.get("errorName"))
    duration = data.get("durationMs")
    return Failure(
        at=at,
        service=_word(record.get("service")) or service,
        error=given if name in _GENERIC and given else name,
        message=(_word(told.get("message")) or _word(data.get("errorMessage"))),
        path=_word(data.get("path")),
        request_id=_word(record.get("requestId")),
        invocation_id=_word(record.get("invocationId")),
        correlation=_correlation(_table(record.get("correlationIds"))),
        duration_ms=float(duration) if isinstance(duration, (int, float)) and not isinstance(duration, bool) else None,
    )


def _correlation(ids: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    pairs = [(key[:_LONGEST_VALUE], _word(value)[:_LONGEST_VALUE]) for key, value in ids.items()]
    return tuple(pairs[:_MOST_IDS])


def _access(record: Mapping[str, Any], at: datetime | None) -> Access:
    method, _, path = _word(record.get("routeKey") or record.get("resourcePath") or record.get("path")).rpartition(" ")
    status = _number(record.get("status"))
    latency = _number(record.get("responseLatency"))
    if latency is None:
        latency = _number(record.get("integrationLatency"))
    return Access(at, _word(record.get("httpMethod")) or method, path, int(status or 0), latency)


def _number(value: object) -> float | None:
    # API Gateway writes every value as text, and `-` for one that there is not.
    try:
        number = float(value) if isinstance(value, (int, float, str)) else -1.0
    except ValueError:
        return None
    return number if 0 <= number < 1e12 else None


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else value[:_LONGEST]
    return "" if value is None or isinstance(value, (dict, list)) else str(value)[:_LONGEST]
