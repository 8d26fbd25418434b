"""X-Ray's service graph. What it means does not belong here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.domain.incident_evidence import ServiceNode
from namecard_release.errors import PermanentError, ReleaseError

if TYPE_CHECKING:
    from mypy_boto3_xray.type_defs import ServiceTypeDef

# X-Ray answers for at most six hours: https://docs.aws.amazon.com/xray/latest/api/API_GetServiceGraph.html
_LONGEST = timedelta(hours=6)


class AwsTraces:
    """X-Ray of one account and region. Keeps the port `Traces`."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def service_graph(self, since: datetime, until: datetime) -> tuple[ServiceNode, ...]:
        """Read the service graph of the window, of its last six hours where it is longer; most faults first.

        Raises PermanentError where X-Ray is not there or has no trace of the window.
        """
        try:
            with aws_errors_told("read X-Ray's service graph"):
                pages = self._clients.xray.get_paginator("get_service_graph").paginate(
                    StartTime=max(since, until - _LONGEST), EndTime=until
                )
                services = [service for page in pages for service in page.get("Services", [])]
        except ReleaseError as error:
            raise PermanentError(f"X-Ray is not available: {error}") from error
        if not services:
            raise PermanentError("X-Ray has no trace of this window; the functions may not be traced")
        names = {service.get("ReferenceId", -1): service.get("Name", "") for service in services}
        nodes = [_node(service, names) for service in services]
        return tuple(sorted(nodes, key=lambda one: (-one.faults, -one.errors, one.name)))


def _node(service: ServiceTypeDef, names: dict[int, str]) -> ServiceNode:
    told = service.get("SummaryStatistics", {})
    requests, seconds = told.get("TotalCount", 0), told.get("TotalResponseTime")
    errors = told.get("ErrorStatistics", {})
    average = seconds * 1000 / requests if requests and seconds is not None else None
    called: Sequence[str] = [names.get(edge.get("ReferenceId", -1), "") for edge in service.get("Edges", [])]
    return ServiceNode(
        name=service.get("Name", ""),
        kind=service.get("Type", ""),
        requests=requests,
        errors=errors.get("TotalCount", 0),
        faults=told.get("FaultStatistics", {}).get("TotalCount", 0),
        throttles=errors.get("ThrottleCount", 0),
        average_ms=None if average is None else round(average, 1),
        calls=tuple(name for name in called if name),
    )
