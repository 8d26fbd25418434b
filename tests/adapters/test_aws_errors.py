"""AWS errors as this project's: which may succeed later, and what a person reads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told, tells_absence
from namecard_release.adapters.lambdas import resolve_bucket
from namecard_release.errors import PermanentError, ReleaseError, TransientError


def answer(code: str, message: str = "words", status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Do")


CASES: list[tuple[Exception, type[ReleaseError], str]] = [
    (answer("Throttling"), TransientError, "Throttling: words; try again in a moment"),
    (answer("TooManyRequestsException", status=429), TransientError, "try again"),
    (answer("Odd", status=429), TransientError, "try again"),
    (answer("Odd", status=503), TransientError, "try again"),
    (answer("AccessDenied", status=403), PermanentError, "check the credentials"),
    (answer("AccessDeniedException"), PermanentError, "check the credentials"),
    (answer("ExpiredToken"), PermanentError, "renew the credentials"),
    (answer("ValidationError", "two\nlines"), PermanentError, "ValidationError: two lines$"),
    (answer("ValidationError", "x" * 900), PermanentError, r"x\.\.\.$"),
    (ConnectTimeoutError(endpoint_url="http://e"), TransientError, "check the endpoint"),
    (ReadTimeoutError(endpoint_url="http://e"), TransientError, "check the endpoint"),
    (EndpointConnectionError(endpoint_url="http://e"), TransientError, "check the endpoint"),
    (ResponseStreamingError(error="cut"), TransientError, "check the endpoint"),
    (NoCredentialsError(), PermanentError, "give credentials"),
    (ParamValidationError(report="bad"), PermanentError, "bad"),
]


@pytest.mark.parametrize(("error", "kind", "words"), CASES)
def test_each_error_is_told_once(error: Exception, kind: type[ReleaseError], words: str) -> None:
    with pytest.raises(kind, match=f"^AWS could not read it: .*{words}") as caught, aws_errors_told("read it"):
        raise error
    assert caught.value.__cause__ is error and len(str(caught.value)) < 500


def test_other_errors_pass_untouched() -> None:
    with pytest.raises(KeyError), aws_errors_told("read it"):
        raise KeyError("x")


@pytest.mark.parametrize(
    ("error", "absent"),
    [
        (answer("ValidationError", "Stack with id X does not exist"), True),
        (answer("ValidationError", "1 validation error detected"), False),
        (answer("AccessDenied", "does not exist"), False),
    ],
)
def test_absence_of_a_stack(error: ClientError, absent: bool) -> None:
    assert tells_absence(error) is absent


@pytest.mark.parametrize(
    ("text", "bucket"),
    [
        ("plain", "plain"),
        ("cdk-namecard-assets-${AWS::AccountId}-${AWS::Region}", "cdk-namecard-assets-111122223333-eu-west-1"),
        ("a-${AWS::Region}", "a-eu-west-1"),
    ],
)
def test_a_buckets_pseudo_parameters_are_filled(text: str, bucket: str) -> None:
    clients = cast(AwsClients, SimpleNamespace(region="eu-west-1", account="111122223333"))
    assert resolve_bucket(text, clients) == bucket
