"""The table of mitigations, on the ledger's metadata. Reading and writing it is `mitigations`'."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, text

from namecard_release.ledger.schema import Moment, Words, metadata

_UNSETTLED = text("state IN ('INTENDED', 'UNDOING')")

mitigations = Table(
    "mitigations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("environment", String(40), nullable=False),
    Column("key", String(400), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("playbook", String(40), nullable=False),
    Column("lever", String(40), nullable=False),
    Column("service", String(40), nullable=False),
    Column("resource", String(200), nullable=False),
    Column("qualifier", String(140), nullable=False),
    Column("logical_id", String(255), nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("actor", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("incident", String(40), ForeignKey("incidents.id"), index=True),
    Column("run_id", String(64), nullable=False),
    Column("intended_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("outcome", Words, nullable=False),
    Column("undo_actor", Words, nullable=False),
    Column("undo_reason", Words, nullable=False),
    Column("undo_at", Moment),
    Column("undone_at", Moment),
    Column("told", String(10), nullable=False),
    # One change of a setting at a time, whoever races for it. PostgreSQL has the same condition from the migration.
    Index("mitigations_unsettled", "key", unique=True, sqlite_where=_UNSETTLED),
    Index("mitigations_by_state", "environment", "state"),
)
