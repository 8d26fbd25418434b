"""Which failed requests are sent to the API again, and what their answers come to. Sending them is an adapter's.

Methods by RFC 9110, section 9.2: GET, HEAD and OPTIONS are safe; PUT and DELETE are idempotent besides; nothing can be
said of POST and PATCH.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from namecard_release.domain.gates import Verdict

SAFE = ("GET", "HEAD", "OPTIONS")
IDEMPOTENT = (*SAFE, "PUT", "DELETE")
METHODS = (*IDEMPOTENT, "POST", "PATCH")
# The stage may stand before; nothing else may, and no dot segment, blank or control character anywhere.
_PATH = re.compile(
    r"(?:/[A-Za-z0-9_-]{1,40})?(?P<path>/v1/(?P<service>[a-z][a-z0-9_]*)(?:/[^\s?#\\]*)?)(?P<query>\?[^\s#]*)?"
)


@dataclass(frozen=True)
class FailedRequest:
    """One request that failed, as it was logged or written down; `method` is None where that was not told.

    `body` and `headers` are only there when somebody wrote them down: nothing logs them.
    """

    path: str
    method: str | None = None
    at: datetime | None = None
    request_id: str = ""
    error: str = ""
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class RequestAction(StrEnum):
    """What is done with a failed request."""

    SEND = "send"
    SKIP = "skip"


@dataclass(frozen=True)
class PlannedRequest:
    """One request with what is done with it and why; `path` has no stage, `key` goes along as `idempotency-key`."""

    request: FailedRequest
    action: RequestAction
    reason: str
    method: str = ""
    path: str = ""
    service: str = ""
    key: str = ""


@dataclass(frozen=True)
class RequestPolicy:
    """What may be sent: `methods`, to `services`; `assumed` stands for a method that was not logged."""

    environment: str
    services: tuple[str, ...]
    methods: tuple[str, ...] = SAFE
    assumed: str | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Answer:
    """What came back: a status, or None with the error."""

    status: int | None
    error: str = ""


def plan_requests(requests: Sequence[FailedRequest], policy: RequestPolicy) -> tuple[PlannedRequest, ...]:
    """Plan requests in their order; one that is there twice (the same id, method and path) is sent once."""
    seen: set[str] = set()
    planned: list[PlannedRequest] = []
    for request in requests:
        one = _plan(request, policy, seen)
        if one.action is RequestAction.SEND:
            seen.add(one.key)
        planned.append(one)
    return tuple(planned)


def _plan(request: FailedRequest, policy: RequestPolicy, seen: Collection[str]) -> PlannedRequest:
    match = _PATH.fullmatch(request.path)
    method = (request.method or policy.assumed or "").upper()
    why = _explain_skip(request, policy, match, method)
    if why is not None or match is None:
        return PlannedRequest(request, RequestAction.SKIP, why or "")
    path, service = match["path"] + (match["query"] or ""), match["service"]
    told = "|".join((policy.environment, request.request_id, method, path, request.body or ""))
    key = f"nr-{hashlib.sha256(told.encode()).hexdigest()[:40]}"
    if key in seen:
        return PlannedRequest(request, RequestAction.SKIP, "it is there twice", method, path, service, key)
    return PlannedRequest(request, RequestAction.SEND, _tell_method(method, request), method, path, service, key)


def _explain_skip(
    request: FailedRequest, policy: RequestPolicy, match: re.Match[str] | None, method: str
) -> str | None:
    if match is None or "/../" in f"{match['path']}/" or "/./" in f"{match['path']}/":
        return "its path is not one of the API's (/v1/<service>/...)"
    if match["service"] not in policy.services:
        return f"{match['service']} is none of the services"
    if policy.since is not None and (request.at is None or request.at < policy.since):
        return "it failed before that" if request.at is not None else "it does not say when it failed"
    return _explain_method(request, policy, method)


def _explain_method(request: FailedRequest, policy: RequestPolicy, method: str) -> str | None:
    if not method:
        return "its method was not logged: name one with --assume-method"
    if method not in METHODS:
        return f"{method[:20]} is no method that the API has"
    if method not in policy.methods:
        kind = "idempotent, but not safe" if method in IDEMPOTENT else "not idempotent"
        return f"{method} is {kind}: name it with --method to send it"
    if request.body is None and method in ("PUT", "POST", "PATCH"):
        return f"the body of a {method} is not logged: write it into a --file"
    return None


def _tell_method(method: str, request: FailedRequest) -> str:
    kind = "safe" if method in SAFE else "idempotent" if method in IDEMPOTENT else "not idempotent, asked for by name"
    return f"{method} is {kind}" if request.method else f"{method} is assumed, and {kind}"


def judge_answers(answers: Sequence[Answer]) -> tuple[Verdict, str]:
    """Judge what came back: a status below 500 is an answer, 5xx failed again, no answer is UNKNOWN."""
    again = sum(one.status is not None and one.status >= 500 for one in answers)
    silent = sum(one.status is None for one in answers)
    refused = sum(one.status is not None and 400 <= one.status < 500 for one in answers)
    told = f"{len(answers)} sent, {len(answers) - again - silent} answered"
    told += f" ({refused} of them with 4xx)" if refused else ""
    if again:
        return Verdict.FAILED, f"{told}, {again} failed again"
    if silent:
        return Verdict.UNKNOWN, f"{told}, {silent} without an answer"
    return Verdict.PASSED, told
