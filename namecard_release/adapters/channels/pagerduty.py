"""PagerDuty: events sent through its Events API v2, acknowledgements read back through its REST API.

Limits and answers: https://developer.pagerduty.com/docs/events-api-v2-overview (512 KB, 429, 400) and
https://developer.pagerduty.com/api-reference (incidents). How often to try again is not decided here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from namecard_release.adapters.channels.answers import connecting, cut, read_wait, tell_connection, tell_status
from namecard_release.adapters.channels.secrets import Secret
from namecard_release.domain.delivery import Answer, Outcome, taken
from namecard_release.domain.messages import Acknowledgement, Message, MessageKind
from namecard_release.errors import PermanentError, ReleaseError, TransientError

if TYPE_CHECKING:
    import httpx2

_LONGEST_SUMMARY, _LONGEST_EVENT = 1024, 500_000
_LONGEST_DETAIL, _LONGEST_TEXT = 4000, 40_000
_ROUTINE_SENT = "change event"
_SEVERITIES = frozenset({"critical", "error", "warning", "info"})
_AT_ONCE = 100
_ACTIONS = {
    MessageKind.PAGE: "trigger",
    MessageKind.ESCALATE: "trigger",
    MessageKind.ACKNOWLEDGE: "acknowledge",
    MessageKind.RESOLVE: "resolve",
}


class PagerDutySender:
    """Pages, acknowledges and resolves under the subject as `dedup_key`: what is sent twice is one alert there.

    Messages that call nobody become change events: a trigger would open a resolved incident anew.
    """

    def __init__(self, routing_key: Secret, url: str, per_minute: int, timeout_seconds: float) -> None:
        self._key, self._url, self._timeout = routing_key, url, timeout_seconds
        self.per_minute = per_minute
        self.where = f"PagerDuty at {url}"

    def send(self, message: Message, thread: str | None) -> Answer:
        """Send one event."""
        action = _ACTIONS.get(message.kind)
        path, body = ("/v2/change/enqueue", _change(message)) if action is None else ("/v2/enqueue", _event(message))
        size = len(json.dumps(body))
        if size > _LONGEST_EVENT:
            return Answer(Outcome.REFUSED, f"the event has {size} bytes, PagerDuty takes 512 KB")
        try:
            return self._post(path, body, _ROUTINE_SENT if action is None else message.subject)
        except ReleaseError as error:
            return Answer(Outcome.NOT_TAKEN, str(error), closed=True)

    def find(self, message: Message, thread: str | None) -> Answer:
        """Say that it must be sent again: the dedup_key makes the second one do nothing.

        A change event has none; one that may have arrived is not sent twice, for it calls nobody.
        """
        return Answer(Outcome.NOT_TAKEN) if message.kind in _ACTIONS else taken(_ROUTINE_SENT)

    def check(self) -> Answer:
        """See that there is a key; whether PagerDuty knows it could only be asked with an event."""
        try:
            self._key.read()
        except ReleaseError as error:
            return Answer(Outcome.NOT_TAKEN, str(error), closed=True)
        return taken("")

    def _post(self, path: str, body: dict[str, Any], receipt: str) -> Answer:
        from pagerduty import Error, EventsApiV2Client

        client = _client(EventsApiV2Client, self._key.read(), self._url, self._timeout)
        try:
            response = connecting(lambda: client.post(path, json=body))
        except Error as error:
            # A 401 is raised with its answer; whatever else is raised had none.
            if error.response is None:
                return tell_connection("PagerDuty", error)
            response = error.response
        return taken(receipt) if response.is_success else self._judge(response)

    def _judge(self, response: httpx2.Response) -> Answer:
        told = _errors(response)
        if response.status_code in (401, 403) or "routing" in told.lower() or "integration key" in told.lower():
            self._key.forget()
            reason = f"PagerDuty does not know the integration key ({told}): check {self._key.name}"
            return Answer(Outcome.NOT_TAKEN, reason, closed=True)
        return tell_status("PagerDuty", response.status_code, told, read_wait(response.headers))


class PagerDutyReader:
    """Reads who acknowledged what, with a REST API token."""

    def __init__(self, token: Secret, url: str, timeout_seconds: float) -> None:
        self._token, self._url, self._timeout = token, url, timeout_seconds

    def acknowledgements(self, subjects: Sequence[str]) -> Iterator[Acknowledgement]:
        """Give the acknowledgements of the incidents of these subjects, oldest first for each.

        Raises TransientError when PagerDuty does not answer, PermanentError when it refuses the token.
        """
        from pagerduty import RestApiV2Client

        client = _client(RestApiV2Client, self._token.read(), self._url, self._timeout)
        for subject in subjects:
            yield from self._of(client, subject)

    def _of(self, client: Any, subject: str) -> Iterator[Acknowledgement]:
        found = []
        query = {"incident_key": subject, "statuses[]": ["triggered", "acknowledged", "resolved"], "limit": _AT_ONCE}
        for incident in self._get(client, "/incidents", query).get("incidents", []):
            query = {"limit": _AT_ONCE, "is_overview": "true"}
            entries = self._get(client, f"/incidents/{incident['id']}/log_entries", query).get("log_entries", [])
            found += [_acknowledgement(subject, e) for e in entries if e.get("type", "").startswith("acknowledge_log")]
        yield from sorted(found, key=lambda one: one.at)

    def _get(self, client: Any, path: str, query: dict[str, Any]) -> dict[str, Any]:
        from pagerduty import Error

        try:
            response = connecting(lambda: client.get(path, params=query))
        except Error as error:
            if error.response is None:
                raise TransientError(tell_connection("PagerDuty", error).reason) from error
            response = error.response
        if response.is_success:
            told: dict[str, Any] = response.json()
            return told
        reason = f"PagerDuty answered {response.status_code}: {_errors(response)}"
        if response.status_code == 429 or response.status_code >= 500:
            raise TransientError(f"{reason}; try again in a moment")
        self._token.forget()
        raise PermanentError(f"{reason}; check {self._token.name}")


# Making one takes a tenth of a second, for it reads the certificates.
@lru_cache(maxsize=4)
def _client(kind: type[Any], secret: str, url: str, timeout_seconds: float) -> Any:
    import httpx2

    class _Client(kind):  # type: ignore[misc]
        """The library's client without its own retries, which wait without a limit on 429.

        It also takes plain http, which the settings allow for this machine alone.
        """

        max_http_attempts = -1
        max_network_attempts = 0
        timeout = timeout_seconds

        @property
        def url(self) -> str:
            """Where the API is."""
            return self._address

        @url.setter
        def url(self, address: str) -> None:
            self._address = address

    # A connection that is kept may be closed by then, and nobody would know whether the event went through.
    client = _Client(secret, base_url=url, limits=httpx2.Limits(max_keepalive_connections=0))
    client.retry = dict.fromkeys((429, 500, 502, 503, 504), 1)
    # It would log each failure once more; the outbox keeps the reason.
    client.log = logging.Logger("pagerduty", logging.CRITICAL + 1)
    return client


def _event(message: Message) -> dict[str, Any]:
    event: dict[str, Any] = {"event_action": _ACTIONS[message.kind], "dedup_key": message.subject}
    if event["event_action"] == "trigger":
        event["payload"] = {**_payload(message), "severity": _severity(message)}
    return event


def _change(message: Message) -> dict[str, Any]:
    return {"payload": _payload(message)}


def _payload(message: Message) -> dict[str, Any]:
    fields = dict(message.fields)
    details = {name: cut(value, _LONGEST_DETAIL) for name, value in fields.items()}
    return {
        "summary": cut(message.title, _LONGEST_SUMMARY),
        "source": fields.get("source") or fields.get("environment") or "namecard-release",
        "timestamp": message.at.astimezone(UTC).isoformat(),
        "custom_details": {"text": cut(message.text, _LONGEST_TEXT), **details, "subject": message.subject},
    }


def _severity(message: Message) -> str:
    asked = dict(message.fields).get("severity", "").lower()
    return asked if asked in _SEVERITIES else "critical"


def _errors(response: httpx2.Response) -> str:
    try:
        body = response.json()
        told = body.get("error") or body
        words = [str(told.get("message", "")), *(str(one) for one in told.get("errors", ()))]
    except (ValueError, AttributeError, TypeError):
        words = [response.text]
    return cut("; ".join(word for word in words if word) or "no reason given", 300)


def _acknowledgement(subject: str, entry: dict[str, Any]) -> Acknowledgement:
    who = (entry.get("agent") or {}).get("summary") or "somebody in PagerDuty"
    return Acknowledgement(subject, who, datetime.fromisoformat(entry["created_at"]))
