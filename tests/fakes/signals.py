"""A plain fake of everything that evidence is read from: a test sets what is there and what cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from namecard_release.domain.incident_evidence import AlarmTarget, Concurrency, ServiceNode, WatchedFunction
from namecard_release.domain.log_events import LogEvent
from namecard_release.domain.measures import MetricQuery, Series
from namecard_release.domain.snapshot import Snapshot, StackParts
from namecard_release.errors import PermanentError, TransientError
from namecard_release.settings import SERVICES
from namecard_release.workflow.pipeline import Pipeline


def function_of(service: str) -> WatchedFunction:
    """Make a service's function."""
    return WatchedFunction(service, f"{service.capitalize()}ServiceFunction1", f"fn-{service}")


PARTS = StackParts(
    functions=tuple(function_of(service) for service in SERVICES),
    apis=("api1",),
    queues=("namecard-staging-lambda-dlq",),
    clusters=("namecard-staging-aurora",),
    access_groups=("/namecard/staging/http-access",),
)


@dataclass
class FakeSignals:
    """All ports of `Signals` in one; `logs_of` holds events by service, `values` the points' values by metric."""

    parts_read: StackParts = PARTS
    target_read: AlarmTarget = field(default_factory=lambda: AlarmTarget("AWS/Lambda", "Errors", (), 1.0))
    logs_of: Mapping[str, Sequence[LogEvent]] = field(default_factory=dict)
    access: Sequence[LogEvent] = ()
    values: Mapping[tuple[str, str], tuple[tuple[datetime, float], ...]] = field(default_factory=dict)
    limits: Concurrency = field(default_factory=lambda: Concurrency(5, (("prod-live", 2),), 1000, 900))
    unreachable: set[str] = field(default_factory=set)
    drawn: dict[str, Snapshot] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    @property
    def logs(self) -> FakeSignals:
        """Itself."""
        return self

    metrics = inventory = traces = store = logs

    def function_events(self, function: WatchedFunction, since: datetime, until: datetime) -> Iterable[LogEvent]:
        """Give the events that a test set, or fail to."""
        self._reach(f"logs of {function.service}")
        self.read.append(function.service)
        yield from self.logs_of.get(function.service, ())

    def access_events(self, group: str, since: datetime, until: datetime) -> Iterable[LogEvent]:
        """Give the access log that a test set, or fail to."""
        self._reach("access")
        yield from self.access

    def target(self, arn: str) -> AlarmTarget:
        """Give the target that a test set, or fail to."""
        self._reach("target")
        return self.target_read

    def series(self, queries: Sequence[MetricQuery], since: datetime, until: datetime) -> tuple[Series, ...]:
        """Give each metric's points."""
        self._reach("series")
        return tuple(Series(q.measure, q.of, self.values.get((q.measure, q.of), ())) for q in queries)

    def parts(self, stacks: Sequence[str], services: Sequence[str]) -> StackParts:
        """Give the stacks' parts."""
        self._reach("parts")
        own = tuple(one for one in self.parts_read.functions if one.service in services)
        return replace(self.parts_read, functions=own)

    def concurrency(self, function: WatchedFunction) -> Concurrency:
        """Give the limits."""
        self._reach("concurrency")
        return self.limits

    def service_graph(self, since: datetime, until: datetime) -> tuple[ServiceNode, ...]:
        """Have no X-Ray."""
        raise PermanentError("X-Ray is not available here")

    def put_picture(self, name: str, snapshot: Snapshot) -> str:
        """Keep what would be drawn."""
        self._reach("store")
        self.drawn[name] = snapshot
        return f"evidence/{name}"

    def _reach(self, what: str) -> None:
        if what in self.unreachable:
            raise TransientError(f"{what} did not answer")


def with_signals(pipeline: Pipeline, signals: FakeSignals) -> Pipeline:
    """Give a pipeline whose sites read these signals."""
    return replace(pipeline, site=lambda name: replace(pipeline.site(name), signals=signals))
