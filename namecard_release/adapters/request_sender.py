"""Requests sent to an environment's API. What is sent, and what an answer comes to, is decided elsewhere."""

from __future__ import annotations

from urllib.parse import urlsplit

from namecard_release.domain.request_replay import Answer, PlannedRequest

_DROPPED = frozenset({"host", "content-length", "connection", "transfer-encoding", "idempotency-key", "user-agent"})


class HttpRequestSender:
    """Sends to one base address; redirects are not followed. Keeps the port `RequestSender`."""

    def __init__(self, timeout_seconds: float = 30) -> None:
        self._timeout = timeout_seconds

    def send(self, base_url: str, planned: PlannedRequest) -> Answer:
        """Send one request with its key and read the status; no answer is None with the error. Raises nothing."""
        from http.client import HTTPException

        try:
            return Answer(self._exchange(base_url, planned))
        except (OSError, HTTPException, ValueError) as error:
            return Answer(None, f"{type(error).__name__}: {error}".rstrip(": "))

    def _exchange(self, base_url: str, planned: PlannedRequest) -> int:
        from http.client import HTTPConnection, HTTPSConnection

        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ValueError("the address is no http or https URL")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        link = kind(parts.hostname, parts.port, timeout=self._timeout)
        own = {k: v for k, v in planned.request.headers.items() if k.lower() not in _DROPPED}
        body = planned.request.body
        headers = {"accept": "application/json", **own, "idempotency-key": planned.key, "connection": "close"}
        if body is not None and not any(name.lower() == "content-type" for name in own):
            headers["content-type"] = "application/json"
        try:
            link.request(planned.method, parts.path.rstrip("/") + planned.path, _encode(body), headers)
            return link.getresponse().status
        finally:
            link.close()


def _encode(body: str | None) -> bytes | None:
    return None if body is None else body.encode()
