"""Every AWS operation that the product asks for, with a call of ours that makes it.

`test_operations.py` finds the operations in the source and fails for one that is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore import xform_name

from namecard_release.adapters.aws_clients import AwsClients, AwsPatience
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.cloud import AwsCloud
from namecard_release.adapters.code_switch import AwsCodeSwitch
from namecard_release.adapters.dead_letters.archive import S3DeadLetterArchive
from namecard_release.adapters.dead_letters.bodies import BodyReader
from namecard_release.adapters.dead_letters.queue import SqsDeadLetterQueue, queue_url
from namecard_release.adapters.dead_letters.ways import FunctionWay, QueueWay
from namecard_release.adapters.lambdas import read_aliases, read_versions
from namecard_release.adapters.target_database import database_url_from_secret
from namecard_release.adapters.templates import believed_template
from namecard_release.dlq_port import ArchiveLine, Received, Replay
from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.assembly import Assembly, FunctionCode
from namecard_release.domain.dead_letters import BodyFormat, DeadLetter, Target
from namecard_release.domain.fast_path import Step, StepAction
from namecard_release.errors import PermanentError, TransientError

STACK = "NameCardApi-staging"
BUCKET = "assets-000000000000-ap-southeast-1"
KEY = "0" * 64 + ".zip"
FUNCTION, ALIAS, ALARM = "AuthServiceFunction", "live", "AuthServiceErrorsAlarm1A2B3C4D"
QUEUE, SINK = "namecard-staging-lambda-dlq", "namecard-staging-replay"
SECRET = "namecard/database/staging"
# For all faults but silence: a slow machine is not to be taken for one.
PATIENT, HASTY = AwsPatience(connect=3.0, read=5.0), AwsPatience(connect=0.3, read=0.3)
# A function's code runs before its invocation is answered.
SLOW_ANYWAY = AwsPatience(connect=0.3, read=1.5)
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


_READING = AlarmReading(ALARM, f"arn:aws:cloudwatch:ap-southeast-1:000000000000:alarm:{ALARM}", AlarmState.OK, SINCE)
_LETTER = DeadLetter("m", "{}", BodyFormat.RAW, "{}", "0" * 64, SINCE, function=FUNCTION, service="auth")
_LINE = ArchiveLine(_LETTER, "staging", "auth", "key", "quarantine", "why", 1, SINCE, "run")
_RECEIVED = Received(_LETTER, "a receipt")


def _replay(function: str) -> Replay:
    return Replay(_LETTER, Target(function, "auth"), "key", 1)


def _sent(way: FunctionWay | QueueWay, replay: Replay) -> None:
    for failure in way.send([replay]):
        raise (TransientError if failure.transient else PermanentError)(failure.reason)


def _queue(asked: Asked) -> SqsDeadLetterQueue:
    return SqsDeadLetterQueue(asked.clients, QUEUE, BodyReader(()))


def _archive(asked: Asked) -> S3DeadLetterArchive:
    return S3DeadLetterArchive(asked.clients, BUCKET, "")


def function_name(client: Any) -> str:
    """Read the physical name of the stack's function."""
    listed = client.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    return next(str(one["PhysicalResourceId"]) for one in listed if one["LogicalResourceId"] == FUNCTION)


