"""The table of dead letters: which message was archived where, and how far its replay came. No payload is kept here."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from namecard_release.ledger.schema import Moment, Words, metadata

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("environment", String(40), primary_key=True),
    Column("message_id", String(120), primary_key=True),
    Column("replay_key", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("service", String(40), nullable=False),
    Column("function", Text, nullable=False),
    Column("request_id", String(120)),
    Column("error_name", Words),
    Column("reason", Words, nullable=False),
    Column("state", String(20), nullable=False),
    Column("archive", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("carried", Boolean, nullable=False),
    Column("sent_at", Moment, nullable=False),
    Column("intended_at", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("run_id", String(64), nullable=False),
    Index("dead_letters_by_key", "environment", "replay_key"),
    Index("dead_letters_by_state", "environment", "state", "intended_at"),
)
# Only payloads that can carry no key are looked for by their content.
_KEYLESS = ~dead_letters.c.carried
Index(
    "dead_letters_by_digest",
    *(dead_letters.c.environment, dead_letters.c.digest),
    sqlite_where=_KEYLESS,
    postgresql_where=_KEYLESS,
)
