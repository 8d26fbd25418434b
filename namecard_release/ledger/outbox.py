"""Messages to people, kept until their channel has taken them. When to try and how to send is not decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, delete, exists, func, insert, or_, select, update

from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.messages import (
    Backlog,
    Channel,
    ClosedChannel,
    Message,
    MessageKind,
    MessageState,
    QueuedMessage,
)
from namecard_release.errors import PermanentError
from namecard_release.ledger.audit import append_event
from namecard_release.ledger.outbox_tables import closed_channels, outbox_messages, outbox_tries
from namecard_release.ledger.store import Store

_WAITS = outbox_messages.c.state == MessageState.WAITING.value


def queue_messages(connection: Connection, messages: Sequence[Message]) -> int:
    """Keep messages, redacted, inside a transaction of the ledger; gives how many are new.

    A key that is kept already is ignored, also when two transactions queue it at the same moment.
    """
    if not messages:
        return 0
    # Both databases of the ledger know this clause, each by its own dialect's insert.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as dialect_insert
    else:
        from sqlalchemy.dialects.sqlite import insert as dialect_insert  # type: ignore[assignment]
    new = 0
    for message in messages:
        statement = dialect_insert(outbox_messages).values(**_row(message)).on_conflict_do_nothing()
        new += connection.execute(statement).rowcount
    return new


class SqlOutbox(Store):
    """The outbox in the ledger's database: `SqlOutbox(engine, now)`, or `outbox_of(ledger)`."""

    def queue(self, messages: Sequence[Message]) -> int:
        """Keep messages, redacted, in the order given; gives how many are new."""
        with self.writing() as connection:
            return queue_messages(connection, messages)

    def waiting(self, channel: Channel, now: datetime, limit: int) -> tuple[QueuedMessage, ...]:
        """Give the messages that may be tried now, in their order."""
        earlier = outbox_messages.alias("earlier")
        holding = and_(
            earlier.c.channel == channel.value,
            earlier.c.subject == outbox_messages.c.subject,
            earlier.c.state == MessageState.WAITING.value,
            earlier.c.number <= outbox_messages.c.number,
            earlier.c.next_try > now,
        )
        own = (outbox_messages.c.channel == channel.value) & _WAITS & ~exists().where(holding)
        query = select(outbox_messages).where(own).order_by(outbox_messages.c.number).limit(limit)
        with self.reading() as connection:
            return tuple(_read(row) for row in connection.execute(query).mappings())

    def claim(self, key: str, attempts: int, at: datetime, until: datetime) -> bool:
        """Begin a try of a message that had so many; False when somebody else has begun one."""
        own = (outbox_messages.c.key == key) & (outbox_messages.c.attempts == attempts) & _WAITS
        begun = update(outbox_messages).where(own).values(attempts=attempts + 1, unsure=True, next_try=until)
        with self.writing() as connection:
            row = connection.execute(begun.returning(outbox_messages.c.number, outbox_messages.c.channel)).first()
            if row is not None:
                connection.execute(insert(outbox_tries).values(number=row.number, channel=row.channel, at=at))
        return row is not None

    def sent(self, key: str, at: datetime, receipt: str) -> None:
        """Record that the channel took a message."""
        self._end(key, MessageState.SENT, at, receipt=receipt, reason="")

    def failed(self, key: str, at: datetime, reason: str, next_try: datetime, *, unsure: bool = False) -> None:
        """Record a try that failed for now."""
        values = {"reason": _redact(reason), "next_try": next_try, "unsure": unsure}
        self._change(key, values, only=_WAITS)

    def refused(self, key: str, at: datetime, reason: str) -> None:
        """Record that the channel will never take a message as it is."""
        self._end(key, MessageState.REFUSED, at, reason=_redact(reason))

    def retry(self, key: str, at: datetime) -> bool:
        """Let a message that waits or was refused be tried at once; False when there is none such."""
        open_ = (outbox_messages.c.key == key) & (outbox_messages.c.state != MessageState.SENT.value)
        change = update(outbox_messages).where(open_).values(state=MessageState.WAITING.value, next_try=None, since=at)
        with self.writing() as connection:
            return connection.execute(change).rowcount > 0

    def drop(self, key: str, event: AuditEvent) -> bool:
        """Let a message that waits or was refused never be sent, and say so in the audit trail, or neither.

        False when there is none such, or when a try of it is under way, whose end is its sender's to record.
        """
        column = outbox_messages.c
        open_ = column.state.in_((MessageState.WAITING.value, MessageState.REFUSED.value))
        free = or_(column.unsure.is_(False), column.next_try.is_(None), column.next_try <= event.at)
        reason = _redact(f"dropped by {event.actor}: {event.reason}")
        values = {"state": MessageState.DROPPED.value, "since": event.at, "next_try": None, "reason": reason}
        with self.writing() as connection:
            own = update(outbox_messages).where((column.key == key) & open_ & free)
            if connection.execute(own.values(**values)).rowcount == 0:
                return False
            append_event(connection, replace(event, actor=_redact(event.actor), reason=_redact(event.reason)))
        return True

    def tries(self, channel: Channel, since: datetime) -> tuple[datetime, ...]:
        """Give when tries began on a channel, oldest first."""
        own = (outbox_tries.c.channel == channel.value) & (outbox_tries.c.at >= since)
        with self.reading() as connection:
            return tuple(connection.execute(select(outbox_tries.c.at).where(own).order_by(outbox_tries.c.at)).scalars())

    def forget_tries(self, before: datetime) -> int:
        """Remove the tries that no rate limit counts any more; gives how many."""
        old = outbox_tries.c.at < before
        with self.reading() as connection:
            if connection.execute(select(outbox_tries.c.id).where(old).limit(1)).first() is None:
                return 0
        with self.writing() as connection:
            return connection.execute(delete(outbox_tries).where(old)).rowcount

    def merged(self, key: str, at: datetime, into: str) -> None:
        """Record that a message needs no sending, for a later one of its subject tells what it told."""
        self._end(key, MessageState.SENT, at, reason=f"told by {into}")

    def close_channel(self, channel: Channel, until: datetime, reason: str) -> None:
        """Let nothing be tried on a channel until a moment."""
        own = closed_channels.c.channel == channel.value
        values = {"until": until, "reason": _redact(reason)}
        with self.writing() as connection:
            again = update(closed_channels).where(own).values(**values, failures=closed_channels.c.failures + 1)
            if connection.execute(again).rowcount == 0:
                connection.execute(insert(closed_channels).values(channel=channel.value, failures=1, **values))

    def open_channel(self, channel: Channel) -> None:
        """Record that a channel takes messages."""
        with self.writing() as connection:
            connection.execute(delete(closed_channels).where(closed_channels.c.channel == channel.value))

    def closed_channels(self) -> Mapping[Channel, ClosedChannel]:
        """Give the channels whose last answer closed them."""
        with self.reading() as connection:
            rows = connection.execute(select(closed_channels)).all()
        return {Channel(row.channel): ClosedChannel(row.until, row.reason, row.failures) for row in rows}

    def backlog(self, channel: Channel, refused_since: datetime) -> Backlog:
        """Count what waits on a channel, and what it refused since a moment."""
        own, column = outbox_messages.c.channel == channel.value, outbox_messages.c
        waiting = select(func.count(), func.min(column.at)).where(own & _WAITS)
        lately = own & (column.state == MessageState.REFUSED.value) & (column.since >= refused_since)
        with self.reading() as connection:
            count, oldest = connection.execute(waiting).one()
            refused = connection.execute(select(func.count()).select_from(outbox_messages).where(lately)).scalar_one()
        return Backlog(count, oldest, refused)

    def receipt(self, channel: Channel, subject: str) -> str | None:
        """Give the receipt of the first message of a subject that the channel took."""
        own = (outbox_messages.c.channel == channel.value) & (outbox_messages.c.subject == subject)
        taken = own & (outbox_messages.c.state == MessageState.SENT.value) & (outbox_messages.c.receipt != "")
        query = select(outbox_messages.c.receipt).where(taken).order_by(outbox_messages.c.number).limit(1)
        with self.reading() as connection:
            return connection.execute(query).scalar()

    def messages(
        self,
        limit: int,
        *,
        channel: Channel | None = None,
        state: MessageState | None = None,
        subject: str | None = None,
    ) -> tuple[QueuedMessage, ...]:
        """Give kept messages, newest first."""
        query = select(outbox_messages).order_by(outbox_messages.c.number.desc()).limit(limit)
        wanted = {"channel": channel and channel.value, "state": state and state.value, "subject": subject}
        for name, value in wanted.items():
            if value is not None:
                query = query.where(outbox_messages.c[name] == value)
        with self.reading() as connection:
            return tuple(_read(row) for row in connection.execute(query).mappings())

    def message(self, key: str) -> QueuedMessage | None:
        """Give one message."""
        with self.reading() as connection:
            row = connection.execute(select(outbox_messages).where(outbox_messages.c.key == key)).mappings().first()
        return None if row is None else _read(row)

    def _end(self, key: str, state: MessageState, at: datetime, **values: str) -> None:
        ended = {"state": state.value, "since": at, "next_try": None, "unsure": False, **values}
        self._change(key, ended, only=or_(_WAITS, outbox_messages.c.state == state.value))

    def _change(self, key: str, values: dict[str, Any], *, only: Any) -> None:
        change = update(outbox_messages).where((outbox_messages.c.key == key) & only).values(**values)
        with self.writing() as connection:
            if connection.execute(change).rowcount == 0:
                raise PermanentError(f"the outbox has no message {key} that waits: see 'namecard-release outbox list'")


