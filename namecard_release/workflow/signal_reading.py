"""Logs of functions and of the API read into triage and endpoints, each log for itself: UNKNOWN stops no other.

Which of them an alarm needs is in `gathering`; what they mean is the domain's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from namecard_release.domain.causes import CauseRule
from namecard_release.domain.endpoints import AccessTable, Endpoint
from namecard_release.domain.incident_evidence import Part, WatchedFunction
from namecard_release.domain.log_events import Access, Cut, LogEvent
from namecard_release.domain.snapshot import StackParts
from namecard_release.domain.triage import PathTimes, Triage, TriageResult
from namecard_release.errors import PermanentError, TransientError
from namecard_release.redaction import redact
from namecard_release.signals_port import Signals

T = TypeVar("T")


def read_part(read: Callable[[], T]) -> Part[T]:
    """Read one part of the evidence; what cannot be read is UNKNOWN with its reason."""
    try:
        return Part(read())
    except (TransientError, PermanentError) as error:
        return Part(None, str(error))


def read_logs(
    signals: Signals,
    functions: Sequence[WatchedFunction],
    since: datetime,
    until: datetime,
    rules: Sequence[CauseRule],
) -> Part[TriageResult]:
    """Triage the logs of functions together; UNKNOWN where none could be read, not whole where one could not."""
    triage = Triage(since, until, rules, redact)
    unread = [why for one in functions if (why := _take(triage.add, signals.logs.function_events(one, since, until)))]
    if functions and len(unread) == len(functions):
        return Part(None, "; ".join(unread))
    told = triage.result()
    return Part(replace(told, unread="; ".join(text for text in (told.unread, *unread) if text)))


def read_endpoints(
    signals: Signals,
    parts: StackParts,
    times: Sequence[PathTimes],
    dependencies: Mapping[str, Sequence[str]],
    since: datetime,
    until: datetime,
) -> Part[tuple[Endpoint, ...]]:
    """Rank endpoints by the stacks' access logs and the functions' own `times`; what was not read whole is said too."""
    table, unread = AccessTable(redact), list[str]()

    def add(event: LogEvent) -> None:
        if isinstance(event, Access):
            table.add(event)
        elif isinstance(event, Cut):
            unread.append(event.reason)

    unread += [
        why for name in parts.access_groups if (why := _take(add, signals.logs.access_events(name, since, until)))
    ]
    found = table.endpoints(times, dependencies)
    return Part(found if found or not unread else None, "; ".join(unread))


def _take(add: Callable[[LogEvent], None], events: Iterable[LogEvent]) -> str:
    """Take a log's events in as far as it can be read; gives why no further, empty where all of it was read."""

    def read() -> bool:
        for event in events:
            add(event)
        return True

    return read_part(read).unread
