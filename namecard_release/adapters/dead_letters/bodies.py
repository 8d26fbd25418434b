"""Messages decoded: Lambda's record for destinations, and the bare event of a function's own dead-letter queue.

Formats: AWS Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations". Nothing is judged here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from namecard_release.adapters.dead_letters.masking import mask_text
from namecard_release.domain.dead_letters import BodyFormat, DeadLetter, Mark, service_of_route

# The member of a replayed event that carries its key; a consumer may drop what it has seen with that key.
MARK = "namecardReplay"
_LONGEST_ERROR = 300
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ROUTE_MEMBERS = ("rawPath", "path", "routeKey")
# Tells facts (expressions that hold) and the service that a route of the settings names.
Prober = Callable[[Mapping[str, object]], tuple[frozenset[str], str | None]]


class BodyReader:
    """Reads messages; `services` are the platform's, `probe` evaluates the settings' expressions over a letter."""

    def __init__(self, services: Sequence[str], probe: Prober | None = None) -> None:
        self._services = tuple(services)
        self._probe = probe

    def read(
        self, message_id: str, body: str, attributes: Mapping[str, str], sent_at: datetime, receives: int
    ) -> DeadLetter:
        """Decode one message. Raises nothing: one that is no JSON is UNREADABLE."""
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            told: dict[str, Any] = {"body_format": BodyFormat.UNREADABLE, "payload": "null", "digest": _digest(body)}
            told |= {"error_message": _short(attributes.get("ErrorMessage", "")), **_of_attributes(attributes)}
            return DeadLetter(message_id, body, sent_at=sent_at, receives=receives, attributes=attributes, **told)
        told = _of_envelope(document) if _is_envelope(document) else _of_attributes(attributes)
        event = document["requestPayload"] if _is_envelope(document) else document
        told["body_format"] = BodyFormat.ENVELOPE if _is_envelope(document) else BodyFormat.RAW
        told |= _of_event(event, self._services)
        letter = DeadLetter(message_id, body, sent_at=sent_at, receives=receives, attributes=attributes, **told)
        return self._probed(letter) if self._probe is not None else letter

    def _probed(self, letter: DeadLetter) -> DeadLetter:
        from dataclasses import replace

        assert self._probe is not None
        facts, service = self._probe(document_of(letter))
        return replace(letter, facts=facts, service=service or letter.service)


def document_of(letter: DeadLetter) -> dict[str, object]:
    """Give a letter as the document that expressions are over; `payload` is the event itself, unmasked."""
    return {
        "message_id": letter.message_id,
        "format": str(letter.body_format),
        "service": letter.service,
        "function": letter.function,
        "request_id": letter.request_id,
        "error": {"name": letter.error_name, "message": letter.error_message, "code": letter.code},
        "sent_at": letter.sent_at.isoformat(),
        "receives": letter.receives,
        "replays": letter.mark.replays if letter.mark is not None else 0,
        "digest": letter.digest,
        "payload": orjson.loads(letter.payload),
    }


def marked_payload(letter: DeadLetter, key: str, attempt: int) -> bytes:
    """Give the event to be sent again, with its key in it where it is an object.

    An HTTP API's event has the key as the header `idempotency-key`, too.
    """
    event = orjson.loads(letter.payload)
    if not isinstance(event, dict):
        return letter.payload.encode()
    event[MARK] = {"key": key, "replays": attempt}
    if isinstance(event.get("headers"), dict) and isinstance(event.get("requestContext"), dict):
        event["headers"] = {**event["headers"], "idempotency-key": key}
    return orjson.dumps(event)


def _is_envelope(document: object) -> bool:
    return (
        isinstance(document, dict) and "requestPayload" in document and isinstance(document.get("requestContext"), dict)
    )


def _of_envelope(document: Mapping[str, Any]) -> dict[str, Any]:
    context, answer = document["requestContext"], document.get("responsePayload")
    response = document.get("responseContext") or {}
    error = answer if isinstance(answer, dict) else {}
    # An event that was never run has no answer; its condition (EventAgeExceeded) is all that is told.
    name = error.get("errorType") or (None if error.get("errorMessage") else context.get("condition"))
    code = response.get("statusCode") if isinstance(response, dict) else None
    return {
        "function": _masked(_text(context.get("functionArn"))),
        "request_id": _masked_id(context.get("requestId")),
        "error_name": _short(_text(name) or "") or None,
        "error_message": _short(_text(error.get("errorMessage")) or ""),
        "code": _masked(_text(code)),
    }


def _of_attributes(attributes: Mapping[str, str]) -> dict[str, Any]:
    return {
        "request_id": _masked_id(attributes.get("RequestID")),
        "error_message": _short(attributes.get("ErrorMessage", "")),
        "code": _masked(attributes.get("ErrorCode")),
    }


def _of_event(event: object, services: Sequence[str]) -> dict[str, Any]:
    mark = None
    if isinstance(event, dict):
        mark = _read_mark(event.pop(MARK, None))
        if mark is not None and isinstance(event.get("headers"), dict):
            event["headers"].pop("idempotency-key", None)
    payload = orjson.dumps(event)
    canonical = orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
    return {
        "payload": payload.decode(),
        "digest": hashlib.sha256(canonical).hexdigest(),
        "carries_mark": isinstance(event, dict),
        "mark": mark,
        "service": _service_of(event, services),
    }


def _read_mark(value: object) -> Mark | None:
    if not isinstance(value, dict):
        return None
    key, replays = value.get("key"), value.get("replays")
    if not isinstance(key, str) or not 0 < len(key) <= 64 or not isinstance(replays, int) or replays < 0:
        return None
    return Mark(key, replays)


def _service_of(event: object, services: Sequence[str]) -> str | None:
    if not isinstance(event, dict):
        return None
    for member in _ROUTE_MEMBERS:
        path = event.get(member)
        if isinstance(path, str) and (found := service_of_route(path.partition(" ")[2] or path, services)):
            return found
    return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _masked_id(value: object) -> str | None:
    # Each letter has its own, and Lambda's are these; anything else was written by somebody.
    text = _text(value)
    return text if text is None or _UUID.fullmatch(text) else _masked(text)


@lru_cache(maxsize=256)
def _masked(text: str | None) -> str | None:
    return None if text is None else mask_text(text)[:_LONGEST_ERROR]


@lru_cache(maxsize=256)
def _short(text: str) -> str:
    # Letters of one failure say the same again and again.
    return " ".join(mask_text(text).split())[:_LONGEST_ERROR]


def moment_of(milliseconds: str | None) -> datetime:
    """Give the moment of a time stamp of SQS (milliseconds since 1970, as text); a missing one is the epoch itself."""
    return datetime.fromtimestamp(int(milliseconds or 0) / 1000, UTC)
