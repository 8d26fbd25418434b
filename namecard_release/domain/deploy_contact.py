"""Whether the deploying tool failed because it lost AWS, by what it printed last. What to do then is elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

# What the AWS SDK for JavaScript and Node say of a request that was not answered as it should. The last two are what
# cdk 2.1148 makes of a gateway's page, and of an STS that it does not reach (seen with a server that answers so).
_LOST = re.compile(
    r"\b(Throttling(Exception)?|ThrottledException|TooManyRequests(Exception)?|RequestLimitExceeded|Rate exceeded"
    r"|SlowDown|RequestTimeout(Exception)?|ServiceUnavailable(Exception)?|Service Unavailable|InternalFailure"
    r"|InternalServerError|InternalError|ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH"
    r"|ENOTFOUND|EAI_AGAIN|TimeoutError|socket hang up|NetworkingError|network socket disconnected"
    r"|Unknown: Unknown|NoCredentials: Need to perform AWS calls for account)\b",
    re.IGNORECASE,
)
# CloudFormation's own words about a stack or a resource: an answer, whatever went wrong inside of it.
_ANSWERED = re.compile(
    r"\b(CREATE_FAILED|UPDATE_FAILED|DELETE_FAILED|ROLLBACK_\w+|UPDATE_ROLLBACK_\w+|AccessDenied\w*|ExpiredToken\w*"
    r"|UnrecognizedClient\w*|InvalidClientTokenId|ValidationError|is not authorized)\b"
)
_LAST = 12
_LONGEST = 200


def explain_lost_contact(tail: Sequence[str]) -> str | None:
    """Give the line that tells that AWS was lost; None where what was printed last tells of an answer, or nothing."""
    last = [line.strip() for line in tail if line.strip()][-_LAST:]
    if any(_ANSWERED.search(line) for line in last):
        return None
    return next((line[:_LONGEST] for line in reversed(last) if _LOST.search(line)), None)
