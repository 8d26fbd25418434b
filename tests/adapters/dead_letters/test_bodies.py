"""Messages decoded: both forms, their errors, routes and marks; what is no event; what is sent again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from namecard_release.adapters.dead_letters.bodies import BodyReader, marked_payload, moment_of
from namecard_release.domain.dead_letters import BodyFormat, DeadLetter, Mark
from namecard_release.settings import SERVICES
from tests.fakes.dead_letters import envelope

SENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RAW = {"RequestID": "r-1", "ErrorCode": "200", "ErrorMessage": "connect ECONNREFUSED"}


def read(body: str, attributes: dict[str, str] | None = None) -> DeadLetter:
    return BodyReader(SERVICES).read("m-1", body, attributes or {}, SENT, 1)


def test_a_record_for_destinations_tells_function_request_and_error() -> None:
    letter = read(envelope({"n": 1}, "DbConnectionError", request="r-1"))
    assert (letter.body_format, letter.request_id, letter.error_name) == (
        BodyFormat.ENVELOPE,
        "r-1",
        "DbConnectionError",
    )
    assert letter.function is not None and letter.function.endswith(":function:auth-fn:$LATEST")
    assert json.loads(letter.payload) == {"n": 1}


def test_an_event_that_was_never_run_has_its_condition_for_an_error() -> None:
    assert read(envelope({}, error=None)).error_name == "EventAgeExceeded"


def test_a_bare_event_tells_by_its_attributes() -> None:
    letter = read('{"n": 1}', RAW)
    assert (letter.body_format, letter.request_id, letter.code) == (BodyFormat.RAW, "r-1", "200")
    assert (letter.error_name, letter.error_message) == (None, "connect ECONNREFUSED")
    assert letter.function is None


@pytest.mark.parametrize(
    ("event", "service"),
    [
        ({"rawPath": "/v1/auth/login"}, "auth"),
        ({"rawPath": "/prod/v1/cards"}, "cards"),
        ({"path": "/v1/ocr/1"}, "ocr"),
        ({"routeKey": "ANY /v1/search/{proxy+}"}, "search"),
        ({"rawPath": "/v1/unknown"}, None),
        ({"rawPath": 7}, None),
        ([1], None),
        (None, None),
    ],
)
def test_a_bare_event_points_to_its_service(event: object, service: str | None) -> None:
    assert read(json.dumps(event), RAW).service == service


@pytest.mark.parametrize("body", ["", "no json", '{"cut": ', "\x00"])
def test_what_is_no_json_is_unreadable_and_still_kept(body: str) -> None:
    letter = read(body, RAW)
    assert (letter.body_format, letter.body, letter.request_id) == (BodyFormat.UNREADABLE, body, "r-1")


@pytest.mark.parametrize(
    "body",
    [
        '{"requestPayload": {"n": 1}}',
        '{"requestPayload": {"n": 1}, "requestContext": null}',
        '{"requestContext": {"http": {"method": "GET"}}}',
    ],
)
def test_what_only_looks_like_a_record_is_a_bare_event(body: str) -> None:
    assert read(body).body_format is BodyFormat.RAW


@pytest.mark.parametrize(
    "changes",
    [
        {"responseContext": None},
        {"responseContext": []},
        {"responsePayload": "text"},
        {"responsePayload": None},
        {"requestContext": {}},
        {"requestContext": {"functionArn": 7, "requestId": None}},
        {"responsePayload": {"errorType": 5, "errorMessage": {"a": 1}}},
    ],
)
def test_a_record_in_disorder_is_read_as_far_as_it_goes(changes: dict[str, Any]) -> None:
    document = {**json.loads(envelope({"n": 1})), **changes}
    assert json.loads(read(json.dumps(document)).payload) == {"n": 1}


def test_the_error_is_short_and_holds_no_secret() -> None:
    document = json.loads(envelope({}))
    document["responsePayload"]["errorMessage"] = "password=hunter2-hunter2 " + "x" * 1000
    letter = read(json.dumps(document))
    assert "hunter2" not in letter.error_message and len(letter.error_message) <= 300


def test_a_replay_carries_its_key_and_is_known_again() -> None:
    first = read(envelope({"n": 1, "b": [1, 2]}))
    sent = marked_payload(first, "nr-1", 1)
    back = read(envelope(json.loads(sent)))
    assert back.mark == Mark("nr-1", 1)
    assert (json.loads(back.payload), back.digest) == (json.loads(first.payload), first.digest)


def test_an_http_event_carries_the_key_as_a_header_as_well() -> None:
    event = {"headers": {"accept": "*/*"}, "requestContext": {"http": {"method": "GET"}}}
    first = read(json.dumps(event))
    sent = json.loads(marked_payload(first, "nr-1", 1))
    assert sent["headers"] == {"accept": "*/*", "idempotency-key": "nr-1"}
    assert read(json.dumps(sent)).digest == first.digest


@pytest.mark.parametrize("event", [[1, 2], "text", 7, None])
def test_an_event_that_is_no_object_is_sent_as_it_is(event: object) -> None:
    letter = read(json.dumps(event))
    assert not letter.carries_mark
    assert json.loads(marked_payload(letter, "nr-1", 1)) == event


@pytest.mark.parametrize(
    "mark", [7, "x", {}, {"key": "k"}, {"key": 1, "replays": 1}, {"key": "", "replays": 1}, {"key": "k", "replays": -1}]
)
def test_a_mark_in_another_form_is_none(mark: object) -> None:
    assert read(json.dumps({"namecardReplay": mark})).mark is None


def test_the_order_of_members_makes_no_other_digest() -> None:
    assert read('{"a": 1, "b": 2}').digest == read('{"b": 2, "a": 1}').digest != read('{"a": 1, "b": 3}').digest


def test_a_time_stamp_is_milliseconds() -> None:
    assert moment_of("1772442000000") == SENT
