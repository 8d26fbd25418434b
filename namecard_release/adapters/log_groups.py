"""Log groups read by FilterLogEvents or Logs Insights, within bounds. What the lines say belongs to `log_lines`.

JSON is always parsed here: no filter of the server's is relied on but to leave lines out that could not matter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.log_lines import LineReader, read_time
from namecard_release.domain.incident_evidence import WatchedFunction
from namecard_release.domain.log_events import Cut, LogEvent
from namecard_release.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import FilterLogEventsRequestTypeDef, ResultFieldTypeDef

_PAGE = 10_000
_POLL_SECONDS = 0.5
# Insights gives at most 10,000 rows: those that can tell of a failure, whatever the line's format.
_QUERY = (
    r"fields @timestamp, @message | filter @message like /lambda\.invocation\.failed|Task timed out after"
    r"|Runtime exited|errorType|\[ERROR\]|Invoke Error|Status: (?:error|timeout)/"
    r" | sort @timestamp asc | limit 10000"
)


@dataclass(frozen=True)
class Bounds:
    """How much of one log group is read: events, and seconds until no further page is asked for."""

    events: int = 200_000
    seconds: float = 20.0


class AwsLogs:
    """Log groups of one account and region; `insights` reads functions' logs by Logs Insights. Keeps the port `Logs`.

    With Insights there is no time of finished invocations, for its rows are too few.
    """

    def __init__(
        self,
        clients: AwsClients,
        bounds: Bounds,
        *,
        insights: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clients, self._bounds, self._insights = clients, bounds, insights
        self._clock, self._sleep = clock, sleep

    def function_events(self, function: WatchedFunction, since: datetime, until: datetime) -> Iterable[LogEvent]:
        """Read a function's log, oldest first. Raises TransientError or PermanentError, also between two events."""
        reader = LineReader(function.service, since, until)
        if self._insights:
            yield from self._query(reader, function.log_group, since, until)
        else:
            yield from self._filter(reader, function.log_group, since, until)

    def access_events(self, group: str, since: datetime, until: datetime) -> Iterable[LogEvent]:
        """Read an access log, oldest first. Raises as `function_events` does."""
        yield from self._filter(LineReader("", since, until), group, since, until)

    def _filter(self, reader: LineReader, group: str, since: datetime, until: datetime) -> Iterator[LogEvent]:
        asked: FilterLogEventsRequestTypeDef = {
            "logGroupName": group,
            "startTime": _ms(since),
            # Both ends count with CloudWatch; the window's end is not in it.
            "endTime": _ms(until) - 1,
            "limit": _PAGE,
        }
        end, read, seen = self._clock() + self._bounds.seconds, 0, 0
        while True:
            with aws_errors_told(f"read the log group {group}"):
                page = self._clients.logs.filter_log_events(**asked)
            events = page.get("events", [])[seen:]
            yield from reader.read_events((_moment(e.get("timestamp", 0)), e.get("message", "")) for e in events)
            read += len(events)
            seen, token = 0, page.get("nextToken")
            if token and token != asked.get("nextToken"):
                asked["nextToken"] = token
            elif len(page.get("events", [])) < _PAGE or not events:
                return
            else:
                # A full page may stand for more although no token says so: go on from its last moment.
                asked.pop("nextToken", None)
                asked["startTime"] = events[-1].get("timestamp", 0)
                seen = sum(e.get("timestamp") == asked["startTime"] for e in page.get("events", []))
            if seen >= _PAGE or read >= self._bounds.events or self._clock() >= end:
                at = f"{_moment(events[-1].get('timestamp', 0)):%H:%M:%S}" if events else "no event"
                yield Cut(f"{group} was read up to {at}: {read} events are the bound, narrow the window")
                return

    def _query(self, reader: LineReader, group: str, since: datetime, until: datetime) -> Iterator[LogEvent]:
        with aws_errors_told(f"query the log group {group}"):
            started = self._clients.logs.start_query(
                logGroupName=group,
                startTime=int(since.timestamp()),
                endTime=int(until.timestamp()) + 1,
                queryString=_QUERY,
            )
        rows = self._await(started["queryId"], group)
        yield from reader.read_events(_row(row) for row in rows)
        if len(rows) >= _PAGE:
            yield Cut(f"Logs Insights gives {_PAGE} lines of {group} and no more: narrow the window")

    def _await(self, query: str, group: str) -> list[list[ResultFieldTypeDef]]:
        end = self._clock() + self._bounds.seconds
        while True:
            with aws_errors_told(f"read the query's results of {group}"):
                told = self._clients.logs.get_query_results(queryId=query)
            status = told.get("status", "Unknown")
            if status == "Complete":
                return told.get("results", [])
            if status not in ("Scheduled", "Running", "Unknown"):
                raise TransientError(f"Logs Insights ended the query of {group} as {status}; try again in a moment")
            if self._clock() >= end:
                with aws_errors_told(f"stop the query of {group}"):
                    self._clients.logs.stop_query(queryId=query)
                raise TransientError(f"Logs Insights took more than {self._bounds.seconds:.0f} s over {group}")
            self._sleep(_POLL_SECONDS)


def _row(row: list[ResultFieldTypeDef]) -> tuple[datetime, str]:
    fields = {one.get("field", ""): one.get("value", "") for one in row}
    at = read_time(fields.get("@timestamp", ""))
    return at or _moment(0), fields.get("@message", "")


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
