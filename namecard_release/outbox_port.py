"""What the orchestration needs of the outbox, as a Protocol; the other ports are in `ports` and `ledger_port`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from namecard_release.domain.messages import Channel, Message, MessageState, QueuedMessage


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

    def receipt(self, channel: Channel, subject: str) -> str | None:
        """Give the receipt of the first message of a subject that the channel took: a thread, a page."""
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
