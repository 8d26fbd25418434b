"""Every AWS operation that the product asks for, with a call of ours that makes it.

`test_operations.py` finds the operations in the source and fails for one that is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from namecard_release.adapters.aws_clients import AwsClients, AwsPatience
from namecard_release.adapters.cloud import AwsCloud
from namecard_release.adapters.code_switch import AwsCodeSwitch
from namecard_release.adapters.lambdas import read_aliases, read_versions
from namecard_release.adapters.target_database import database_url_from_secret
from namecard_release.adapters.templates import believed_template
from namecard_release.domain.assembly import Assembly, FunctionCode
from namecard_release.domain.fast_path import Step, StepAction
from namecard_release.errors import TransientError

STACK = "NameCardApi-staging"
BUCKET = "assets-000000000000-ap-southeast-1"
KEY = "0" * 64 + ".zip"
FUNCTION, ALIAS, ALARM = "AuthServiceFunction", "live", "AuthServiceErrorsAlarm1A2B3C4D"
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
        self.clients = AwsClients("ap-southeast-1", url, self.env, patience)
        self._name = ""

    def forget(self) -> None:
        """Forget what was read, for the next call to ask again."""
        self.cloud.forget_alarms()
        self.cloud._codes._published.clear()
        self.cloud._clients.__dict__.pop("account", None)

    @property
    def name(self) -> str:
        """The function's physical name."""
        self._name = self._name or function_name(self.clients.cloudformation)
        return self._name

    def switch(self, action: StepAction, to: str) -> None:
        """Change what serves."""
        step = Step(action, STACK, FUNCTION, self.name, "1", to, alias=ALIAS, bucket=BUCKET)
        AwsCodeSwitch(self.clients, lambda _: None).take(step)

    def functions(self) -> object:
        """Read code digests; what is unread there is told, not raised."""
        read = self.cloud.functions(_ASSEMBLY)
        unread = [one.unread for one in read if one.unread]
        if unread:
            raise TransientError(unread[0])
        return read


def _secret(asked: Asked) -> object:
    return database_url_from_secret("ap-southeast-1", asked.url, asked.env, SECRET, asked.patience)


def function_name(client: Any) -> str:
    """Read the physical name of the stack's function."""
    listed = client.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    return next(str(one["PhysicalResourceId"]) for one in listed if one["LogicalResourceId"] == FUNCTION)


CALLS: dict[str, Callable[[Asked], object]] = {
    "cloudformation.DescribeStacks": lambda asked: asked.cloud.stack_statuses([STACK]),
    "cloudformation.GetTemplate": lambda asked: believed_template(asked.clients, STACK),
    "cloudformation.ListStackResources": lambda asked: asked.cloud.alarms([STACK]),
    "cloudwatch.DescribeAlarms": lambda asked: asked.cloud.alarms([STACK]),
    "cloudwatch.GetMetricData": lambda asked: asked.cloud.latencies([STACK], SINCE, UNTIL),
    "lambda.GetAlias": lambda asked: read_aliases(asked.clients, asked.name, (ALIAS,), ()),
    "lambda.GetFunctionConfiguration": lambda asked: asked.functions(),
    "lambda.ListVersionsByFunction": lambda asked: read_versions(asked.clients, asked.name),
    "lambda.UpdateAlias": lambda asked: asked.switch(StepAction.SHIFT_ALIAS, "1"),
    "lambda.UpdateFunctionCode": lambda asked: asked.switch(StepAction.RESTORE_CODE, KEY),
    "s3.GetObject": lambda asked: asked.functions(),
    "secretsmanager.GetSecretValue": _secret,
    "sts.GetCallerIdentity": lambda asked: asked.functions(),
}
# Told among other things that were read, and never raised.
TOLD_AS_UNREAD = frozenset({"lambda.GetFunctionConfiguration", "s3.GetObject", "sts.GetCallerIdentity"})
