"""Gather what is to be known about an alarm: logs, endpoints, metrics and their picture, limits, traces.

Each part is read for itself: one that cannot be read is UNKNOWN with its reason and takes nothing else with it. What
the parts mean is the domain's; when evidence is gathered and what an incident does with it does not belong here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from namecard_release.domain.alarms import AlarmReading, alarm_kind
from namecard_release.domain.causes import Cause, Diagnosis
from namecard_release.domain.diagnosis import Facts, diagnose
from namecard_release.domain.endpoints import Endpoint
from namecard_release.domain.failure_groups import Impact
from namecard_release.domain.incident_evidence import (
    AlarmTarget,
    Concurrency,
    IncidentEvidence,
    Part,
    WatchedFunction,
)
from namecard_release.domain.measures import Series
from namecard_release.domain.promotion import Promotion
from namecard_release.domain.snapshot import Mark, Snapshot, StackParts, dashboard_queries
from namecard_release.domain.triage import TriageResult
from namecard_release.signals_port import Signals
from namecard_release.workflow.pipeline import Pipeline, Site
from namecard_release.workflow.signal_reading import read_endpoints, read_logs, read_part

# Alarms of one function; every other kind is about all of them.
_OF_A_FUNCTION = frozenset({"errors", "throttles", "latency"})


def gather_evidence(
    pipeline: Pipeline,
    environment: str,
    alarm: AlarmReading,
    since: datetime,
    until: datetime,
    promotion: Promotion | None,
    *,
    draw: bool = True,
) -> IncidentEvidence:
    """Gather the evidence about one alarm from `since` to `until`; `promotion` is what may have caused it, if any.

    Without `draw` no picture is made, and nothing is written anywhere.

    Never raises for what cannot be read. Raises MisuseError for an environment that the settings do not declare.
    """
    site = pipeline.site(environment)
    kind = alarm_kind(alarm.name)
    if site.signals is None:
        why = f"nothing is configured to read the signals of {environment}"
        return _empty(pipeline, environment, alarm, kind, since, until, promotion, why)
    gathering = _Gathering(pipeline, site, site.signals, alarm, kind, since, until, promotion, draw)
    return gathering.gather()


@dataclass(frozen=True)
class _Gathering:
    """One alarm's evidence while it is read."""

    pipeline: Pipeline
    site: Site
    signals: Signals
    alarm: AlarmReading
    kind: str | None
    since: datetime
    until: datetime
    promotion: Promotion | None
    draw: bool

    def gather(self) -> IncidentEvidence:
        dependencies = self.pipeline.settings.triage.dependencies_of()
        target = read_part(lambda: self.signals.metrics.target(self.alarm.arn))
        parts = read_part(self._parts)
        own = self._own_function(target.value, parts.value)
        functions = self._functions(parts, own)
        triage = self._triage(functions)
        endpoints = self._endpoints(parts, triage, dependencies)
        measures = self._measures(parts)
        concurrency = self._concurrency(own, parts)
        service = None if own is None else own.service
        facts = Facts(service, target, triage, endpoints, measures, concurrency, dependencies)
        found = diagnose(self.kind, facts)
        return replace(
            _empty(self.pipeline, self.site.name, self.alarm, self.kind, self.since, self.until, self.promotion),
            service=found.service,
            target=target,
            functions=functions,
            triage=triage,
            endpoints=endpoints,
            measures=measures,
            picture=self._picture(measures),
            concurrency=concurrency,
            service_graph=read_part(lambda: self.signals.traces.service_graph(self.since, self.until)),
            impact=_impact(triage),
            cause=found.cause,
            findings=found.facts,
        )

    def _parts(self) -> StackParts:
        settings = self.site.settings
        read = self.signals.inventory.parts(settings.stack_names, self.pipeline.settings.platform.services)
        # The proxy may be made outside the stacks; its name is the platform contract's.
        return read if read.proxies else replace(read, proxies=(f"namecard-{settings.key}-proxy",))

    def _own_function(self, target: AlarmTarget | None, parts: StackParts | None) -> WatchedFunction | None:
        """Find the function that the alarm is about: by its dimension, else by the service in its logical id."""
        name = None if target is None else target.dimension("FunctionName")
        for one in () if parts is None else parts.functions:
            if name == one.name:
                return one
        if self.kind not in _OF_A_FUNCTION or parts is None:
            return None
        return next((one for one in parts.functions if _names(self.alarm.name, one.service)), None)

    def _functions(self, parts: Part[StackParts], own: WatchedFunction | None) -> Part[tuple[WatchedFunction, ...]]:
        if parts.value is None:
            return Part(None, parts.unread)
        if own is not None:
            return Part((own,))
        if self.kind in _OF_A_FUNCTION:
            return Part(None, f"no function of the stacks is the one of {self.alarm.name}")
        if not parts.value.functions:
            return Part(None, f"the stacks {', '.join(self.site.settings.stack_names)} have no service function")
        return Part(parts.value.functions)

    def _triage(self, functions: Part[tuple[WatchedFunction, ...]]) -> Part[TriageResult]:
        if functions.value is None:
            return Part(None, functions.unread)
        rules = self.pipeline.settings.triage.cause_rules()
        return read_logs(self.signals, functions.value, self.since, self.until, rules)

    def _endpoints(
        self,
        parts: Part[StackParts],
        triage: Part[TriageResult],
        dependencies: Mapping[str, Sequence[str]],
    ) -> Part[tuple[Endpoint, ...]]:
        if self.kind not in ("api_latency", "latency"):
            return Part(None, "")
        if parts.value is None:
            return Part(None, parts.unread)
        times = () if triage.value is None else triage.value.paths
        return read_endpoints(self.signals, parts.value, times, dependencies, self.since, self.until)

    def _measures(self, parts: Part[StackParts]) -> Part[tuple[Series, ...]]:
        if parts.value is None:
            return Part(None, parts.unread)
        queries = dashboard_queries(parts.value)
        return read_part(lambda: self.signals.metrics.series(queries, self.since, self.until))

    def _picture(self, measures: Part[tuple[Series, ...]]) -> Part[str]:
        if not self.draw:
            return Part(None, "")
        if measures.value is None:
            return Part(None, measures.unread)
        snapshot = Snapshot(
            title=f"{self.site.name}: {self.alarm.name}",
            since=self.since,
            until=self.until,
            series=measures.value,
            marks=self._marks(),
        )
        name = f"{self.site.name}/{self.alarm.since:%Y%m%dT%H%M%SZ}-{self.alarm.name}.png"
        return read_part(lambda: self.signals.store.put_picture(name, snapshot))

    def _marks(self) -> tuple[Mark, ...]:
        alarm = Mark(self.alarm.since, "alarm")
        deployed = None if self.promotion is None else self.promotion.deployed_at
        return (alarm,) if deployed is None else (Mark(deployed, "deploy"), alarm)

    def _concurrency(self, own: WatchedFunction | None, parts: Part[StackParts]) -> Part[Concurrency]:
        if self.kind != "throttles":
            return Part(None, "")
        if own is None:
            return Part(None, parts.unread or f"no function of the stacks is the one of {self.alarm.name}")
        return read_part(lambda: self.signals.inventory.concurrency(own))


