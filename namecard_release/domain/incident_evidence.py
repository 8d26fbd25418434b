"""What is gathered about an alarm before anybody is awake: parts, each read or with the reason why it was not.

Gathering belongs to the workflow; the clock, the severity and the messages of an incident do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from namecard_release.domain.causes import Diagnosis
from namecard_release.domain.endpoints import Endpoint
from namecard_release.domain.failure_groups import Impact
from namecard_release.domain.measures import Series
from namecard_release.domain.triage import TriageResult

T = TypeVar("T")


@dataclass(frozen=True)
class Part(Generic[T]):
    """One part of the evidence: its value, or None and why it is UNKNOWN; with both it was not read whole."""

    value: T | None = None
    unread: str = ""


@dataclass(frozen=True)
class AlarmTarget:
    """What an alarm watches, as CloudWatch tells it; dimensions are pairs of name and value."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    threshold: float | None
    statistic: str = ""

    def dimension(self, name: str) -> str | None:
        """Give one dimension's value."""
        return dict(self.dimensions).get(name)


@dataclass(frozen=True)
class WatchedFunction:
    """A service's function: its logical id in the stack and its physical name."""

    service: str
    logical_id: str
    name: str

    @property
    def log_group(self) -> str:
        """Where Lambda writes its log."""
        return f"/aws/lambda/{self.name}"


@dataclass(frozen=True)
class Concurrency:
    """How many invocations may run at once: the function's own reservation, what is provisioned, the account's limit.

    None where there is none (a reservation of None shares the account's unreserved part).
    """

    reserved: int | None
    provisioned: tuple[tuple[str, int], ...]
    account_limit: int | None
    account_unreserved: int | None


@dataclass(frozen=True)
class ServiceNode:
    """One node of X-Ray's service graph over the window; milliseconds on average."""

    name: str
    kind: str
    requests: int
    errors: int
    faults: int
    throttles: int
    average_ms: float | None
    calls: tuple[str, ...] = ()


@dataclass(frozen=True)
class IncidentEvidence:
    """Everything gathered about one alarm between `since` and `until` (UTC).

    `functions` are those whose logs are in `triage`: the one that the alarm names, or all for an alarm of all.
    `service` is the service whose function tripped the alarm, or the one that the evidence points to; None unknown.
    `picture` tells where the drawn metrics are kept. `cause` is the likely cause with its reason, UNKNOWN with why.
    """

    environment: str
    alarm: str
    kind: str | None
    since: datetime
    until: datetime
    gathered_at: datetime
    promotion_id: str | None
    release: str | None
    deployed_at: datetime | None
    service: str | None
    target: Part[AlarmTarget]
    functions: Part[tuple[WatchedFunction, ...]]
    triage: Part[TriageResult]
    endpoints: Part[tuple[Endpoint, ...]]
    measures: Part[tuple[Series, ...]]
    picture: Part[str]
    concurrency: Part[Concurrency]
    service_graph: Part[tuple[ServiceNode, ...]]
    impact: Part[Impact]
    cause: Diagnosis
    findings: tuple[str, ...] = ()

    @property
    def unknown(self) -> tuple[tuple[str, str], ...]:
        """Name the parts that could not be read, each with its reason."""
        parts = (
            ("alarm target", self.target.unread),
            ("functions", self.functions.unread),
            ("log triage", self.triage.unread),
            ("endpoints", self.endpoints.unread),
            ("metrics", self.measures.unread),
            ("picture", self.picture.unread),
            ("concurrency", self.concurrency.unread),
            ("service graph", self.service_graph.unread),
            ("impact", self.impact.unread),
        )
        return tuple((name, why) for name, why in parts if why)
