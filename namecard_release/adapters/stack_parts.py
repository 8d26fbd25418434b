"""What stacks hold that evidence is about, and functions' concurrency. Deciding what to read does not belong here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told, tells_absence
from namecard_release.domain.incident_evidence import Concurrency, WatchedFunction
from namecard_release.domain.snapshot import StackParts

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef
    from mypy_boto3_lambda.type_defs import ProvisionedConcurrencyConfigListItemTypeDef

_LEFT = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})
_FUNCTION_LOGS = "/aws/lambda/"


class AwsInventory:
    """Stacks of one account and region. Keeps the port `Inventory`."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def parts(self, stacks: Sequence[str], services: Sequence[str]) -> StackParts:
        """List what the stacks hold; a stack that is not there holds nothing."""
        resources = [resource for stack in stacks for resource in self._resources(stack)]

        def named(kind: str) -> tuple[str, ...]:
            found = (one.get("PhysicalResourceId", "") for one in resources if one["ResourceType"] == kind)
            return tuple(name for name in found if name)

        return StackParts(
            functions=tuple(found for service in services if (found := _function(resources, service)) is not None),
            apis=named("AWS::ApiGatewayV2::Api"),
            queues=tuple(url.rpartition("/")[2] for url in named("AWS::SQS::Queue")),
            clusters=named("AWS::RDS::DBCluster"),
            proxies=named("AWS::RDS::DBProxy"),
            access_groups=tuple(name for name in named("AWS::Logs::LogGroup") if not name.startswith(_FUNCTION_LOGS)),
        )

    def concurrency(self, function: WatchedFunction) -> Concurrency:
        """Read a function's reserved and provisioned concurrency, and the account's limits."""
        client = self._clients.functions
        with aws_errors_told(f"read the concurrency of {function.name}"):
            reserved = client.get_function_concurrency(FunctionName=function.name).get("ReservedConcurrentExecutions")
            listed = self._provisioned(function.name)
            limits = client.get_account_settings().get("AccountLimit", {})
        provisioned = tuple(
            (
                one.get("FunctionArn", "").rpartition(":")[2],
                one.get("RequestedProvisionedConcurrentExecutions", 0),
            )
            for one in listed
        )
        return Concurrency(
            reserved,
            provisioned,
            limits.get("ConcurrentExecutions"),
            limits.get("UnreservedConcurrentExecutions"),
        )

    def _provisioned(self, function: str) -> Sequence[ProvisionedConcurrencyConfigListItemTypeDef]:
        client = self._clients.functions
        try:
            listed = client.list_provisioned_concurrency_configs(FunctionName=function)
        # An empty list on AWS, an error where nothing was ever provisioned on others.
        except client.exceptions.ProvisionedConcurrencyConfigNotFoundException:
            return ()
        return listed.get("ProvisionedConcurrencyConfigs", [])

    def _resources(self, stack: str) -> list[StackResourceSummaryTypeDef]:
        from botocore.exceptions import ClientError

        with aws_errors_told(f"list the resources of the stack {stack}"):
            try:
                pages = self._clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
                listed = [resource for page in pages for resource in page["StackResourceSummaries"]]
            except ClientError as error:
                if tells_absence(error):
                    return []
                raise
        return [resource for resource in listed if resource["ResourceStatus"] not in _LEFT]


def _function(resources: Sequence[StackResourceSummaryTypeDef], service: str) -> WatchedFunction | None:
    prefix = f"{service.capitalize()}Service"
    for resource in resources:
        logical, name = resource["LogicalResourceId"], resource.get("PhysicalResourceId")
        if resource["ResourceType"] == "AWS::Lambda::Function" and logical.startswith(prefix) and name:
            return WatchedFunction(service, logical, name)
    return None
