"""What cdk prints when it loses AWS, and what it prints when AWS said no."""

from __future__ import annotations

import pytest

from namecard_release.domain.deploy_contact import explain_lost_contact


@pytest.mark.parametrize(
    "line",
    [
        "Rate exceeded",
        # As cdk 2.1148 prints them.
        "‣ Throttling: Rate exceeded",
        "‣ InternalFailure: We encountered an internal error",
        "‣ Unknown: Unknown",
        "‣ NoCredentials: Need to perform AWS calls for account 000000000000, but no credentials have been configured",
        "TooManyRequestsException: Too Many Requests",
        "NameCardApi-staging: InternalFailure: We encountered an internal error. Please try again.",
        "ServiceUnavailable: Service is unable to handle request.",
        "connect ECONNREFUSED 127.0.0.1:4566",
        "read ECONNRESET",
        "Error: socket hang up",
        "getaddrinfo ENOTFOUND cloudformation.ap-southeast-1.amazonaws.com",
        "getaddrinfo EAI_AGAIN sts.amazonaws.com",
        "TimeoutError: Connection timed out after 120000 ms",
    ],
)
def test_lost(line: str) -> None:
    assert explain_lost_contact(("NameCardApi-staging: deploying... [2/2]", line, "")) == line


@pytest.mark.parametrize(
    "tail",
    [
        (),
        ("done",),
        ("AccessDeniedException: User is not authorized to perform cloudformation:UpdateStack",),
        ("‣ ExpiredToken: The security token included in the request is expired",),
        ("ValidationError: Template format error",),
        # The throttling is a resource's, and CloudFormation has answered by undoing the stack.
        ("AuthServiceFunction UPDATE_FAILED Rate exceeded (Service: Lambda, Status Code: 429)",),
        ("Rate exceeded", "NameCardApi-staging failed: UPDATE_ROLLBACK_COMPLETE"),
        ("Rate exceeded", *["line"] * 12),
        # A word of a migration's, not of the network.
        ("SchemaMigrator: relation rate_exceededs does not exist",),
    ],
)
def test_answered(tail: tuple[str, ...]) -> None:
    assert explain_lost_contact(tail) is None


def test_the_line_is_short() -> None:
    assert len(explain_lost_contact(("Rate exceeded " + "x" * 900,)) or "") == 200
