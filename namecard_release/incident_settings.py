"""The incidents' section of the settings: owners, severities, times. The defaults are the runbook's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from namecard_release.business_days import business_day_end, check_country
from namecard_release.domain import incident as domain
from namecard_release.domain.incident import Severity
from namecard_release.domain.incident_case import Handling
from namecard_release.domain.incident_clock import ClockPolicy
from namecard_release.domain.incident_watch import ResolvePolicy
from namecard_release.gate_settings import Model, Name
from namecard_release.windows import check_zone

_KINDS = frozenset({"errors", "throttles", "latency", "api_latency", "db_connections", "proxy_connections", "dlq"})
Text = Annotated[str, Field(min_length=1)]
Minutes = Annotated[float, Field(gt=0)]


class Owners(Model):
    """Whom an incident is told (runbook, section 1)."""

    primary: Text = "backend-lambdas@namecard.app"
    schedule: Text = "namecard-backend"
    secondary: Text = "platform-observability@namecard.app"
    channel: Text = "#namecard-ops"
    management: Text = "engineering management"

    def value(self) -> domain.Owners:
        """Give the owners as the domain has them."""
        return domain.Owners(**self.model_dump())


class SeverityRule(Model):
    """A severity for what matches; an empty list is any, `services_at_least` counts the services in ALARM."""

    severity: Severity
    environments: tuple[Name, ...] = ()
    kinds: tuple[Name, ...] = ()
    services_at_least: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _known_kinds(self) -> Self:
        unknown = sorted(set(self.kinds) - _KINDS - {domain.OTHER})
        if unknown:
            raise ValueError(
                f"no such kind of alarm: {', '.join(unknown)}; there are {', '.join(sorted(_KINDS))}, other"
            )
        return self

    def value(self) -> domain.SeverityRule:
        """Give the rule as the domain has it."""
        return domain.SeverityRule(self.severity, self.environments, self.kinds, self.services_at_least)


_RULES = (
    # What all services share, or half of them at once, in production.
    SeverityRule(
        severity=Severity.SEV1, environments=("prod",), kinds=("api_latency", "db_connections", "proxy_connections")
    ),
    SeverityRule(severity=Severity.SEV1, environments=("prod",), services_at_least=3),
    SeverityRule(severity=Severity.SEV2, environments=("prod",), kinds=("errors", "throttles", "other")),
    SeverityRule(severity=Severity.SEV3, environments=("prod", "staging")),
    SeverityRule(severity=Severity.SEV4),
)


class Incidents(Model):
    """How alarms become incidents, and the clock that these go by.

    `severities` are rules of one's own, tried in order before the built-in ones. Severities in `quiet` are told in
    Slack once: they page nobody and need no summary. `queues` names by environment the SQS queue to which its alarms
    are pushed. `people_resolve` are resolved by people alone; others also by themselves, `resolve_after_ok_minutes`
    after their last alarm. Business days are those of `country` on the clock of `timezone`.
    """

    owners: Owners = Owners()
    service_owners: Mapping[Name, Owners] = {}
    severities: tuple[SeverityRule, ...] = ()
    quiet: tuple[Severity, ...] = (Severity.SEV4,)
    queues: Mapping[Name, Text] = {}
    acknowledge_minutes: Minutes = 5
    escalate_minutes: Minutes = 15
    status_minutes: Minutes = 15
    summary_hours: Minutes = 24
    retrospective_days: int = Field(default=3, ge=1, le=30)
    retrospective_severities: tuple[Severity, ...] = (Severity.SEV1, Severity.SEV2)
    resolve_after_ok_minutes: Minutes = 15
    people_resolve: tuple[Severity, ...] = (Severity.SEV1, Severity.SEV2)
    timezone: Annotated[str, AfterValidator(check_zone)] = "Asia/Singapore"
    country: Annotated[str, AfterValidator(check_country)] = "SG"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.escalate_minutes < self.acknowledge_minutes:
            raise ValueError("escalate_minutes must not be shorter than acknowledge_minutes")
        return self

    def named_environments(self) -> frozenset[str]:
        """Give the environments that the file names here."""
        return frozenset({*self.queues, *(name for rule in self.severities for name in rule.environments)})

    def rules(self) -> tuple[domain.SeverityRule, ...]:
        """Give the severities' rules, one's own before the built-in ones."""
        return tuple(rule.value() for rule in (*self.severities, *_RULES))

    def clock(self) -> ClockPolicy:
        """Give the clock's times."""
        return ClockPolicy(
            acknowledge=timedelta(minutes=self.acknowledge_minutes),
            escalate=timedelta(minutes=self.escalate_minutes),
            status=timedelta(minutes=self.status_minutes),
            summary=timedelta(hours=self.summary_hours),
            quiet=frozenset(self.quiet),
            retrospective=frozenset(self.retrospective_severities),
        )

    def handling(self, service: str) -> Handling:
        """Give who owns a service's incidents and by which clock they go."""
        return Handling(self.service_owners.get(service, self.owners).value(), self.clock())

    def resolving(self) -> ResolvePolicy:
        """Give when an incident is resolved by itself."""
        return ResolvePolicy(timedelta(minutes=self.resolve_after_ok_minutes), frozenset(self.people_resolve))

    def retrospective_due(self, resolved_at: datetime) -> datetime:
        """Give by when the retrospective of an incident resolved at a moment is to be held."""
        return business_day_end(resolved_at, self.retrospective_days, self.timezone, self.country)
