"""What botocore is told to look at in every request and answer: time limits, and who it is that answers.

Retries and time-outs of one attempt are botocore's own; translating errors is in `aws_errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError

from namecard_release.time_limits import is_spent

_REQUEST_IDS = frozenset({"x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id"})


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


def refuse_foreign(**told: Any) -> None:
    """Refuse an answer without a request id, which AWS gives with each; for `before-parse`. Raises ForeignAnswerError.

    Refusals pass: their form is looked at by botocore, and a gateway's 503 is a reason to try again.
    """
    answer: Mapping[str, Any] = told["response_dict"]
    names = {name.lower() for name in answer["headers"]}
    if answer["status_code"] < 300 and not names & _REQUEST_IDS:
        raise ForeignAnswerError
