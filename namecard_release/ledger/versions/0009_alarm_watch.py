"""What was decided after a bake, and when something was first noticed about a promotion."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add both tables; nothing that is there changes."""
    op.create_table(
        "post_bake_decisions",
        sa.Column("promotion_id", sa.String(120), sa.ForeignKey("promotions.id"), primary_key=True),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("to_release", sa.String(40)),
        sa.Column("arns", sa.JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "watch_marks",
        sa.Column("promotion_id", sa.String(120), sa.ForeignKey("promotions.id"), primary_key=True),
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("mark", sa.String(500), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Forget both."""
    op.drop_table("watch_marks")
    op.drop_table("post_bake_decisions")