CALLS: dict[str, Callable[[Asked], object]] = {
    "cloudformation.DescribeStacks": lambda asked: asked.cloud.stack_statuses([STACK]),
    "cloudformation.GetTemplate": lambda asked: believed_template(asked.clients, STACK),
    "cloudformation.ListStackResources": lambda asked: asked.cloud.alarms([STACK]),
    "cloudwatch.DescribeAlarmHistory": lambda asked: asked.cloud.alarm_history([_READING], SINCE),
    "cloudwatch.DescribeAlarms": lambda asked: asked.cloud.alarms([STACK]),
    "cloudwatch.GetMetricData": lambda asked: asked.cloud.latencies([STACK], SINCE, UNTIL),
    "lambda.GetAlias": lambda asked: read_aliases(asked.clients, asked.name, (ALIAS,), ()),
    "lambda.GetFunctionConfiguration": lambda asked: asked.functions(),
    "lambda.ListVersionsByFunction": lambda asked: read_versions(asked.clients, asked.name),
    "lambda.UpdateAlias": lambda asked: asked.switch(StepAction.SHIFT_ALIAS, "1"),
    "lambda.UpdateFunctionCode": lambda asked: asked.switch(StepAction.RESTORE_CODE, KEY),
    "lambda.Invoke": lambda asked: _sent(FunctionWay(asked.clients), _replay(asked.name)),
    "s3.GetObject": lambda asked: asked.functions(),
    "s3.ListObjectsV2": lambda asked: list(_archive(asked).list_keys("staging", None, None, quarantine=False)),
    "s3.PutObject": lambda asked: _archive(asked).put([_LINE], quarantine=True).partition("hour")[0],
    "secretsmanager.GetSecretValue": _secret,
    "sqs.ChangeMessageVisibilityBatch": lambda asked: _queue(asked).show([_RECEIVED]),
    "sqs.DeleteMessageBatch": lambda asked: _queue(asked).delete([_RECEIVED]),
    "sqs.GetQueueAttributes": lambda asked: _queue(asked).depth().retention_seconds,
    "sqs.GetQueueUrl": lambda asked: queue_url(asked.clients, QUEUE),
    "sqs.ReceiveMessage": lambda asked: len(_queue(asked).receive(1, 0)),
    "sqs.SendMessageBatch": lambda asked: _sent(QueueWay(asked.clients, SINK), _replay("f")),
    "sts.GetCallerIdentity": lambda asked: asked.functions(),
}
_LOG_GROUP = "/aws/lambda/f"
_TOPIC = "arn:aws:sns:ap-southeast-1:000000000000:alarms"
_SUBSCRIPTION = f"{_TOPIC}:00000000-0000-0000-0000-000000000000"
# Asked for here as the evidence's and the drift's adapters do it: through our clients, errors told. The emulator does
# not know all of them: what it refuses is to be refused alike after a fault that passed.
RAW: dict[str, dict[str, object]] = {
    "cloudformation.DescribeStackDriftDetectionStatus": {"StackDriftDetectionId": "d"},
    "cloudformation.DescribeStackResourceDrifts": {"StackName": STACK},
    "cloudformation.DetectStackDrift": {"StackName": STACK},
    "cloudwatch.GetDashboard": {"DashboardName": "namecard-staging-observability"},
    "lambda.GetAccountSettings": {},
    "lambda.DeleteFunctionConcurrency": {"FunctionName": "f"},
    "lambda.DeleteProvisionedConcurrencyConfig": {"FunctionName": "f", "Qualifier": "live"},
    "lambda.GetFunctionConcurrency": {"FunctionName": "f"},
    "lambda.ListAliases": {"FunctionName": "f"},
    "lambda.ListProvisionedConcurrencyConfigs": {"FunctionName": "f"},
    "lambda.PublishVersion": {"FunctionName": "f"},
    "lambda.PutFunctionConcurrency": {"FunctionName": "f", "ReservedConcurrentExecutions": 5},
    "lambda.PutProvisionedConcurrencyConfig": {
        "FunctionName": "f",
        "Qualifier": "live",
        "ProvisionedConcurrentExecutions": 1,
    },
    "lambda.UpdateFunctionConfiguration": {"FunctionName": "f"},
    "logs.FilterLogEvents": {"logGroupName": _LOG_GROUP},
    "logs.GetQueryResults": {"queryId": "q"},
    "logs.StartQuery": {"logGroupName": _LOG_GROUP, "startTime": 0, "endTime": 1, "queryString": "limit 1"},
    "logs.StopQuery": {"queryId": "q"},
    "cloudwatch.PutCompositeAlarm": {"AlarmName": "both", "AlarmRule": "ALARM(one) OR ALARM(two)"},
    "cloudwatch.PutMetricAlarm": {
        "AlarmName": "wired",
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    },
    "rds.DescribeDBClusters": {"DBClusterIdentifier": "namecard-staging-aurora"},
    "rds.DescribeDBInstances": {"Filters": [{"Name": "db-cluster-id", "Values": ["namecard-staging-aurora"]}]},
    "rds.DescribeDBProxyTargetGroups": {"DBProxyName": "namecard-staging-proxy"},
    "rds.FailoverDBCluster": {"DBClusterIdentifier": "namecard-staging-aurora"},
    "rds.ModifyDBProxyTargetGroup": {"DBProxyName": "namecard-staging-proxy", "TargetGroupName": "default"},
    "sns.CreateTopic": {"Name": "alarms"},
    "sns.GetSubscriptionAttributes": {"SubscriptionArn": _SUBSCRIPTION},
    "sns.GetTopicAttributes": {"TopicArn": _TOPIC},
    "sns.ListSubscriptionsByTopic": {"TopicArn": _TOPIC},
    "sns.SetSubscriptionAttributes": {"SubscriptionArn": _SUBSCRIPTION, "AttributeName": "RawMessageDelivery"},
    "sns.Subscribe": {"TopicArn": _TOPIC, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:ap-southeast-1:000000000000:q"},
    "sqs.CreateQueue": {"QueueName": "alarm-events"},
    "sqs.SetQueueAttributes": {"QueueUrl": "http://nobody/000000000000/q", "Attributes": {"VisibilityTimeout": "30"}},
    "xray.GetServiceGraph": {"StartTime": SINCE, "EndTime": SINCE},
}


def ask_raw(asked: Asked, operation: str) -> object:
    """Ask for an operation through our clients; gives what kinds of things were told, or the refusal's kind."""
    service, _, name = operation.partition(".")
    try:
        with aws_errors_told(f"answer {name}"):
            answer = getattr(asked.clients._client(service), xform_name(name))(**RAW[operation])
    except PermanentError as error:
        if "expired" in str(error) or "AccessDenied" in str(error):
            raise
        return "refused"
    return sorted(answer)


CALLS |= {operation: partial(ask_raw, operation=operation) for operation in RAW}

# Other ways that the product has to the same operations.
MORE: dict[str, Callable[[Asked], object]] = {
    "cloudwatch.GetMetricData": lambda asked: asked.cloud.alarm_metrics(asked.cloud.alarms([STACK]), SINCE, UNTIL),
}

# Told among other things that were read, and never raised.
TOLD_AS_UNREAD = frozenset({"lambda.GetFunctionConfiguration", "s3.GetObject", "sts.GetCallerIdentity"})
