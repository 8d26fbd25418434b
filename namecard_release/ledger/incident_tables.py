"""The incidents' tables, on the ledger's metadata. Reading and writing them is `incidents`'."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, text

from namecard_release.ledger.schema import Moment, Words, metadata

_OPEN = text("resolved_at IS NULL")
_ACTIVE = text("ended_at IS NULL")

incidents = Table(
    "incidents",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("environment", String(40), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("service", String(255), nullable=False),
    Column("severity", String(4), nullable=False),
    Column("title", Words, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("clock_from", Moment, nullable=False),
    Column("promotion", String(120)),
    Column("cause", Words, nullable=False),
    Column("version", Integer, nullable=False),
    Column("acknowledged_at", Moment),
    Column("acknowledged_by", Words),
    Column("acknowledged_through", String(20)),
    Column("resolved_at", Moment),
    Column("resolved_by", Words),
    Column("resolution", Words),
    Column("root_cause", Words),
    Column("data_at_risk", Words),
    Column("retrospective_due", Moment),
    Column("done", JSON, nullable=False),
    Column("closed_at", Moment),
    # PostgreSQL has the same condition from the migration; told here it would load that dialect in every process.
    Index("incidents_open", "environment", "kind", "service", unique=True, sqlite_where=_OPEN),
    Index("incidents_unfinished", "closed_at"),
)

incident_breaches = Table(
    "incident_breaches",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("incident", String(40), ForeignKey("incidents.id"), nullable=False, index=True),
    Column("arn", String(400), nullable=False),
    Column("name", String(255), nullable=False),
    Column("since", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("reason", Words, nullable=False),
    Index("incident_breaches_by_alarm", "arn", "id"),
    # An alarm is in ALARM once at a time, and for one incident.
    Index("incident_breaches_active", "arn", unique=True, sqlite_where=_ACTIVE),
)

incident_entries = Table(
    "incident_entries",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("incident", String(40), ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("what", String(40), nullable=False),
    Column("actor", Words, nullable=False),
    Column("text", Words, nullable=False),
)

# The primary key is what makes a slot one of a kind, whoever races for it and after whatever restart.
incident_slots = Table(
    "incident_slots",
    metadata,
    Column("incident", String(40), ForeignKey("incidents.id"), primary_key=True),
    Column("kind", String(30), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("due", Moment, nullable=False),
    Column("covered", Words),
)

incident_evidence = Table(
    "incident_evidence",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("incident", String(40), ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("headline", Words, nullable=False),
    Column("failed_requests", Integer),
    Column("customers", Integer),
    Column("details", JSON, nullable=False),
)
