"""From what was read about an alarm to its likely cause: one pure function for each kind (runbook 5.1 to 5.4).

What to do about a cause belongs to the playbooks. A fact that was not read is said, and nothing is made of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from namecard_release.domain.causes import Cause, Diagnosis
from namecard_release.domain.endpoints import Endpoint
from namecard_release.domain.incident_evidence import AlarmTarget, Concurrency, Part
from namecard_release.domain.measures import Measure, Series
from namecard_release.domain.triage import TriageResult

_FEWEST_SHARE = 0.1


@dataclass(frozen=True)
class Facts:
    """What was read about one alarm; `service` is the one that the alarm names, None for an alarm of all."""

    service: str | None
    target: Part[AlarmTarget]
    triage: Part[TriageResult]
    endpoints: Part[tuple[Endpoint, ...]]
    measures: Part[tuple[Series, ...]]
    concurrency: Part[Concurrency]
    dependencies: Mapping[str, Sequence[str]]

    @property
    def threshold(self) -> float | None:
        """The alarm's threshold, None where it was not read."""
        return None if self.target.value is None else self.target.value.threshold


@dataclass(frozen=True)
class Finding:
    """The likely cause, the service that it points to (None unknown), and further facts, one sentence each."""

    cause: Diagnosis
    service: str | None
    facts: tuple[str, ...] = ()


def diagnose(kind: str | None, facts: Facts) -> Finding:
    """Name the likely cause of an alarm of one kind; a kind that the contract does not list is judged by its logs."""
    return _KINDS.get(kind or "", diagnose_errors)(facts)


def diagnose_errors(facts: Facts) -> Finding:
    """Runbook 5.1: the failed invocations say it, validation error or dependency outage or what else."""
    told = facts.triage.value
    if told is None:
        return Finding(_unread("logs", facts.triage.unread), facts.service)
    cause = told.cause
    if not told.failed:
        cause = Diagnosis(Cause.UNKNOWN, f"{cause.reason}{_not_all(told)}")
    return Finding(cause, facts.service or _most_failing(told), _tell_failures(told))


def diagnose_throttles(facts: Facts) -> Finding:
    """Runbook section 4: throttled against which limit."""
    throttled = _series(facts, Measure.THROTTLES, facts.service)
    count = "an unread number of" if throttled is None else f"{throttled.total:.0f}"
    limit = _tell_limit(facts.concurrency)
    reason = f"{facts.service or 'a function'} had {count} invocations throttled; {limit}"
    return Finding(Diagnosis(Cause.THROTTLING, reason), facts.service, _failures_of(facts))


def diagnose_latency(facts: Facts) -> Finding:
    """A slow function: what fails slowly first, then the slowest path and what it depends on."""
    told = facts.triage.value
    if told is None:
        return Finding(_unread("logs", facts.triage.unread), facts.service)
    explained = told.cause.cause is not Cause.UNKNOWN
    if explained and told.failed >= _FEWEST_SHARE * (told.failed + told.completed):
        return Finding(told.cause, facts.service, _tell_paths(told))
    slowest = next(iter(told.paths), None)
    if slowest is None:
        reason = f"no finished invocation was found in the logs{_not_all(told)}"
        return Finding(Diagnosis(Cause.UNKNOWN, reason), facts.service, _tell_failures(told))
    where = f"p95 of {slowest.path} of {slowest.service} is {slowest.p95_ms:.0f} ms over {slowest.count} invocations"
    if facts.threshold is not None and slowest.p95_ms < facts.threshold:
        reason = f"no path reaches the alarm's {facts.threshold:.0f} ms: {where}, the slowest{_not_all(told)}"
        return Finding(Diagnosis(Cause.UNKNOWN, reason), facts.service, _tell_paths(told))
    depends = _tell_dependencies(facts.dependencies.get(slowest.service, ()))
    return Finding(Diagnosis(Cause.SLOW, f"{where}; {depends}"), facts.service or slowest.service, _tell_paths(told))


def diagnose_api_latency(facts: Facts) -> Finding:
    """Runbook 5.4: the slowest endpoint and its dependency."""
    endpoints = facts.endpoints.value
    if endpoints is None:
        return Finding(_unread("endpoints", facts.endpoints.unread), facts.service)
    timed = [one for one in endpoints if one.p95_ms is not None]
    if not timed:
        reason = "neither the access log nor the functions' logs tell how long a request took"
        return Finding(Diagnosis(Cause.UNKNOWN, reason), None)
    slowest = timed[0]
    facts_told = tuple(_tell_endpoint(one) for one in timed[:5])
    service = slowest.service or None
    told = facts.triage.value
    if told is not None and told.failed and _fails_slowly(told, slowest.service):
        return Finding(told.cause, service, facts_told)
    where = f"{slowest.route} has p95 {slowest.p95_ms:.0f} ms over {slowest.count} requests"
    depends = _tell_dependencies(slowest.dependencies)
    if facts.threshold is not None and (slowest.p95_ms or 0) < facts.threshold:
        reason = f"no endpoint reaches the alarm's {facts.threshold:.0f} ms by the logs: {where}, the slowest"
        return Finding(Diagnosis(Cause.UNKNOWN, reason), service, facts_told)
    return Finding(Diagnosis(Cause.SLOW, f"{where}; {depends}"), service, facts_told)


