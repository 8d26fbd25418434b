"""The ways back: asynchronous invocations of functions, or messages into a queue that feeds them. No decision here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.dead_letters.bodies import marked_payload
from namecard_release.adapters.dead_letters.queue import AT_ONCE, queue_url
from namecard_release.dlq_port import Replay, SendFailure
from namecard_release.errors import PermanentError, TransientError

# AWS API reference, Invoke: an asynchronous invocation takes this many bytes.
_LARGEST = 1024 * 1024


class FunctionWay:
    """Invokes the functions that failed, asynchronously. Keeps the port `ReplayWay`.

    The key goes in the payload: Lambda gives a client context to synchronous invocations only.
    """

    at_once = 1

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def send(self, replays: Sequence[Replay]) -> tuple[SendFailure, ...]:
        """Invoke each; gives those that were not taken."""
        failures = (self._invoke(replay) for replay in replays)
        return tuple(failure for failure in failures if failure is not None)

    def _invoke(self, replay: Replay) -> SendFailure | None:
        payload = marked_payload(replay.letter, replay.key, replay.attempt)
        if len(payload) > _LARGEST:
            reason = f"with its replay key it is {len(payload)} bytes, and an asynchronous invocation takes {_LARGEST}"
            return SendFailure(replay.letter.message_id, reason, transient=False)
        name = replay.target.function
        try:
            with aws_errors_told(f"invoke {name}"):
                answer = self._clients.functions.invoke(FunctionName=name, InvocationType="Event", Payload=payload)
                # Empty, and yet a stream that keeps its connection until it is read.
                answer["Payload"].read()
        except TransientError as error:
            return SendFailure(replay.letter.message_id, str(error), transient=True)
        except PermanentError as error:
            return SendFailure(replay.letter.message_id, str(error), transient=False)
        return None


class QueueWay:
    """Sends payloads into one queue, with key, attempt, function and service as attributes. Keeps `ReplayWay`.

    A FIFO queue is given the key as its deduplication id, and the service as its group.
    """

    at_once = AT_ONCE

    def __init__(self, clients: AwsClients, name: str) -> None:
        self._clients = clients
        self._name = name

    @cached_property
    def _url(self) -> str:
        return queue_url(self._clients, self._name)

    def send(self, replays: Sequence[Replay]) -> tuple[SendFailure, ...]:
        """Send at most ten in one call; gives those that were not taken."""
        entries: Any = [self._entry(str(number), replay) for number, replay in enumerate(replays)]
        try:
            with aws_errors_told(f"send to {self._name}"):
                answer = self._clients.sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
        except (TransientError, PermanentError) as error:
            transient = isinstance(error, TransientError)
            return tuple(SendFailure(one.letter.message_id, str(error), transient) for one in replays)
        return tuple(
            SendFailure(
                replays[int(failed["Id"])].letter.message_id,
                f"{self._name} did not take it: {failed.get('Code')}",
                transient=not failed.get("SenderFault", False),
            )
            for failed in answer.get("Failed", ())
        )

    def _entry(self, number: str, replay: Replay) -> dict[str, object]:
        told = {
            "ReplayKey": replay.key,
            "ReplayAttempt": str(replay.attempt),
            "ReplayFunction": replay.target.function,
            "ReplayService": replay.target.service,
        }
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}
        body = marked_payload(replay.letter, replay.key, replay.attempt).decode()
        entry: dict[str, object] = {"Id": number, "MessageBody": body, "MessageAttributes": attributes}
        if self._name.endswith(".fifo"):
            entry |= {
                "MessageDeduplicationId": f"{replay.key}-{replay.attempt}",
                "MessageGroupId": replay.target.service,
            }
        return entry
