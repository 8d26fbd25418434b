"""Which failed requests are sent again: by method, path, time and service; and what their answers come to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.gates import Verdict
from namecard_release.domain.request_replay import (
    Answer,
    FailedRequest,
    PlannedRequest,
    RequestAction,
    RequestPolicy,
    judge_answers,
    plan_requests,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY = RequestPolicy("dev", ("auth", "cards"))
REQUEST = FailedRequest("/dev/v1/cards/7?limit=2", "GET", NOW, "r-1")


def plan(request: FailedRequest = REQUEST, policy: RequestPolicy = POLICY) -> PlannedRequest:
    (planned,) = plan_requests([request], policy)
    return planned


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "get"])
def test_safe_methods_are_sent(method: str) -> None:
    told = plan(replace(REQUEST, method=method))
    assert (told.action, told.method, told.path) == (RequestAction.SEND, method.upper(), "/v1/cards/7?limit=2")


@pytest.mark.parametrize(
    ("method", "why"),
    [
        ("PUT", "idempotent, but not safe"),
        ("DELETE", "idempotent, but not safe"),
        ("POST", "not idempotent"),
        ("PATCH", "not idempotent"),
        ("TRACE", "no method that the API has"),
        ("CONNECT", "no method that the API has"),
        (None, "was not logged"),
    ],
)
def test_other_methods_are_not(method: str | None, why: str) -> None:
    told = plan(replace(REQUEST, method=method, body="{}"))
    assert told.action is RequestAction.SKIP and why in told.reason


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
def test_other_methods_are_sent_when_named(method: str) -> None:
    policy = replace(POLICY, methods=("GET", method))
    assert plan(replace(REQUEST, method=method, body="{}"), policy).action is RequestAction.SEND


@pytest.mark.parametrize(("method", "sent"), [("PUT", False), ("POST", False), ("PATCH", False), ("DELETE", True)])
def test_what_needs_a_body_is_not_sent_without_one(method: str, sent: bool) -> None:
    policy = replace(POLICY, methods=(method,))
    assert (plan(replace(REQUEST, method=method), policy).action is RequestAction.SEND) is sent


def test_a_method_may_be_assumed_where_none_was_logged() -> None:
    policy = replace(POLICY, assumed="GET")
    assert "assumed" in plan(replace(REQUEST, method=None), policy).reason
    assert plan(replace(REQUEST, method="POST", body="{}"), policy).action is RequestAction.SKIP


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v1/cards", "/v1/cards"),
        ("/prod/v1/auth/health", "/v1/auth/health"),
        ("/v1/cards/a%20b", "/v1/cards/a%20b"),
        ("/v1/search", None),
        ("/v2/cards", None),
        ("/a/b/v1/cards", None),
        ("http://elsewhere/v1/cards", None),
        ("//elsewhere/v1/cards", None),
        ("/v1/cards/../auth", None),
        ("/v1/cards/..", None),
        ("/v1/cards\r\nHost: elsewhere", None),
        ("/v1/cards/a b", None),
        ("/v1/cards/\\elsewhere", None),
        ("/v1/cards#fragment", None),
        ("", None),
    ],
)
def test_only_the_apis_own_paths_are_sent(path: str, sent: str | None) -> None:
    told = plan(replace(REQUEST, path=path))
    assert (told.path if told.action is RequestAction.SEND else None) == sent


@pytest.mark.parametrize(
    ("at", "sent"), [(NOW, True), (NOW - timedelta(hours=2), False), (NOW - timedelta(hours=1), True), (None, False)]
)
def test_only_what_failed_since_then_is_sent(at: datetime | None, sent: bool) -> None:
    policy = replace(POLICY, since=NOW - timedelta(hours=1))
    assert (plan(replace(REQUEST, at=at), policy).action is RequestAction.SEND) is sent


def test_what_is_there_twice_is_sent_once() -> None:
    planned = plan_requests([REQUEST, REQUEST, replace(REQUEST, request_id="r-2")], POLICY)
    assert [str(one.action) for one in planned] == ["send", "skip", "send"]
    assert planned[0].key == planned[1].key != planned[2].key


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ([], Verdict.PASSED),
        ([200, 204, 301], Verdict.PASSED),
        ([200, 404], Verdict.PASSED),
        ([200, 500], Verdict.FAILED),
        ([200, None], Verdict.UNKNOWN),
        ([None, 502], Verdict.FAILED),
    ],
)
def test_answers_are_judged(statuses: list[int | None], verdict: Verdict) -> None:
    assert judge_answers([Answer(status) for status in statuses])[0] is verdict
