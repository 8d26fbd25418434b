"""Reserved and provisioned concurrency of functions, read and changed. Bounds are the domain's."""

from __future__ import annotations

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.stack_parts import AwsInventory
from namecard_release.domain.incident_evidence import Concurrency, WatchedFunction
from namecard_release.domain.mitigation_bounds import Reading
from namecard_release.domain.mitigations import NONE, Target


def _limits(clients: AwsClients, target: Target) -> Concurrency:
    return AwsInventory(clients).concurrency(WatchedFunction(target.service, target.logical_id, target.resource))


class ReservedConcurrency:
    """A function's reservation: a number, or `none`. Keeps the port `Lever`."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def read(self, target: Target) -> Reading:
        """Read it with the account's limits."""
        limits = _limits(self._clients, target)
        return Reading(NONE if limits.reserved is None else str(limits.reserved), limits)

    def write(self, target: Target, before: str, after: str) -> None:
        """Reserve so many executions, or give the reservation up."""
        client = self._clients.functions
        with aws_errors_told(f"reserve {after} executions for {target.resource}"):
            if after == NONE:
                client.delete_function_concurrency(FunctionName=target.resource)
            else:
                client.put_function_concurrency(FunctionName=target.resource, ReservedConcurrentExecutions=int(after))


class ProvisionedConcurrency:
    """What is provisioned at a function's alias: the number that was asked for, or `none`. Keeps the port `Lever`.

    Lambda takes minutes to allocate it; what was asked for counts at once.
    """

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def read(self, target: Target) -> Reading:
        """Read it with what is reserved and what is provisioned elsewhere."""
        limits = _limits(self._clients, target)
        now = dict(limits.provisioned).get(target.qualifier)
        return Reading(NONE if now is None else str(now), limits)

    def write(self, target: Target, before: str, after: str) -> None:
        """Provision so many executions, or none."""
        client, at = self._clients.functions, f"{target.resource}:{target.qualifier}"
        with aws_errors_told(f"provision {after} executions at {at}"):
            if after == NONE:
                client.delete_provisioned_concurrency_config(FunctionName=target.resource, Qualifier=target.qualifier)
            else:
                client.put_provisioned_concurrency_config(
                    FunctionName=target.resource,
                    Qualifier=target.qualifier,
                    ProvisionedConcurrentExecutions=int(after),
                )
