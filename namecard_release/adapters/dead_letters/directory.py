"""The functions of an environment, as its stacks tell them. Which of them a letter belongs to is the domain's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told, tells_absence
from namecard_release.adapters.latencies import find_functions
from namecard_release.domain.dead_letters import FunctionPlace, service_of_function


class StackFunctions:
    """The functions of some stacks, read once. Keeps the port `FunctionDirectory`."""

    def __init__(self, clients: AwsClients, stacks: Sequence[str], services: Sequence[str]) -> None:
        self._clients = clients
        self._stacks = tuple(stacks)
        self._services = tuple(services)

    def places(self) -> tuple[FunctionPlace, ...]:
        """List them; a stack that is not there has none. Raises TransientError or PermanentError."""
        return self._places

    @cached_property
    def _places(self) -> tuple[FunctionPlace, ...]:
        return tuple(place for stack in self._stacks for place in self._read(stack))

    def _read(self, stack: str) -> tuple[FunctionPlace, ...]:
        from botocore.exceptions import ClientError

        with aws_errors_told(f"list the resources of the stack {stack}"):
            try:
                pages = self._clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
                listed = [resource for page in pages for resource in page["StackResourceSummaries"]]
            except ClientError as error:
                if tells_absence(error):
                    return ()
                raise
        found = find_functions(listed)
        return tuple(FunctionPlace(name, service_of_function(id_, self._services)) for id_, name in found.items())
