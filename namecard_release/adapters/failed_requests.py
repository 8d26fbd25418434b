"""Failed requests read from JSON lines, of a file or of CloudWatch Logs. Which are sent again is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.latencies import find_functions
from namecard_release.adapters.stack_resources import list_resources
from namecard_release.domain.dead_letters import service_of_function
from namecard_release.domain.request_replay import FailedRequest
from namecard_release.errors import MisuseError

_FAILED = "lambda.invocation.failed"


@dataclass(frozen=True)
class ReadRequests:
    """What was read: the failed requests in their order, and how many lines were malformed."""

    requests: tuple[FailedRequest, ...]
    malformed: int


def read_file(path: Path) -> ReadRequests:
    """Read a file of JSON lines: the services' log, or requests as `{"method", "path", "body", "headers"}`.

    Raises MisuseError for a file that cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _read_lines(file, requests_too=True)
    except OSError as error:
        raise MisuseError(f"{path} cannot be read: {error.strerror}") from error


class LoggedRequests:
    """The failed requests in the log groups of an environment's service functions. Keeps the port `RequestLog`."""

    def __init__(self, clients: AwsClients, stacks: Sequence[str], services: Sequence[str]) -> None:
        self._clients, self._stacks, self._services = clients, tuple(stacks), tuple(services)

    def read(self, since: datetime, service: str | None, most: int) -> ReadRequests:
        """Read at most so many, oldest first in each service; lines are parsed here, whatever the filter gave."""
        found: list[FailedRequest] = []
        malformed = 0
        for name in self._functions(service):
            told = _read_lines(self._lines(name, since), requests_too=False, most=most - len(found))
            found += told.requests
            malformed += told.malformed
        return ReadRequests(tuple(found), malformed)

    def _functions(self, service: str | None) -> list[str]:
        listed = [found for stack in self._stacks for found in list_resources(self._clients, stack) or ()]
        own = {name: service_of_function(id_, self._services) for id_, name in find_functions(listed).items()}
        return [name for name, of in own.items() if of is not None and service in (None, of)]

    def _lines(self, function: str, since: datetime) -> Iterator[bytes]:
        from botocore.exceptions import ClientError

        group = f"/aws/lambda/{function}"
        with aws_errors_told(f"read the log {group}"):
            pages = self._clients.logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=int(since.timestamp() * 1000), filterPattern=f'"{_FAILED}"'
            )
            try:
                for page in pages:
                    yield from (event.get("message", "").encode() for event in page.get("events", ()))
            except ClientError as error:
                # A function that never ran has no log.
                if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
                    raise


def _read_lines(lines: Iterable[bytes], *, requests_too: bool, most: int = 1_000_000) -> ReadRequests:
    found: list[FailedRequest] = []
    malformed = 0
    for line in lines:
        if len(found) >= most:
            break
        if not line.strip():
            continue
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError:
            malformed += 1
            continue
        request = _read_one(document, requests_too=requests_too) if isinstance(document, dict) else None
        if request is not None:
            found.append(request)
        malformed += not isinstance(document, dict)
    return ReadRequests(tuple(found), malformed)


def _read_one(document: Mapping[str, Any], *, requests_too: bool) -> FailedRequest | None:
    if document.get("message") == _FAILED:
        data, error = _table(document.get("data")), _table(document.get("error"))
        return FailedRequest(
            path=_text(data.get("path")) or "",
            method=_text(data.get("method") or data.get("httpMethod")),
            at=_moment(document.get("timestamp")),
            request_id=_text(document.get("requestId")) or "",
            error=_text(error.get("name") or data.get("errorName")) or "",
        )
    if requests_too and "message" not in document and "path" in document:
        headers = document.get("headers")
        return FailedRequest(
            path=_text(document["path"]) or "",
            method=_text(document.get("method")),
            at=_moment(document.get("timestamp")),
            request_id=_text(document.get("requestId")) or "",
            body=_body(document.get("body")),
            headers={str(k): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {},
        )
    return None


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _body(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
