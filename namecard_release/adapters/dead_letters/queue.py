"""The queue of dead letters on SQS, in batches of ten, which is all that SQS takes at once. No decision here."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.dead_letters.bodies import BodyReader, moment_of
from namecard_release.dlq_port import QueueDepth, Received
from namecard_release.errors import RefusedError, ReleaseError

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

AT_ONCE = 10
_DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "MessageRetentionPeriod",
)


class SqsDeadLetterQueue:
    """One queue by name. Keeps the port `DeadLetterQueue`."""

    def __init__(self, clients: AwsClients, name: str, reader: BodyReader) -> None:
        self._clients = clients
        self._name = name
        self._reader = reader

    @property
    def name(self) -> str:
        """The queue's name."""
        return self._name

    @cached_property
    def _url(self) -> str:
        return queue_url(self._clients, self._name)

    def depth(self) -> QueueDepth:
        """Read how many messages there are, about."""
        with aws_errors_told(f"read the depth of {self._name}"):
            answer = self._clients.sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=list(_DEPTHS))  # type: ignore[arg-type]
        told: Any = answer.get("Attributes", {})
        return QueueDepth(*(int(told.get(name, 0)) for name in _DEPTHS))

    def receive(self, most: int, hide_seconds: int, wait_seconds: int = 0) -> tuple[Received, ...]:
        """Receive at most ten messages and hide them; waits for one at most `wait_seconds` long."""
        with aws_errors_told(f"receive from {self._name}"):
            answer = self._clients.sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(most, AT_ONCE),
                VisibilityTimeout=hide_seconds,
                WaitTimeSeconds=wait_seconds,
                MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
                MessageAttributeNames=["All"],
            )
        messages = answer.get("Messages", ())
        try:
            return tuple(self._read(message) for message in messages)
        except BaseException:
            # An expression of the settings that fails on one of them; nobody else is to do without all of them.
            with suppress(ReleaseError):
                self._show([message["ReceiptHandle"] for message in messages])
            raise

    def _read(self, message: MessageTypeDef) -> Received:
        system: Any = message.get("Attributes", {})
        told = message.get("MessageAttributes", {})
        attributes = {name: value.get("StringValue", "") for name, value in told.items()}
        letter = self._reader.read(
            message["MessageId"],
            message["Body"],
            attributes,
            moment_of(system.get("SentTimestamp")),
            int(system.get("ApproximateReceiveCount", 0)),
        )
        return Received(letter, message["ReceiptHandle"])

    def show(self, received: Sequence[Received]) -> None:
        """Let others see messages again at once; one that is no longer hidden by us is passed over."""
        self._show([one.receipt for one in received])

    def _show(self, receipts: Sequence[str]) -> None:
        for start in range(0, len(receipts), AT_ONCE):
            entries: Any = [
                {"Id": str(number), "ReceiptHandle": one, "VisibilityTimeout": 0}
                for number, one in enumerate(receipts[start : start + AT_ONCE])
            ]
            with aws_errors_told(f"show messages of {self._name} again"):
                self._clients.sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def delete(self, received: Sequence[Received]) -> tuple[str, ...]:
        """Delete messages; gives the ids of those that could not be deleted."""
        undeleted: list[str] = []
        for start in range(0, len(received), AT_ONCE):
            part = received[start : start + AT_ONCE]
            entries: Any = [{"Id": str(number), "ReceiptHandle": one.receipt} for number, one in enumerate(part)]
            with aws_errors_told(f"delete from {self._name}"):
                answer = self._clients.sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
            undeleted += [part[int(failed["Id"])].letter.message_id for failed in answer.get("Failed", ())]
        return tuple(undeleted)


def queue_url(clients: AwsClients, name: str) -> str:
    """Find a queue's address. Raises RefusedError where there is no such queue."""
    from botocore.exceptions import ClientError

    with aws_errors_told(f"find the queue {name}"):
        try:
            return clients.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        except ClientError as error:
            if "NonExistentQueue" in error.response.get("Error", {}).get("Code", ""):
                raise RefusedError(f"there is no queue {name} in {clients.region}: see dead_letters.queue") from error
            raise
