"""Latency after a deploy against the budgets of the release. Reading metrics and files does not belong here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from namecard_release.domain.budgets import Budget, find_budget
from namecard_release.domain.constructs import is_service_function
from namecard_release.domain.gates import Phase, Verdict

# Of fewer requests the p95 is the slowest one, and after a deploy that is a cold start.
FEWEST_REQUESTS = 20
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Latency:
    """How long one function took over a window: p95 in milliseconds over `requests`, None where it was not told.

    `unread` says why not.
    """

    logical_id: str
    p95_ms: float | None
    requests: int
    unread: str = ""


def measured_window(deployed_at: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Give the window to measure, in whole minutes, for Lambda's metrics have no finer ones.

    The minute of the deploy holds requests to the earlier code too: it is left out unless that leaves too little.
    """
    floor = deployed_at.replace(second=0, microsecond=0)
    since = floor + _MINUTE if now - floor >= 3 * _MINUTE else floor
    return since, now.replace(second=0, microsecond=0) + _MINUTE


def judge_latency(
    services: Sequence[str], budgets: Sequence[Budget], names: frozenset[str], read: Sequence[Latency]
) -> tuple[Phase, ...]:
    """Judge each service's p95 against `p95LatencyTargetMs` of the environment with these names, one phase each.

    Without a budget, a metric or enough requests it is UNKNOWN.
    """
    return tuple(_judge(service, find_budget(budgets, service, names), read) for service in services)


def _judge(service: str, budget: Budget | None, read: Sequence[Latency]) -> Phase:
    own = next((latency for latency in read if is_service_function(latency.logical_id, service)), None)
    if budget is None:
        return Phase(service, Verdict.UNKNOWN, "no budget for this environment")
    if own is None or own.unread:
        why = own.unread if own else f"no function {service.capitalize()}ServiceFunction"
        return Phase(service, Verdict.UNKNOWN, f"latency was not read: {why}")
    if own.p95_ms is None or own.requests < FEWEST_REQUESTS:
        return Phase(service, Verdict.UNKNOWN, f"not enough requests: {own.requests} of {FEWEST_REQUESTS}")
    told = f"p95 {own.p95_ms:.0f} ms, target {budget.p95_target_ms:.0f} ms, {own.requests} requests"
    verdict = Verdict.PASSED if own.p95_ms <= budget.p95_target_ms else Verdict.FAILED
    return Phase(service, verdict, told)
