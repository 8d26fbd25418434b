"""The functions of an environment, as its stacks tell them. Which of them a letter belongs to is the domain's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.latencies import find_functions
from namecard_release.adapters.stack_resources import list_resources
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
        found = find_functions(list_resources(self._clients, stack) or ())
        return tuple(FunctionPlace(name, service_of_function(id_, self._services)) for id_, name in found.items())
