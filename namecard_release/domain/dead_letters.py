"""Dead letters: what a queue of failed asynchronous invocations holds, and which replay a message belongs to.

Whether one is worth a replay is `dead_letter_rules`, what is done with it `dead_letter_plans`; reading them is an
adapter's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

_ARN = re.compile(
    r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):function:(?P<name>[\w-]+)"
    r"(?::(?P<qualifier>[\w$-]+))?"
)
_ROUTE = re.compile(r"(?:/[a-z]{1,20})?/v1/(?P<service>[a-z][a-z0-9_]*)(?:/|$)")


class BodyFormat(StrEnum):
    """How a message tells a failed invocation: Lambda's record for destinations, the bare event, or not at all."""

    ENVELOPE = "envelope"
    RAW = "raw"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Mark:
    """What a replayed payload carries: its replay key, and how often it was replayed when this was written."""

    key: str
    replays: int


@dataclass(frozen=True)
class DeadLetter:
    """One message of the queue, decoded.

    `body` is as it came; `payload` the event that the function was given, as JSON text without our mark; `digest` the
    SHA-256 of that payload's canonical form. `function` is an ARN or a name, `service` what the payload itself points
    to; either may be unknown. `error_message` is redacted and short. `facts` are the rules' expressions that hold.
    """

    message_id: str
    body: str
    body_format: BodyFormat
    payload: str
    digest: str
    sent_at: datetime
    receives: int = 0
    function: str | None = None
    service: str | None = None
    request_id: str | None = None
    error_name: str | None = None
    error_message: str = ""
    code: str | None = None
    carries_mark: bool = False
    mark: Mark | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    facts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FunctionPlace:
    """One function of an environment's stacks, and the service it belongs to (None: none of the six)."""

    name: str
    service: str | None


@dataclass(frozen=True)
class Target:
    """Where a replay goes: a function of the environment and its service."""

    function: str
    service: str


@dataclass(frozen=True)
class NoTarget:
    """Why a letter has nowhere to go."""

    reason: str


def replay_key(environment: str, letter: DeadLetter) -> str:
    """Give the key of every replay of one failed invocation: the one the payload carries, else one made of its ids.

    The invocation's request id goes before the message's own: Lambda may report one failure twice.
    """
    if letter.mark is not None:
        return letter.mark.key
    told = f"request:{letter.request_id}" if letter.request_id else f"message:{letter.message_id}"
    return f"nr-{hashlib.sha256(f'{environment}|{told}'.encode()).hexdigest()[:40]}"


def service_of_route(path: str, services: Sequence[str]) -> str | None:
    """Tell the service of an API path (`/v1/<service>/...`, with or without its stage before it)."""
    match = _ROUTE.match(path)
    return match["service"] if match is not None and match["service"] in services else None


def service_of_function(logical_id: str, services: Sequence[str]) -> str | None:
    """Tell the service of a function's logical id (`AuthServiceFunction1A2B`)."""
    lowered = logical_id.lower()
    return next((service for service in services if lowered.startswith(f"{service}service")), None)


def find_target(letter: DeadLetter, places: Sequence[FunctionPlace], account: str, region: str) -> Target | NoTarget:
    """Find the function that failed among those of the environment.

    Its version is left off on purpose: a replay is for the code that is deployed now, not for the one that failed.
    """
    if letter.function is None:
        return _target_of_service(letter.service, places)
    match = _ARN.fullmatch(letter.function)
    if match is None and ":" in letter.function:
        return NoTarget(f"{letter.function[:80]} is no function's ARN")
    if match is not None and (match["account"], match["region"]) != (account, region):
        return NoTarget(f"it failed in account {match['account']}, {match['region']}, which is another environment's")
    name = match["name"] if match is not None else letter.function
    place = next((one for one in places if one.name == name), None)
    if place is None:
        return NoTarget(f"{name} is no function of this environment's stacks")
    if place.service is None:
        return NoTarget(f"{name} belongs to no service; such a function is never invoked by a replay")
    return Target(place.name, place.service)


def _target_of_service(service: str | None, places: Sequence[FunctionPlace]) -> Target | NoTarget:
    if service is None:
        return NoTarget("the message does not say which function failed, and no route in the settings tells it")
    names = [one.name for one in places if one.service == service]
    if len(names) != 1:
        return NoTarget(f"{len(names)} functions of the environment belong to {service}; a replay needs exactly one")
    return Target(names[0], service)
