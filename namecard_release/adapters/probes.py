"""Health asked over the services' public address. Judging the answers does not belong here."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from namecard_release.domain.health import Probe
from namecard_release.time_limits import Cut

_LARGEST_BODY = 1 << 16
_PAUSE_SECONDS = 0.2
_THREADS = 16


@dataclass(frozen=True)
class _Answer:
    """What came back: a status and a version, or None and the reason."""

    status: int | None
    version: str | None = None
    error: str = ""


class HttpProber:
    """Asks every service at once, `timeout_seconds` for each step of an exchange. Keeps the port `Prober`.

    Redirects are not followed: a health address that redirects is not what the contract says.
    """

    def __init__(self, timeout_seconds: float = 10) -> None:
        self._timeout = timeout_seconds

    def probe(self, base_url: str, services: Sequence[str]) -> tuple[Probe, ...]:
        """GET every service's health, in the order given; no answer is status None with the error. Raises nothing."""
        if not services:
            return ()
        with ThreadPoolExecutor(max_workers=min(_THREADS, len(services))) as pool:
            return tuple(pool.map(lambda service: self._probe(base_url, service), services))

    def _probe(self, base_url: str, service: str) -> Probe:
        url = f"{base_url.rstrip('/')}/v1/{service}/health"
        started = time.monotonic()
        answer = self._ask(url)
        milliseconds = (time.monotonic() - started) * 1000
        return Probe(service, url, answer.status, answer.version, milliseconds, answer.error)

    def _ask(self, url: str) -> _Answer:
        from http.client import HTTPException

        try:
            try:
                return _get(url, self._timeout)
            except (ConnectionRefusedError, ConnectionResetError):
                # Once more: a connection lost between two requests says nothing about the service.
                time.sleep(_PAUSE_SECONDS)
                return _get(url, self._timeout)
        except (OSError, HTTPException, ValueError) as error:
            return _Answer(None, error=f"{type(error).__name__}: {error}".rstrip(": "))


def _get(url: str, timeout: float) -> _Answer:
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        raise ValueError("the address is no http or https URL")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    link = kind(parts.hostname, parts.port, timeout=timeout)
    try:
        link.connect()
        # The time-out is for each part of an answer, and one that drips would never meet it.
        with Cut(link.sock.fileno(), timeout) as cut:
            try:
                link.request("GET", _target(parts), headers={"Accept": "application/json", "Connection": "close"})
                response = link.getresponse()
                body = response.read(_LARGEST_BODY)
            except (OSError, HTTPException):
                if not cut.was_made:
                    raise
        if cut.was_made:
            raise TimeoutError(f"no whole answer within {timeout:.1f} s")
        return _Answer(response.status, version_in(body))
    finally:
        link.close()


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def version_in(body: bytes) -> str | None:
    """Read the text `version` of a JSON object, None for any other body."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    version = value.get("version") if isinstance(value, dict) else None
    return version if isinstance(version, str) else None
