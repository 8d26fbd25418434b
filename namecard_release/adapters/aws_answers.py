"""What botocore is told to look at in every request and answer: time limits, how it is sent, who it is that answers.

Retries and time-outs of one attempt are botocore's own; translating errors is in `aws_errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from botocore.exceptions import BotoCoreError

from namecard_release.time_limits import is_spent

_REQUEST_IDS = frozenset({"x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id"})

# RFC 9110, section 10.1.1: asking before a body is sent pays where the body is large.
_ASKED_FOR_BYTES = 1024 * 1024


class TimeSpentError(BotoCoreError):
    """The call's time is over; botocore tries nothing again for an error of this kind."""

    fmt = "no answer in the time that it may take"


class ForeignAnswerError(BotoCoreError):
    """What answered is not AWS, or not whole: a portal's page, say, which some parsers take for an empty answer."""

    fmt = "the answer is none of AWS"


def refuse_late(**_: object) -> None:
    """Refuse an attempt that would begin after the limit; for the event `before-send`. Raises TimeSpentError."""
    if is_spent():
        raise TimeSpentError


def send_at_once(**told: Any) -> None:
    """Send a small body along with its headers; for `before-call.s3`, after botocore's own handlers.

    botocore asks S3 first whether it would take the body (`Expect: 100-continue`), one more way there and back.
    """
    headers: dict[str, str] = told["params"]["headers"]
    body = told["params"].get("body")
    # With a checksum after it, the body is wrapped, and its length is in a header.
    size = headers.get("X-Amz-Decoded-Content-Length")
    if size is None and isinstance(body, BytesIO):
        size = str(body.getbuffer().nbytes)
    if size is not None and int(size) < _ASKED_FOR_BYTES:
        headers.pop("Expect", None)


def refuse_foreign(**told: Any) -> None:
    """Refuse an answer without a request id, which AWS gives with each; for `before-parse`. Raises ForeignAnswerError.

    Refusals pass: their form is looked at by botocore, and a gateway's 503 is a reason to try again.
    """
    answer: Mapping[str, Any] = told["response_dict"]
    names = {name.lower() for name in answer["headers"]}
    if answer["status_code"] < 300 and not names & _REQUEST_IDS:
        raise ForeignAnswerError
