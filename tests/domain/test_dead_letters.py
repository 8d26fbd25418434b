"""Letters: their replay key, the service they point to, and the function that they go back to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from namecard_release.domain.dead_letters import (
    BodyFormat,
    DeadLetter,
    FunctionPlace,
    Mark,
    NoTarget,
    Target,
    find_target,
    replay_key,
    service_of_function,
    service_of_route,
)

SERVICES = ("auth", "cards")
ACCOUNT, REGION = "111122223333", "ap-southeast-1"
PLACES = (FunctionPlace("auth-fn", "auth"), FunctionPlace("cards-fn", "cards"), FunctionPlace("migrator", None))


def letter(**changes: object) -> DeadLetter:
    values: dict[str, object] = {"message_id": "m", "body": "{}", "body_format": BodyFormat.RAW, "payload": "{}"}
    values |= {"digest": "d", "sent_at": datetime(2026, 3, 2, tzinfo=UTC), "carries_mark": True}
    return DeadLetter(**{**values, **changes})  # type: ignore[arg-type]


def test_the_key_is_the_same_for_the_same_failed_invocation() -> None:
    first, again = letter(request_id="r"), letter(message_id="n", request_id="r")
    assert replay_key("prod", first) == replay_key("prod", again)


@pytest.mark.parametrize(
    ("environment", "other"),
    [("dev", letter(request_id="r")), ("prod", letter(request_id="s")), ("prod", letter(message_id="r"))],
)
def test_the_key_is_another_for_another_invocation(environment: str, other: DeadLetter) -> None:
    assert replay_key("prod", letter(request_id="r")) != replay_key(environment, other)


def test_the_key_that_a_payload_carries_goes_before_its_ids() -> None:
    assert replay_key("prod", letter(request_id="r", mark=Mark("nr-1", 1))) == "nr-1"


def test_the_key_fits_its_column() -> None:
    assert len(replay_key("prod", letter())) <= 64


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v1/auth", "auth"),
        ("/v1/cards/1/items", "cards"),
        ("/prod/v1/auth/login", "auth"),
        ("/v1/other/1", None),
        ("/v1/authx", None),
        ("/a/b/v1/auth", None),
        ("/v2/auth", None),
        ("", None),
    ],
)
def test_a_route_tells_its_service(path: str, service: str | None) -> None:
    assert service_of_route(path, SERVICES) == service


@pytest.mark.parametrize(
    ("logical_id", "service"),
    [("AuthServiceFunction1A2B", "auth"), ("CardsServiceFunction", "cards"), ("SchemaMigrator9", None), ("Auth", None)],
)
def test_a_logical_id_tells_its_service(logical_id: str, service: str | None) -> None:
    assert service_of_function(logical_id, SERVICES) == service


def arn(name: str, account: str = ACCOUNT, region: str = REGION, end: str = "") -> str:
    return f"arn:aws:lambda:{region}:{account}:function:{name}{end}"


@pytest.mark.parametrize(
    ("told", "function"),
    [
        (letter(function=arn("auth-fn")), "auth-fn"),
        (letter(function=arn("auth-fn", end=":$LATEST")), "auth-fn"),
        (letter(function=arn("auth-fn", end=":7")), "auth-fn"),
        (letter(function=arn("auth-fn", end=":prod-live")), "auth-fn"),
        (letter(function="cards-fn"), "cards-fn"),
        (letter(service="cards"), "cards-fn"),
        # What the message says goes before what its payload looks like.
        (letter(function=arn("auth-fn"), service="cards"), "auth-fn"),
    ],
)
def test_a_letter_goes_back_to_the_function_that_failed(told: DeadLetter, function: str) -> None:
    found = find_target(told, PLACES, ACCOUNT, REGION)
    assert isinstance(found, Target) and found.function == function


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (letter(), "does not say which function"),
        (letter(function=arn("auth-fn", account="999999999999")), "another environment's"),
        (letter(function=arn("auth-fn", region="eu-west-1")), "another environment's"),
        (letter(function=arn("gone-fn")), "no function of this environment"),
        (letter(function="arn:aws:sqs:x:1:queue"), "no function's ARN"),
        (letter(function=arn("migrator")), "belongs to no service"),
        (letter(service="search"), "0 functions"),
    ],
)
def test_a_letter_of_something_else_goes_nowhere(told: DeadLetter, why: str) -> None:
    found = find_target(told, PLACES, ACCOUNT, REGION)
    assert isinstance(found, NoTarget) and why in found.reason
