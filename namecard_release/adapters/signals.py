"""The port `Signals`: logs, metrics, stacks, traces and the evidence store of one environment, put together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.evidence_store import FolderEvidence, S3Evidence, open_evidence
from namecard_release.adapters.log_groups import AwsLogs, Bounds
from namecard_release.adapters.metric_series import AwsMetrics
from namecard_release.adapters.stack_parts import AwsInventory
from namecard_release.adapters.traces import AwsTraces


class AwsSignals:
    """Everything that evidence is read from in one account and region; `env` as for AwsClients."""

    def __init__(
        self,
        region: str,
        endpoint_url: str | None,
        env: Mapping[str, str] | None,
        evidence: str,
        bounds: Bounds,
        *,
        insights: bool = False,
    ) -> None:
        self._clients = AwsClients(region, endpoint_url, env)
        self._evidence, self._bounds, self._insights = evidence, bounds, insights

    @cached_property
    def logs(self) -> AwsLogs:
        """Its log groups."""
        return AwsLogs(self._clients, self._bounds, insights=self._insights)

    @cached_property
    def metrics(self) -> AwsMetrics:
        """Its metrics."""
        return AwsMetrics(self._clients)

    @cached_property
    def inventory(self) -> AwsInventory:
        """Its stacks' parts."""
        return AwsInventory(self._clients)

    @cached_property
    def traces(self) -> AwsTraces:
        """Its traces."""
        return AwsTraces(self._clients)

    @cached_property
    def store(self) -> FolderEvidence | S3Evidence:
        """Where its pictures are kept."""
        return open_evidence(self._evidence, self._clients)
