"""Mitigations: a setting changed from a value to another, and undone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
_UNSETTLED = sa.text("state IN ('INTENDED', 'UNDOING')")


def upgrade() -> None:
    """Add the table; nothing that is there changes."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "mitigations",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("environment", sa.String(40), nullable=False),
        sa.Column("key", sa.String(400), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("playbook", sa.String(40), nullable=False),
        sa.Column("lever", sa.String(40), nullable=False),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("resource", sa.String(200), nullable=False),
        sa.Column("qualifier", sa.String(140), nullable=False),
        sa.Column("logical_id", sa.String(255), nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("incident", sa.String(40), sa.ForeignKey("incidents.id")),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("intended_at", moment, nullable=False),
        sa.Column("ended_at", moment),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("undo_actor", sa.Text, nullable=False),
        sa.Column("undo_reason", sa.Text, nullable=False),
        sa.Column("undo_at", moment),
        sa.Column("undone_at", moment),
        sa.Column("told", sa.String(10), nullable=False),
    )
    op.create_index("ix_mitigations_incident", "mitigations", ["incident"])
    op.create_index(
        "mitigations_unsettled",
        "mitigations",
        ["key"],
        unique=True,
        sqlite_where=_UNSETTLED,
        postgresql_where=_UNSETTLED,
    )
    op.create_index("mitigations_by_state", "mitigations", ["environment", "state"])


def downgrade() -> None:
    """Forget it."""
    op.drop_table("mitigations")
