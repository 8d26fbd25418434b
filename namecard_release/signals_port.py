"""What the gathering of evidence needs from the outside: logs, metrics, limits and traces of one environment.

Every method raises TransientError when there was no answer and PermanentError for a refusal or an absent thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from namecard_release.domain.incident_evidence import AlarmTarget, Concurrency, ServiceNode, WatchedFunction
    from namecard_release.domain.log_events import LogEvent
    from namecard_release.domain.measures import MetricQuery, Series
    from namecard_release.domain.snapshot import Snapshot, StackParts


class Logs(Protocol):
    """Log groups."""

    def function_events(self, function: WatchedFunction, since: datetime, until: datetime) -> Iterable[LogEvent]:
        """Read a function's log from `since` to `until`, oldest first, bounded: a `Cut` tells that there is more."""
        ...

    def access_events(self, group: str, since: datetime, until: datetime) -> Iterable[LogEvent]:
        """Read an HTTP API's access log, bounded as `function_events` is."""
        ...


class Metrics(Protocol):
    """CloudWatch's metrics and alarms."""

    def target(self, arn: str) -> AlarmTarget:
        """Tell what an alarm watches."""
        ...

    def series(self, queries: Sequence[MetricQuery], since: datetime, until: datetime) -> tuple[Series, ...]:
        """Read metrics, in the order asked; one that CloudWatch did not give says so in `unread`."""
        ...


class Inventory(Protocol):
    """What the stacks are made of, as far as evidence is about it."""

    def parts(self, stacks: Sequence[str], services: Sequence[str]) -> StackParts:
        """List the services' functions, the APIs, queues, clusters and access log groups of the stacks."""
        ...

    def concurrency(self, function: WatchedFunction) -> Concurrency:
        """Read a function's concurrency and the account's limits."""
        ...


class Traces(Protocol):
    """X-Ray."""

    def service_graph(self, since: datetime, until: datetime) -> tuple[ServiceNode, ...]:
        """Read the service graph, the nodes with most faults first."""
        ...


class EvidenceStore(Protocol):
    """Where pictures of the evidence are kept."""

    def put_picture(self, name: str, snapshot: Snapshot) -> str:
        """Draw a snapshot, keep it under a name and give its address; the same name again replaces it."""
        ...


class Signals(Protocol):
    """Everything that evidence about one environment is read from."""

    @property
    def logs(self) -> Logs:
        """Its log groups."""
        ...

    @property
    def metrics(self) -> Metrics:
        """Its metrics."""
        ...

    @property
    def inventory(self) -> Inventory:
        """Its stacks' parts."""
        ...

    @property
    def traces(self) -> Traces:
        """Its traces."""
        ...

    @property
    def store(self) -> EvidenceStore:
        """Where its pictures are kept."""
        ...
