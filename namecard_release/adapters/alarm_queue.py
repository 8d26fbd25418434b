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
_LONGEST_NAME, _LONGEST_REASON = 255, 1023
_ARN = re.compile(r"arn:[\w-]+:cloudwatch:[\w-]+:\d+:alarm:.+")
_ZONE = re.compile(r"([+-]\d{2})(\d{2})$")


class SqsAlarmQueue:
    """The queues of one region; `env` as for AwsClients. Keeps the port `AlarmQueue`.

    What is received comes again after `visibility_seconds` unless it is deleted.
    """

    def __init__(
        self,
        region: str,
        endpoint_url: str | None = None,
        env: Mapping[str, str] | None = None,
        visibility_seconds: int = _VISIBILITY_SECONDS,
    ) -> None:
        self._clients = AwsClients(region, endpoint_url, env)
        self._visibility = visibility_seconds
        self._urls: dict[str, str] = {}

    def receive(self, queue: str) -> tuple[PushedAlarm, ...]:
        """Receive up to ten messages without waiting; one that is no alarm is logged and left to the redrive."""
        with aws_errors_told(f"receive alarms from the queue {queue}"):
            answer = self._clients.sqs.receive_message(
                QueueUrl=self._url(queue), MaxNumberOfMessages=_AT_ONCE, VisibilityTimeout=self._visibility
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
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        # Never its text: a body that is not understood may hold anything.
        told = (queue, message.get("MessageId", "?"), type(error).__name__)
        logger.warning("A message of the queue %s is no alarm: %s (%s); it is left to the queue's redrive", *told)
        return None


def read_push(body: str) -> AlarmReading:
    """Read the body of a message: CloudWatch's own JSON, alone (raw delivery) or inside SNS's envelope.

    Raises ValueError, KeyError, TypeError, AttributeError, ArithmeticError or RecursionError for anything else.
    """
    told: Any = json.loads(body)
    topic = ""
    if told.get("Type") == "Notification":
        topic, told = told.get("TopicArn", ""), json.loads(told["Message"])
    name = _plain(told["AlarmName"], _LONGEST_NAME)
    arn = told.get("AlarmArn") or _name_beside(topic, name, told.get("AWSAccountId"))
    if not name or not _ARN.fullmatch(_plain(arn, len(arn))):
        raise ValueError("an alarm that CloudWatch could not have named")
    # CloudWatch writes the zone without a colon, which Python 3.11's fromisoformat takes, and older messages with Z.
    since = datetime.fromisoformat(_ZONE.sub(r"\1:\2", told["StateChangeTime"]))
    return AlarmReading(
        name=logical_name(name),
        arn=arn,
        state=AlarmState(told["NewStateValue"]),
        since=(since if since.tzinfo else since.replace(tzinfo=UTC)).astimezone(UTC),
        reason=_cleaned(str(told.get("NewStateReason", "")))[:_LONGEST_REASON],
    )


def _plain(text: str, longest: int) -> str:
    if not isinstance(text, str) or len(text) > longest or text != _cleaned(text):
        raise ValueError("a name that is no plain text")
    return text


def _cleaned(text: str) -> str:
    """Leave out what no database keeps: control characters and halves of a character."""
    return "".join(one for one in text if one.isprintable() or one in "\n\t").encode(errors="ignore").decode()


def _name_beside(topic: str, alarm: str, account: str | None) -> str:
    """Name an alarm whose ARN is not told: it is in the region of the topic that it notifies."""
    parts = topic.split(":")
    if len(parts) != 6:
        raise ValueError("an alarm without an ARN, and no topic to tell its region")
    return f"arn:{parts[1]}:cloudwatch:{parts[3]}:{account or parts[4]}:alarm:{alarm}"