def outbox_of(ledger: Store) -> SqlOutbox:
    """Give the outbox in the database of a ledger, over the same connections and clock."""
    return SqlOutbox(ledger._engine, ledger._now)


def _redact(text: str) -> str:
    # Its patterns take a moment to load, which who only reads the ledger need not spend.
    from namecard_release.redaction import redact

    return redact(text)


def _row(message: Message) -> dict[str, Any]:
    return {
        "key": message.key,
        "channel": message.channel.value,
        "subject": message.subject,
        "kind": message.kind.value,
        "title": _redact(message.title),
        "text": _redact(message.text),
        "fields": [[name, _redact(value)] for name, value in message.fields],
        "at": message.at,
        "state": MessageState.WAITING.value,
        "attempts": 0,
        "unsure": False,
        "since": message.at,
        "reason": "",
        "receipt": "",
    }


def _read(row: RowMapping) -> QueuedMessage:
    message = Message(
        key=row["key"],
        channel=Channel(row["channel"]),
        subject=row["subject"],
        kind=MessageKind(row["kind"]),
        title=row["title"],
        text=row["text"],
        at=row["at"],
        fields=tuple((name, value) for name, value in row["fields"]),
    )
    kept = {name: row[name] for name in ("number", "attempts", "unsure", "since", "next_try", "reason", "receipt")}
    return QueuedMessage(message=message, state=MessageState(row["state"]), **kept)
