"""Alarms that CloudWatch pushes through SNS to an SQS queue, read as they are. What they mean is the domain's."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.domain.alarms import AlarmReading, AlarmState, logical_name
from namecard_release.incident_port import PushedAlarm

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

logger = logging.getLogger(__name__)
_AT_ONCE = 10
# Long enough for the ledger to take what was received; if it does not, the queue delivers it again.
_VISIBILITY_SECONDS = 60
_ZONE = re.compile(r"([+-]\d{2})(\d{2})$")


class SqsAlarmQueue:
    """The queues of one region; `env` as for AwsClients. Keeps the port `AlarmQueue`."""

    def __init__(self, region: str, endpoint_url: str | None = None, env: Mapping[str, str] | None = None) -> None:
        self._clients = AwsClients(region, endpoint_url, env)
        self._urls: dict[str, str] = {}

    def receive(self, queue: str) -> tuple[PushedAlarm, ...]:
        """Receive up to ten messages without waiting; one that is no alarm is logged and left to the redrive."""
        with aws_errors_told(f"receive alarms from the queue {queue}"):
            answer = self._clients.sqs.receive_message(
                QueueUrl=self._url(queue), MaxNumberOfMessages=_AT_ONCE, VisibilityTimeout=_VISIBILITY_SECONDS
            )
        return tuple(pushed for message in answer.get("Messages", []) if (pushed := _read(queue, message)) is not None)

    def delete(self, queue: str, receipts: Sequence[str]) -> None:
        """Delete messages, ten a call."""
        for start in range(0, len(receipts), _AT_ONCE):
            batch = receipts[start : start + _AT_ONCE]
            with aws_errors_told(f"delete alarms from the queue {queue}"):
                self._clients.sqs.delete_message_batch(
                    QueueUrl=self._url(queue),
                    Entries=[{"Id": str(n), "ReceiptHandle": receipt} for n, receipt in enumerate(batch)],
                )

    def _url(self, queue: str) -> str:
        if "://" in queue:
            return queue
        if queue not in self._urls:
            with aws_errors_told(f"find the queue {queue}"):
                self._urls[queue] = self._clients.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        return self._urls[queue]


def _read(queue: str, message: MessageTypeDef) -> PushedAlarm | None:
    try:
        return PushedAlarm(message["ReceiptHandle"], read_push(message.get("Body", "")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # Never its text: a body that is not understood may hold anything.
        told = (queue, message.get("MessageId", "?"), type(error).__name__)
        logger.warning("A message of the queue %s is no alarm: %s (%s); it is left to the queue's redrive", *told)
        return None


def read_push(body: str) -> AlarmReading:
    """Read the body of a message: CloudWatch's own JSON, alone (raw delivery) or inside SNS's envelope.

    Raises ValueError, KeyError, TypeError or AttributeError for anything else.
    """
    told: Any = json.loads(body)
    topic = ""
    if told.get("Type") == "Notification":
        topic, told = told.get("TopicArn", ""), json.loads(told["Message"])
    # CloudWatch writes the zone without a colon, which Python 3.11's fromisoformat takes, and older messages with Z.
    since = datetime.fromisoformat(_ZONE.sub(r"\1:\2", told["StateChangeTime"]))
    return AlarmReading(
        name=logical_name(told["AlarmName"]),
        arn=told.get("AlarmArn") or _name_beside(topic, told["AlarmName"], told.get("AWSAccountId")),
        state=AlarmState(told["NewStateValue"]),
        since=(since if since.tzinfo else since.replace(tzinfo=UTC)).astimezone(UTC),
        reason=str(told.get("NewStateReason", "")),
    )


def _name_beside(topic: str, alarm: str, account: str | None) -> str:
    """Name an alarm whose ARN is not told: it is in the region of the topic that it notifies."""
    parts = topic.split(":")
    if len(parts) != 6:
        raise ValueError("an alarm without an ARN, and no topic to tell its region")
    return f"arn:{parts[1]}:cloudwatch:{parts[3]}:{account or parts[4]}:alarm:{alarm}"
