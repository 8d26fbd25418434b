"""Incidents: what they are, their alarms, their story, what fell due of them, and what was gathered for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_MOMENT = sa.DateTime(timezone=True)
_TABLES = ("incident_evidence", "incident_slots", "incident_entries", "incident_breaches", "incidents")


def upgrade() -> None:
    """Add the tables; nothing that is there changes."""
    _create_incidents()
    _create_breaches()
    op.create_table(
        "incident_entries",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _incident(),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("ix_incident_entries_incident", "incident_entries", ["incident"])
    op.create_table(
        "incident_slots",
        sa.Column("incident", sa.String(40), sa.ForeignKey("incidents.id"), primary_key=True),
        sa.Column("kind", sa.String(30), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("due", _MOMENT, nullable=False),
        sa.Column("covered", sa.Text),
    )
    op.create_table(
        "incident_evidence",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _incident(),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("headline", sa.Text, nullable=False),
        sa.Column("failed_requests", sa.Integer),
        sa.Column("customers", sa.Integer),
        sa.Column("details", sa.JSON, nullable=False),
    )
    op.create_index("ix_incident_evidence_incident", "incident_evidence", ["incident"])


def _incident() -> sa.Column[str]:
    return sa.Column("incident", sa.String(40), sa.ForeignKey("incidents.id"), nullable=False)


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False, unique=True),
        sa.Column("environment", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("service", sa.String(255), nullable=False),
        sa.Column("severity", sa.String(4), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("clock_from", _MOMENT, nullable=False),
        sa.Column("promotion", sa.String(120)),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("acknowledged_at", _MOMENT),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("acknowledged_through", sa.String(20)),
        sa.Column("resolved_at", _MOMENT),
        sa.Column("resolved_by", sa.Text),
        sa.Column("resolution", sa.Text),
        sa.Column("root_cause", sa.Text),
        sa.Column("data_at_risk", sa.Text),
        sa.Column("retrospective_due", _MOMENT),
        sa.Column("done", sa.JSON, nullable=False),
        sa.Column("closed_at", _MOMENT),
    )
    # One open incident of a fingerprint, whoever races to open it.
    _create_partial("incidents_open", "incidents", ["environment", "kind", "service"], "resolved_at IS NULL")
    op.create_index("incidents_unfinished", "incidents", ["closed_at"])


def _create_breaches() -> None:
    op.create_table(
        "incident_breaches",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _incident(),
        sa.Column("arn", sa.String(400), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("ix_incident_breaches_incident", "incident_breaches", ["incident"])
    op.create_index("incident_breaches_by_alarm", "incident_breaches", ["arn", "id"])
    _create_partial("incident_breaches_active", "incident_breaches", ["arn"], "ended_at IS NULL")


def _create_partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    """Forget them."""
    for table in _TABLES:
        op.drop_table(table)
