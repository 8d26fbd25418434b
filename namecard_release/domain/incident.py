"""An incident: what is wrong, since when, who took it, what it waits for. What its clock sends does not belong here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from namecard_release.domain.alarms import alarm_kind

# The service of an alarm that watches what all services share.
PLATFORM = "platform"
# The kind of an alarm that the contract does not list; its service is then the alarm's own name.
OTHER = "other"
_SERVICE = re.compile(r"([A-Z][a-z]+?)(Service)?(Errors|Throttles|Latency)Alarm")
_TOUCHES_ALL = frozenset({"api_latency", "db_connections", "proxy_connections"})


class Severity(StrEnum):
    """How bad it is, the worst first."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"

    def is_worse_than(self, other: Severity) -> bool:
        """Tell whether this one is worse than another."""
        return self.value < other.value


class Item(StrEnum):
    """What the runbook's section 7 asks for after an incident."""

    ROOT_CAUSE = "root_cause"
    RUNBOOK = "runbook"
    IMPACT = "impact"
    RETROSPECTIVE = "retrospective"


@dataclass(frozen=True)
class Fingerprint:
    """What makes two alarms one incident: the environment, the kind of alarm and the service (or `PLATFORM`)."""

    environment: str
    kind: str
    service: str

    def __str__(self) -> str:
        return f"{self.kind} of {self.service} in {self.environment}"


@dataclass(frozen=True)
class Breach:
    """One stay of an alarm in ALARM, which one incident took up; `ended_at` is when it was OK again (cloud's time)."""

    incident: str
    arn: str
    name: str
    since: datetime
    ended_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Done:
    """One item of the checklist, done: when, by whom, in which words."""

    item: Item
    at: datetime
    actor: str
    note: str = ""


@dataclass(frozen=True)
class Incident:
    """One incident; times are UTC.

    `clock_from` is since when somebody should acknowledge it: its opening, or the moment at which it became bad enough.
    `promotion` is what caused it, None for no promotion; `cause` says why either way. `version` grows at every change.
    It is open until `resolved_at`, and finished at `closed_at`, when its checklist is done.
    """

    id: str
    fingerprint: Fingerprint
    severity: Severity
    title: str
    opened_at: datetime
    clock_from: datetime
    promotion: str | None
    cause: str
    version: int = 0
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_through: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution: str | None = None
    root_cause: str | None = None
    data_at_risk: str | None = None
    retrospective_due: datetime | None = None
    done: tuple[Done, ...] = ()
    closed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody and nothing resolved it yet."""
        return self.resolved_at is None

    def has_done(self, item: Item) -> bool:
        """Tell whether an item of the checklist is done."""
        return any(one.item is item for one in self.done)


@dataclass(frozen=True)
class TimelineEntry:
    """One line of an incident's story: what (`opened`, `joined`, `noted` ...), by whom, in which words."""

    at: datetime
    what: str
    actor: str
    text: str


@dataclass(frozen=True)
class SeverityRule:
    """A severity for what matches: environments and kinds (empty: any), and at least so many services in ALARM."""

    severity: Severity
    environments: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    services_at_least: int = 1

    def matches(self, fingerprint: Fingerprint, services: int) -> bool:
        """Tell whether the rule is about this."""
        return (
            (not self.environments or fingerprint.environment in self.environments)
            and (not self.kinds or fingerprint.kind in self.kinds)
            and services >= self.services_at_least
        )


@dataclass(frozen=True)
class Owners:
    """Whom an incident is told: mail addresses, the PagerDuty schedule, the Slack channel (runbook, section 1)."""

    primary: str
    schedule: str
    secondary: str
    channel: str
    management: str


def fingerprint_of(environment: str, alarm: str) -> Fingerprint:
    """Give the fingerprint of an alarm by its logical id."""
    kind = alarm_kind(alarm)
    if kind is None:
        return Fingerprint(environment, OTHER, alarm)
    match = _SERVICE.match(alarm) if kind in ("errors", "throttles", "latency") else None
    return Fingerprint(environment, kind, match[1].lower() if match else PLATFORM)


def count_services(alarms: Sequence[str], services: Sequence[str]) -> int:
    """Count the services that alarms in ALARM are about: the blast radius; one of what all share is about all."""
    touched = [fingerprint_of("", name) for name in alarms]
    if any(one.kind in _TOUCHES_ALL for one in touched):
        return max(1, len(services))
    return max(1, len({one.service for one in touched if one.service != PLATFORM}))


def rate(fingerprint: Fingerprint, services: int, rules: Sequence[SeverityRule]) -> Severity:
    """Give the severity of the first rule that matches; without one it is the worst, for nobody said otherwise."""
    return next((rule.severity for rule in rules if rule.matches(fingerprint, services)), Severity.SEV1)


def checklist(severity: Severity, with_retrospective: frozenset[Severity]) -> tuple[Item, ...]:
    """List what has to be done after an incident; a retrospective after the worst ones alone."""
    last = (Item.RETROSPECTIVE,) if severity in with_retrospective else ()
    return (Item.ROOT_CAUSE, Item.RUNBOOK, Item.IMPACT, *last)


def missing_items(incident: Incident, with_retrospective: frozenset[Severity]) -> tuple[Item, ...]:
    """List the items of the checklist that are not done."""
    return tuple(item for item in checklist(incident.severity, with_retrospective) if not incident.has_done(item))


@dataclass(frozen=True)
class Evidence:
    """What was gathered for an incident: a headline, facts by name, and counts that the impact is told from.

    `failed_requests` and `customers` are None while they are unknown; `details` is what JSON can hold.
    """

    at: datetime
    headline: str
    failed_requests: int | None = None
    customers: int | None = None
    details: Mapping[str, object] = field(default_factory=dict)
