"""The first tables: promotions and their moves, gates, decisions, holds, leases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "promotions",
        sa.Column("id", sa.String(120), primary_key=True),
        sa.Column("environment", sa.String(40), nullable=False),
        sa.Column("release", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("phase", sa.String(20), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("requested_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("assembly", sa.String(64)),
        sa.Column("previous_release", sa.String(40)),
        sa.Column("deploy_started_at", _MOMENT),
        sa.Column("deployed_at", _MOMENT),
        sa.Column("bake_until", _MOMENT),
        sa.Column("ended_at", _MOMENT),
        sa.Column("schema_version", sa.Text),
        sa.Column("code_changed", sa.Boolean, nullable=False),
        sa.Column("verified", sa.Boolean, nullable=False),
        sa.Column("baseline", sa.JSON, nullable=False),
    )
    op.create_index("promotions_by_environment", "promotions", ["environment", "requested_at"])
    op.create_table(
        "promotion_moves",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("promotion_id", sa.String(120), sa.ForeignKey("promotions.id"), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("phase", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("ix_promotion_moves_promotion_id", "promotion_moves", ["promotion_id"])
    op.create_table(
        "gates",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("gate", sa.String(60), nullable=False),
        sa.Column("release", sa.String(40), nullable=False),
        sa.Column("environment", sa.String(40)),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=False),
        sa.Column("phases", sa.JSON, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
    )
    op.create_index("gates_by_release", "gates", ["release", "ended_at"])
    op.create_table(
        "decisions",
        sa.Column("promotion_id", sa.String(120), sa.ForeignKey("promotions.id"), primary_key=True),
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("to_release", sa.String(40)),
        sa.Column("arns", sa.JSON, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("environment", sa.String(40), nullable=False),
        sa.Column("release", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("released_at", _MOMENT),
        sa.Column("released_by", sa.Text),
    )
    op.create_index("holds_by_release", "holds", ["environment", "release"])
    op.create_table(
        "leases",
        sa.Column("environment", sa.String(40), primary_key=True),
        sa.Column("holder", sa.String(120), nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