def diagnose_connections(facts: Facts) -> Finding:
    """Runbook 5.3: how many connections, and which services could get none."""
    read = [
        one
        for one in facts.measures.value or ()
        if one.measure in (Measure.DB_CONNECTIONS, Measure.PROXY_CONNECTIONS) and one.most is not None
    ]
    wanting = _wanting(facts.triage.value)
    offender = wanting.most_common(1)[0][0] if wanting else None
    peak = _tell_connections(facts, read)
    without = ", ".join(f"{service} {count}" for service, count in wanting.most_common())
    failing = (
        f"; could not connect: {without}" if wanting else f"; no service logged a failed connection{_unseen(facts)}"
    )
    return Finding(Diagnosis(Cause.DATABASE_CONNECTIONS, f"{peak}{failing}"), offender, _failures_of(facts))


def diagnose_dead_letters(facts: Facts) -> Finding:
    """Runbook 5.2: how deep the queue is, and whose invocations failed; the letters themselves say the rest."""
    depth = next((one for one in facts.measures.value or () if one.measure is Measure.DLQ_DEPTH), None)
    deep = "the queue's depth was not read" if depth is None or depth.latest is None else f"{depth.latest:.0f} letters"
    told = facts.triage.value
    if told is None:
        return Finding(_unread("logs", f"{facts.triage.unread}; {deep}"), facts.service)
    if not told.failed:
        reason = f"{deep}; no failed invocation was found in the logs{_not_all(told)}: sample the queue"
        return Finding(Diagnosis(Cause.UNKNOWN, reason), None)
    return Finding(
        Diagnosis(told.cause.cause, f"{deep}; {told.cause.reason}"), _most_failing(told), _tell_failures(told)
    )


_KINDS: Mapping[str, Callable[[Facts], Finding]] = {
    "errors": diagnose_errors,
    "throttles": diagnose_throttles,
    "latency": diagnose_latency,
    "api_latency": diagnose_api_latency,
    "db_connections": diagnose_connections,
    "proxy_connections": diagnose_connections,
    "dlq": diagnose_dead_letters,
}


def _unread(what: str, why: str) -> Diagnosis:
    return Diagnosis(Cause.UNKNOWN, f"{what} were not read: {why or 'not asked for'}")


def _not_all(told: TriageResult) -> str:
    return f" (not read to the end: {told.unread})" if told.unread else ""


def _unseen(facts: Facts) -> str:
    told = facts.triage.value
    return f" (logs were not read: {facts.triage.unread})" if told is None else _not_all(told)


def _series(facts: Facts, measure: Measure, of: str | None) -> Series | None:
    read = (one for one in facts.measures.value or () if one.measure is measure and not one.unread)
    return next((one for one in read if of is None or one.of == of), None)


def _most_failing(told: TriageResult) -> str | None:
    counts: Counter[str] = Counter()
    for group in told.groups:
        counts[group.service] += group.count
    return counts.most_common(1)[0][0] or None if counts else None


def _tell_connections(facts: Facts, read: Sequence[Series]) -> str:
    """Tell what the alarm watches first, with its threshold; the other one is told beside it."""
    watched = () if facts.target.value is None else tuple(dict(facts.target.value.dimensions).values())
    own = [one for one in read if not watched or one.of in watched]
    told = [f"{one.measure} of {one.of} reached {one.most:.0f}, last {one.latest:.0f}" for one in own]
    what = f"connections{f' of {watched[0]}' if watched else ''}"
    told = told or [f"{what} were not read: {facts.measures.unread or 'CloudWatch has none'}"]
    limit = [] if facts.threshold is None else [f"the alarm's threshold is {facts.threshold:.0f}"]
    beside = [f"{one.measure} of {one.of} reached {one.most:.0f}" for one in read if one not in own]
    return "; ".join((", ".join((*told, *limit)), *beside))


def _wanting(told: TriageResult | None) -> Counter[str]:
    counts: Counter[str] = Counter()
    for group in () if told is None else told.groups:
        if group.cause is Cause.DATABASE_CONNECTIONS:
            counts[group.service] += group.count
    return counts


def _fails_slowly(told: TriageResult, service: str) -> bool:
    slow = sum(g.count for g in told.groups if g.service == service and g.cause in (Cause.TIME_OUT, Cause.DEPENDENCY))
    return 2 * slow > told.failed


def _failures_of(facts: Facts) -> tuple[str, ...]:
    return () if facts.triage.value is None else _tell_failures(facts.triage.value)


def _tell_failures(told: TriageResult) -> tuple[str, ...]:
    return tuple(
        f"{group.count} x {group.error} of {group.service or 'an unnamed service'} at {group.path or 'no path'}: "
        f"{group.cause}, {group.why}"
        for group in told.groups[:5]
    )


def _tell_paths(told: TriageResult) -> tuple[str, ...]:
    return tuple(
        f"{one.path} of {one.service}: p95 {one.p95_ms:.0f} ms, p50 {one.p50_ms:.0f} ms, {one.count} invocations"
        for one in told.paths[:5]
    )


def _tell_endpoint(one: Endpoint) -> str:
    failed = "" if one.failed is None else f", {one.failed} failed"
    return f"{one.route}: p95 {one.p95_ms:.0f} ms, p50 {one.p50_ms:.0f} ms, {one.count} requests{failed}"


def _tell_dependencies(names: Sequence[str]) -> str:
    return f"it depends on {', '.join(names)}" if names else "the settings name no dependency of it"


def _tell_limit(part: Part[Concurrency]) -> str:
    limits = part.value
    if limits is None:
        return f"its concurrency was not read: {part.unread or 'not asked for'}"
    if limits.reserved is not None:
        return f"its reserved concurrency is {limits.reserved}"
    free = "an unread number" if limits.account_unreserved is None else str(limits.account_unreserved)
    return f"it has no reserved concurrency and shares {free} of the account's"
