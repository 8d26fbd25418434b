"""A log summed up in bounded memory: failed invocations by error and path, slow paths, impact, likely cause.

Reading and parsing logs belongs to adapters; what an alarm's evidence is made of, to `incident_evidence`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from namecard_release.domain.causes import DEFAULT_RULES, CauseRule, Diagnosis, classify
from namecard_release.domain.durations import Durations
from namecard_release.domain.failure_groups import FailureGroup, GroupTable, Impact, ImpactCounter, judge_cause
from namecard_release.domain.log_events import (
    Access,
    Begun,
    Cut,
    Failure,
    Invocation,
    Lines,
    LogEvent,
    Malformed,
    Report,
)
from namecard_release.domain.paths import template_path

MOST_PATHS = 500
_MOST_CACHED, _MOST_REMEMBERED, _MOST_MALFORMED = 10_000, 20_000, 3
OTHER_PATHS = "(other paths)"


@dataclass(frozen=True)
class PathTimes:
    """How long the finished invocations of one path of one service took; milliseconds, percentiles within 1 %."""

    service: str
    path: str
    count: int
    p50_ms: float
    p95_ms: float
    max_ms: float


@dataclass(frozen=True)
class PlatformFacts:
    """What Lambda itself told: reports, cold starts, failed starts, invocations that used all the memory they had."""

    reports: int = 0
    cold_starts: int = 0
    memory_mb: int | None = None
    most_used_mb: int | None = None
    memory_exhausted: int = 0
    init_errors: int = 0


@dataclass(frozen=True)
class TriageResult:
    """A log between `since` (inclusive) and `until` (exclusive), summed up; None is no bound.

    `groups` are the largest first, at most as many as the limit; `other` counts what was of no kept group. `unread`
    says why the log was not read to its end, empty when it was. Completed invocations are in `paths`, slowest first.
    """

    since: datetime | None
    until: datetime | None
    lines: Lines
    failed: int
    completed: int
    groups: tuple[FailureGroup, ...]
    other: int
    paths: tuple[PathTimes, ...]
    platform: PlatformFacts
    impact: Impact
    cause: Diagnosis
    malformed: tuple[str, ...] = ()
    unread: str = ""

    @property
    def total_lines(self) -> int:
        """How many lines were read, of every kind."""
        of = self.lines
        return of.json + of.platform + of.trace + of.blank + of.malformed + of.oversize + of.outside


@dataclass
class Triage:
    """Takes the events of one or several logs one by one and sums them up; it holds a bounded number of things.

    `clean` takes secrets out of every text that is kept. What is no failed invocation of its own (Lambda's line about
    one that the function logged already) is told apart by the invocation's id.
    """

    since: datetime | None = None
    until: datetime | None = None
    rules: Sequence[CauseRule] = DEFAULT_RULES
    clean: Callable[[str], str] = str
    _lines: Lines = field(default_factory=Lines)
    _groups: GroupTable = field(init=False)
    _impact: ImpactCounter = field(default_factory=ImpactCounter)
    _times: dict[tuple[str, str], Durations] = field(default_factory=dict)
    _failed_ids: dict[str, None] = field(default_factory=dict)
    _unechoed: Counter[tuple[str, str]] = field(default_factory=Counter)
    _templates: dict[str, str] = field(default_factory=dict)
    _platform: PlatformFacts = field(default_factory=PlatformFacts)
    _malformed: list[str] = field(default_factory=list)
    _cuts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with no group."""
        self._groups = GroupTable(self.clean)

    def add(self, event: LogEvent) -> None:
        """Take one event."""
        if isinstance(event, Invocation):
            self._add_invocation(event)
        elif isinstance(event, Failure):
            self._add_failure(event)
        elif isinstance(event, Lines):
            self._lines = add_lines(self._lines, event)
        elif isinstance(event, Begun):
            self._failed_ids.pop(event.invocation_id, None)
        elif isinstance(event, Report):
            self._add_report(event)
        elif isinstance(event, Malformed):
            if len(self._malformed) < _MOST_MALFORMED:
                self._malformed.append(self.clean(event.text))
        elif isinstance(event, Cut):
            self._cuts.append(event.reason)
        elif not isinstance(event, Access):
            raise TypeError(f"no event of a log: {event!r}")

    def result(self) -> TriageResult:
        """Sum up what was taken so far."""
        groups = self._groups.ranked(lambda group: classify(group.service, group.error, group.raw_message, self.rules))
        return TriageResult(
            since=self.since,
            until=self.until,
            lines=self._lines,
            failed=self._groups.count,
            completed=sum(times.count for times in self._times.values()),
            groups=groups,
            other=self._groups.other,
            paths=self._ranked_paths(),
            platform=self._platform,
            impact=self._impact.result(self._groups.count),
            cause=judge_cause(groups, self._groups.count, self._platform.memory_exhausted),
            malformed=tuple(self._malformed),
            unread="; ".join(dict.fromkeys(self._cuts)),
        )

    def _add_invocation(self, event: Invocation) -> None:
        key = (event.service, self._template(event.path))
        times = self._times.get(key)
        if times is None:
            if len(self._times) >= MOST_PATHS:
                key = (event.service, OTHER_PATHS)
            times = self._times.setdefault(key, Durations())
        times.add(event.duration_ms)

    def _add_failure(self, event: Failure) -> None:
        if event.by_platform and self._is_echo(event):
            return
        if event.invocation_id:
            self._remember(event.invocation_id)
        if not event.by_platform and len(self._unechoed) < _MOST_CACHED:
            self._unechoed[event.service, event.error] += 1
        self._groups.add(event, self._template(event.path))
        self._impact.add(event)

    def _is_echo(self, event: Failure) -> bool:
        if event.invocation_id:
            return event.invocation_id in self._failed_ids
        # Python's runtime names no invocation: such a line belongs to one that the function logged under that name.
        key = (event.service, event.error)
        if not self._unechoed[key]:
            return False
        self._unechoed[key] -= 1
        return True

    def _remember(self, invocation_id: str) -> None:
        if len(self._failed_ids) >= _MOST_REMEMBERED:
            self._failed_ids.pop(next(iter(self._failed_ids)))
        self._failed_ids[invocation_id] = None

    def _add_report(self, event: Report) -> None:
        before = self._platform
        if event.init_error:
            self._platform = replace(before, init_errors=before.init_errors + 1)
            return
        full = event.memory_mb is not None and event.used_mb is not None and event.used_mb >= event.memory_mb
        self._platform = PlatformFacts(
            reports=before.reports + 1,
            cold_starts=before.cold_starts + event.cold,
            memory_mb=event.memory_mb if event.memory_mb is not None else before.memory_mb,
            most_used_mb=max((u for u in (event.used_mb, before.most_used_mb) if u is not None), default=None),
            memory_exhausted=before.memory_exhausted + full,
            init_errors=before.init_errors,
        )

    def _template(self, path: str) -> str:
        known = self._templates.get(path)
        if known is None:
            if len(self._templates) >= _MOST_CACHED:
                self._templates.clear()
            known = self._templates[path] = template_path(path)
        return known

    def _ranked_paths(self) -> tuple[PathTimes, ...]:
        told = [
            PathTimes(
                service=service,
                path=self.clean(path),
                count=times.count,
                p50_ms=times.percentile(0.5) or 0.0,
                p95_ms=times.percentile(0.95) or 0.0,
                max_ms=times.longest,
            )
            for (service, path), times in self._times.items()
            if times.count
        ]
        return tuple(sorted(told, key=lambda one: (-one.p95_ms, one.service, one.path)))


def add_lines(one: Lines, other: Lines) -> Lines:
    """Add two counts of lines; `first` and `last` are the outermost of both."""
    firsts = [moment for moment in (one.first, other.first) if moment is not None]
    lasts = [moment for moment in (one.last, other.last) if moment is not None]
    return Lines(
        json=one.json + other.json,
        platform=one.platform + other.platform,
        trace=one.trace + other.trace,
        blank=one.blank + other.blank,
        malformed=one.malformed + other.malformed,
        oversize=one.oversize + other.oversize,
        outside=one.outside + other.outside,
        undated=one.undated + other.undated,
        errors=one.errors + other.errors,
        first=min(firsts, default=None),
        last=max(lasts, default=None),
    )
