"""Which metrics make the picture of an incident, and what is marked in it. Reading and drawing belong to adapters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from namecard_release.domain.incident_evidence import WatchedFunction
from namecard_release.domain.measures import Measure, MetricQuery, Series


@dataclass(frozen=True)
class StackParts:
    """What an environment's stacks hold: functions by service, and physical names of what is shared."""

    functions: tuple[WatchedFunction, ...] = ()
    apis: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    access_groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A moment in the picture: a deploy, an alarm."""

    at: datetime
    label: str


@dataclass(frozen=True)
class Snapshot:
    """What is drawn: every series, or that it was not read, over one window, with its marks."""

    title: str
    since: datetime
    until: datetime
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()


def dashboard_queries(parts: StackParts) -> tuple[MetricQuery, ...]:
    """List the metrics that the runbook's dashboard shows, and throttles, for what the stacks hold."""
    of_functions = [
        MetricQuery(measure, one.service, "AWS/Lambda", metric, (("FunctionName", one.name),), statistic)
        for measure, metric, statistic in (
            (Measure.ERRORS, "Errors", "Sum"),
            (Measure.LATENCY, "Duration", "p95"),
            (Measure.THROTTLES, "Throttles", "Sum"),
        )
        for one in parts.functions
    ]
    shared = (
        (Measure.API_LATENCY, "AWS/ApiGateway", "Latency", "ApiId", parts.apis, "p95"),
        (Measure.DLQ_DEPTH, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", parts.queues, "Maximum"),
        (Measure.DB_CONNECTIONS, "AWS/RDS", "DatabaseConnections", "DBClusterIdentifier", parts.clusters, "Maximum"),
        (Measure.PROXY_CONNECTIONS, "AWS/RDS", "DatabaseConnections", "ProxyName", parts.proxies, "Maximum"),
    )
    return (
        *of_functions,
        *(
            MetricQuery(measure, name, namespace, metric, ((dimension, name),), statistic)
            for measure, namespace, metric, dimension, names, statistic in shared
            for name in names
        ),
    )
