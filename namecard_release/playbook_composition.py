"""The levers of an environment built from the settings. No Dagster here; no decision either."""

from __future__ import annotations

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.levers.concurrency import ProvisionedConcurrency, ReservedConcurrency
from namecard_release.adapters.levers.database import ClusterWriter, ProxyConnections
from namecard_release.adapters.levers.flags import FunctionFlags
from namecard_release.mitigation_port import Levers
from namecard_release.settings import Settings


def build_levers(settings: Settings, name: str) -> Levers:
    """Build an environment's levers; they connect when first asked. Raises MisuseError for an unknown environment."""
    environment, aws = settings.environment(name), settings.aws
    clients = AwsClients(environment.region, aws.endpoint_url, aws.env or None)
    values: dict[tuple[str, str], frozenset[str]] = {}
    for flag in settings.playbooks.declared_flags():
        place = (flag.service, flag.variable)
        values[place] = values.get(place, frozenset()) | {flag.on, flag.off}
    return Levers(
        reserved=ReservedConcurrency(clients),
        provisioned=ProvisionedConcurrency(clients),
        proxy=ProxyConnections(clients),
        writer=ClusterWriter(clients),
        flag=FunctionFlags(clients, values),
    )
