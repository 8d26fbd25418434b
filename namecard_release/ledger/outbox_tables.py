"""The outbox's tables, on the ledger's metadata. Reading and writing them is `outbox`'s."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table

from namecard_release.ledger.schema import Moment, Words, metadata

outbox_messages = Table(
    "outbox_messages",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    # For ever: what was queued once is never queued again, whoever asks after whatever restart.
    Column("key", String(200), nullable=False, unique=True),
    Column("channel", String(20), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("title", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("unsure", Boolean, nullable=False),
    Column("since", Moment, nullable=False),
    Column("next_try", Moment),
    Column("reason", Words, nullable=False),
    Column("receipt", Words, nullable=False),
    Index("outbox_by_state", "channel", "state", "number"),
    Index("outbox_by_subject", "subject", "number"),
)

# One row a try: a rate limit is counted from them.
outbox_tries = Table(
    "outbox_tries",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("number", Integer, ForeignKey("outbox_messages.number"), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("at", Moment, nullable=False),
    Index("outbox_tries_by_channel", "channel", "at"),
)
