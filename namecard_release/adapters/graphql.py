"""GraphQL over HTTP POST with the standard library, its failures translated. What is asked does not belong here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from namecard_release.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from urllib.request import Request

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class GraphQl:
    """One GraphQL address of Dagster's web server; `timeout_seconds` is for each request as a whole."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout_seconds

    def ask(self, text: str, variables: Mapping[str, object] | None = None) -> Mapping[str, Any]:
        """Send one query or mutation and give the value of its only field.

        Raises TransientError when there is no answer, PermanentError when the answer is a refusal.
        """
        body = json.dumps({"query": text, "variables": dict(variables or {})}).encode()
        reply = self._read(self._send(body))
        if reply.get("errors"):
            raise PermanentError(f"Dagster at {self.url} refuses: {first_line(str(reply['errors'][0].get('message')))}")
        values = list((reply.get("data") or {}).values())
        if len(values) != 1 or not isinstance(values[0], dict):
            raise PermanentError(f"Dagster at {self.url} gave an answer of an unknown shape: is it version 1.13?")
        return values[0]

    def _send(self, body: bytes) -> bytes:
        from http.client import HTTPException
        from urllib.error import HTTPError

        from namecard_release.adapters.whole_answers import fetch

        # A proxy of the environment cannot reach this machine's own loopback.
        proxied = urlsplit(self.url).hostname not in _LOOPBACK
        try:
            return fetch(self._request(body), self._timeout, proxied=proxied)
        except HTTPError as error:
            error.close()
            if error.code >= 500:
                raise TransientError(f"Dagster at {self.url} answers {error.code}: look at its log") from None
            # Dagster answers 400 to a query that does not fit its schema.
            raise PermanentError(f"{self.url}/graphql answers {error.code}: is this Dagster's address?") from None
        except ValueError as error:
            raise PermanentError(f"{self.url} is no address of a Dagster: {error}") from None
        except (OSError, HTTPException) as error:
            raise TransientError(
                f"Dagster at {self.url} does not answer ({_cause(error)}): "
                "start it with 'namecard-release sandbox up' or 'dagster dev', or set dagster.url"
            ) from None

    def _request(self, body: bytes) -> Request:
        from urllib.request import Request

        return Request(f"{self.url}/graphql", data=body, headers={"Content-Type": "application/json"}, method="POST")

    def _read(self, text: bytes) -> Mapping[str, Any]:
        try:
            value: object = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise PermanentError(f"{self.url}/graphql answers something else than JSON: is this Dagster's address?")
        return value


def first_line(text: str) -> str:
    """Give the first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "no message")


def _cause(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return str(reason) or type(reason).__name__
