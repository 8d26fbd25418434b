"""AWS on the wire, as far as a proxy must understand it: which operation a request is, how a refusal looks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import botocore.session

# By the name that requests are signed for, where it is another one than the SDK's.
_SERVICES = {"monitoring": "cloudwatch"}
_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
_REFUSALS = {
    "THROTTLED": (400, "ThrottlingException", "Rate exceeded"),
    "INTERNAL": (500, "InternalFailure", "We encountered an internal error"),
    "EXPIRED": (403, "ExpiredToken", "The security token included in the request is expired"),
    "DENIED": (403, "AccessDenied", "User is not authorized to perform this operation"),
}
Answer = tuple[int, bytes, dict[str, str]]


def operation_of(method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    """Name a request's operation as `service.Operation`."""
    scope = _SCOPE.search(headers.get("Authorization") or "")
    signed = scope[1] if scope else "unsigned"
    service = _SERVICES.get(signed, signed)
    target = headers.get("X-Amz-Target")
    if target:
        return f"{service}.{target.rpartition('.')[2]}"
    if body.startswith(b"Action=") or b"&Action=" in body:
        return f"{service}.{parse_qs(body.decode())['Action'][0]}"
    return f"{service}.{_rest_operation(service, method, path)}"


def _rest_operation(service: str, method: str, path: str) -> str:
    if service == "s3":
        place, _, query = path.partition("?")
        key = place.strip("/").partition("/")[2]
        if "list-type=2" in query:
            return "ListObjectsV2"
        return {"GET": "Get", "HEAD": "Head", "PUT": "Put"}.get(method, method) + ("Object" if key else "Bucket")
    plain, _, query = path.partition("?")
    fits = [
        name
        for verb, pattern, fixed, name in _patterns(service)
        if verb == method and pattern.fullmatch(plain) and fixed in query
    ]
    return fits[0] if fits else f"{method} {plain}"


@cache
def _patterns(service: str) -> tuple[tuple[str, re.Pattern[str], str, str], ...]:
    """The operations of a REST service: method, path, the query that is part of it, name; the longest query first."""
    if service not in botocore.session.get_session().get_available_services():
        return ()
    model: Any = botocore.session.get_session().get_service_model(service)
    made = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        uri = re.sub(r"\\\{\w+\\\+?\\?\}", "[^/]+", re.escape(path))
        made.append((http["method"], re.compile(uri), query, name))
    return tuple(sorted(made, key=lambda one: -len(one[2])))


def error_answer(kind: str, operation: str, headers: Mapping[str, str]) -> Answer:
    """Give the answer of a refusal in the form that the operation's service speaks."""
    if kind == "UNAVAILABLE":
        return 503, b"<html><body><h1>503 Service Unavailable</h1></body></html>", {"Content-Type": "text/html"}
    if kind == "GARBLED":
        return 200, b"<html><body>Sign in to the network</body></html>", {"Content-Type": "text/html"}
    status, code, message = _REFUSALS[kind]
    service = operation.partition(".")[0]
    if service == "s3":
        code, status = ("SlowDown", 503) if kind == "THROTTLED" else (code, status)
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        return status, body.encode(), {"Content-Type": "application/xml"}
    if headers.get("X-Amz-Target") or service in ("lambda", "xray"):
        told = {"__type": code, "message": message}
        names = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": code}
        return status, json.dumps(told).encode(), names
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return status, body.encode(), {"Content-Type": "text/xml"}
