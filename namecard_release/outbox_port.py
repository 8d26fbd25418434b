"""What the orchestration needs of the outbox and the channels, as Protocols; other ports: `ports`, `ledger_port`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from namecard_release.domain.delivery import Answer
    from namecard_release.domain.messages import Backlog, Channel, ClosedChannel, Message, MessageState, QueuedMessage


class Outbox(Protocol):
    """Messages kept in the ledger until their channel has taken them. Every write is one transaction."""

    def queue(self, messages: Sequence[Message]) -> int:
        """Keep messages, redacted, in the order given; a key that is kept already is ignored. Gives how many are new.

        Ledger code that must queue in the transaction of its own change calls `ledger.outbox.queue_messages`.
        """
        ...

    def waiting(self, channel: Channel, now: datetime, limit: int) -> tuple[QueuedMessage, ...]:
        """Give the messages that may be tried now, in their order.

        A message behind another one of its subject that is not to be tried yet, waits with it.
        """
        ...

    def claim(self, key: str, attempts: int, at: datetime, until: datetime) -> bool:
        """Begin a try of a message that had so many; no other try begins before `until`. False when one has begun."""
        ...

    def sent(self, key: str, at: datetime, receipt: str) -> None:
        """Record that the channel took a message; `receipt` is its id there."""
        ...

    def failed(self, key: str, at: datetime, reason: str, next_try: datetime, *, unsure: bool = False) -> None:
        """Record a try that failed for now; `unsure` when the channel may have taken the message all the same."""
        ...

    def refused(self, key: str, at: datetime, reason: str) -> None:
        """Record that the channel will never take a message as it is; what comes after it no longer waits for it."""
        ...

    def retry(self, key: str, at: datetime) -> bool:
        """Let a message that waits or was refused be tried at once; False when there is none such."""
        ...

    def tries(self, channel: Channel, since: datetime) -> tuple[datetime, ...]:
        """Give when tries began on a channel, oldest first: what a rate limit is counted from, over restarts."""
        ...

    def merged(self, key: str, at: datetime, into: str) -> None:
        """Record that a message needs no sending, for a later one of its subject tells what it told."""
        ...

    def forget_tries(self, before: datetime) -> int:
        """Remove the tries that no rate limit counts any more; gives how many."""
        ...

    def close_channel(self, channel: Channel, until: datetime, reason: str) -> None:
        """Let nothing be tried on a channel until a moment; `reason` is what it answered."""
        ...

    def open_channel(self, channel: Channel) -> None:
        """Record that a channel takes messages."""
        ...

    def closed_channels(self) -> Mapping[Channel, ClosedChannel]:
        """Give the channels whose last answer closed them, also where the time to try again has come."""
        ...

    def backlog(self, channel: Channel, refused_since: datetime) -> Backlog:
        """Count what waits on a channel, and what it refused since a moment."""
        ...

    def receipt(self, channel: Channel, subject: str) -> str | None:
        """Give the receipt of the first message of a subject that the channel took: a thread, a page."""
        ...

    def message(self, key: str) -> QueuedMessage | None:
        """Give one message, None when there is none of that key."""
        ...

    def messages(
        self,
        limit: int,
        *,
        channel: Channel | None = None,
        state: MessageState | None = None,
        subject: str | None = None,
    ) -> tuple[QueuedMessage, ...]:
        """Give kept messages, newest first, those of a channel, state or subject alone when it is given."""
        ...


class Sender(Protocol):
    """One channel. It never raises for what the channel answers or does not answer: that is the `Answer`."""

    @property
    def where(self) -> str:
        """Where messages go, for a person."""
        ...

    @property
    def per_minute(self) -> int:
        """How many tries a minute the channel may see."""
        ...

    def send(self, message: Message, thread: str | None) -> Answer:
        """Send a message; `thread` is the receipt of its subject's first one, None for the first itself."""
        ...

    def find(self, message: Message, thread: str | None) -> Answer:
        """Look for a message that may have been taken: TAKEN with its receipt, NOT_TAKEN, or UNSURE."""
        ...

    def check(self) -> Answer:
        """Ask whether the channel would take messages, sending none: TAKEN when it would."""
        ...