def _impact(triage: Part[TriageResult]) -> Part[Impact]:
    told = triage.value
    if told is None:
        return Part(None, triage.unread)
    return Part(replace(told.impact, at_least=told.impact.at_least or bool(told.unread)))


def _names(alarm: str, service: str) -> bool:
    word = service.capitalize()
    return alarm.startswith((f"{word}Service", f"{word}Errors", f"{word}Throttles", f"{word}Latency"))


def _empty(
    pipeline: Pipeline,
    environment: str,
    alarm: AlarmReading,
    kind: str | None,
    since: datetime,
    until: datetime,
    promotion: Promotion | None,
    why: str = "",
) -> IncidentEvidence:
    return IncidentEvidence(
        environment=environment,
        alarm=alarm.name,
        kind=kind,
        since=since,
        until=until,
        gathered_at=pipeline.clock.now(),
        promotion_id=None if promotion is None else promotion.id,
        release=None if promotion is None else promotion.release,
        deployed_at=None if promotion is None else promotion.deployed_at,
        service=None,
        target=Part(None, why),
        functions=Part(None, why),
        triage=Part(None, why),
        endpoints=Part(None, why),
        measures=Part(None, why),
        picture=Part(None, why),
        concurrency=Part(None, why),
        service_graph=Part(None, why),
        impact=Part(None, why),
        cause=Diagnosis(Cause.UNKNOWN, why),
    )
