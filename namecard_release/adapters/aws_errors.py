"""AWS errors translated into this project's, in one place. What to do about them does not belong here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from namecard_release.errors import PermanentError, ReleaseError, TransientError
from namecard_release.time_limits import within

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_WAIT_CODES = frozenset(
    {
        *("Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestThrottled"),
        *("RequestThrottledException", "RequestLimitExceeded", "LimitExceededException", "BandwidthLimitExceeded"),
        *("ProvisionedThroughputExceededException", "SlowDown", "PriorRequestNotComplete", "RequestTimeout"),
        *("RequestTimeoutException", "ServiceUnavailable", "ServiceUnavailableException", "InternalFailure"),
        *("InternalError", "InternalServiceError", "InternalServerError", "ServiceException", "EC2ThrottledException"),
    }
)
_EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_DENIED_CODES = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "InvalidClientTokenId", "AuthFailure"}
)
_LONGEST = 300
# Of one operation with all its pages and retries; the last attempt may begin right before the end.
_SECONDS = 20.0


@contextmanager
def aws_errors_told(what: str, seconds: float = _SECONDS) -> Iterator[None]:
    """Translate whatever botocore raises inside; `what` continues "AWS could not ..." for a person.

    No attempt begins after `seconds`; a generator that yields inside would lend that limit to its caller.

    Raises TransientError for throttling, time-outs, connections, answers that are cut off or not from AWS, and its
    own faults; PermanentError for the rest.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    from namecard_release.adapters.aws_answers import ForeignAnswerError

    try:
        with within(seconds):
            yield
    except ClientError as error:
        raise _translate_answer(error, what) from error
    except BotoCoreError as error:
        raise _translate_failure(error, what) from error
    except ResponseParserError as error:
        raise _translate_failure(ForeignAnswerError(), what) from error


def tells_absence(error: ClientError) -> bool:
    """Tell whether CloudFormation answered that there is no such stack, which it calls a validation error."""
    answer = error.response.get("Error", {})
    return answer.get("Code") == "ValidationError" and "does not exist" in answer.get("Message", "")


def _translate_answer(error: ClientError, what: str) -> ReleaseError:
    answer = error.response.get("Error", {})
    code, message = answer.get("Code", "Unknown"), answer.get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    told = f"AWS could not {what}: {code}: {_one_line(message) or 'no message'}"
    if code in _WAIT_CODES or status == 429 or status >= 500:
        return TransientError(f"{told}; try again in a moment")
    if code in _EXPIRED_CODES:
        return PermanentError(f"{told}; renew the credentials")
    if code in _DENIED_CODES:
        return PermanentError(f"{told}; check the credentials and their permissions")
    return PermanentError(told)


def _translate_failure(error: BotoCoreError, what: str) -> ReleaseError:
    from botocore import exceptions as known
    from botocore.exceptions import NoCredentialsError, PartialCredentialsError

    from namecard_release.adapters.aws_answers import ForeignAnswerError, TimeSpentError

    told = f"AWS could not {what}: {_one_line(str(error))}"
    if isinstance(error, TimeSpentError):
        return TransientError(f"{told}; try again in a moment")
    mangled = (known.IncompleteReadError, known.ChecksumError, known.FlexibleChecksumError, ForeignAnswerError)
    unreached = (known.HTTPClientError, known.ConnectionError, known.CredentialRetrievalError)
    if isinstance(error, (*mangled, *unreached)):
        return TransientError(f"{told}; check the endpoint and the network, then try again")
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return PermanentError(f"{told}; give credentials through the default chain or aws.env in the settings")
    return PermanentError(told)


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 3]}..."
