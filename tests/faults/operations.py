"""Every AWS operation that the product asks for, with a call of ours that makes it.

`test_operations.py` finds the operations in the source and fails for one that is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from namecard_release.adapters.aws_clients import AwsPatience
from namecard_release.adapters.cloud import AwsCloud
from namecard_release.adapters.target_database import database_url_from_secret
from namecard_release.domain.assembly import Assembly, FunctionCode
from namecard_release.errors import TransientError

STACK = "NameCardApi-staging"
BUCKET = "assets-000000000000-ap-southeast-1"
KEY = "0" * 64 + ".zip"
FUNCTION, ALARM = "AuthServiceFunction", "AuthServiceErrorsAlarm1A2B3C4D"
SECRET = "namecard/database/staging"
# For all faults but silence: a slow machine is not to be taken for one.
PATIENT, HASTY = AwsPatience(connect=3.0, read=5.0), AwsPatience(connect=0.3, read=0.3)
SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
_CODE = FunctionCode(STACK, FUNCTION, "assets-${AWS::AccountId}-${AWS::Region}", KEY)
_ASSEMBLY = Assembly("d", "a" * 40, "staging", "i", "", (STACK,), (_CODE,), None, SINCE)


class Asked:
    """The product's way to AWS, nothing remembered between two calls."""

    def __init__(self, url: str, env: Mapping[str, str], patience: AwsPatience) -> None:
        self.url, self.env, self.patience = url, dict(env), patience
        self.cloud = AwsCloud("ap-southeast-1", url, self.env, patience)

    def forget(self) -> None:
        """Forget what was read, for the next call to ask again."""
        self.cloud.forget_alarms()
        self.cloud._codes._published.clear()
        self.cloud._clients.__dict__.pop("account", None)

    def functions(self) -> object:
        """Read code digests; what is unread there is told, not raised."""
        read = self.cloud.functions(_ASSEMBLY)
        unread = [one.unread for one in read if one.unread]
        if unread:
            raise TransientError(unread[0])
        return read


def _secret(asked: Asked) -> object:
    return database_url_from_secret("ap-southeast-1", asked.url, asked.env, SECRET, asked.patience)


CALLS: dict[str, Callable[[Asked], object]] = {
    "cloudformation.DescribeStacks": lambda asked: asked.cloud.stack_statuses([STACK]),
    "cloudformation.ListStackResources": lambda asked: asked.cloud.alarms([STACK]),
    "cloudwatch.DescribeAlarms": lambda asked: asked.cloud.alarms([STACK]),
    "cloudwatch.GetMetricData": lambda asked: asked.cloud.latencies([STACK], SINCE, UNTIL),
    "lambda.GetFunctionConfiguration": lambda asked: asked.functions(),
    "s3.GetObject": lambda asked: asked.functions(),
    "secretsmanager.GetSecretValue": _secret,
    "sts.GetCallerIdentity": lambda asked: asked.functions(),
}
# Told among other things that were read, and never raised.
TOLD_AS_UNREAD = frozenset({"lambda.GetFunctionConfiguration", "s3.GetObject", "sts.GetCallerIdentity"})
