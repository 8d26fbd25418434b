"""The steps of fast paths, each intended before it is taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table; nothing that is there changes."""
    op.create_table(
        "fast_path_steps",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("promotion_id", sa.String(120), sa.ForeignKey("promotions.id"), nullable=False),
        sa.Column("purpose", sa.String(10), nullable=False),
        sa.Column("step", sa.JSON, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_fast_path_steps_promotion_id", "fast_path_steps", ["promotion_id"])


def downgrade() -> None:
    """Forget it."""
    op.drop_index("ix_fast_path_steps_promotion_id", "fast_path_steps")
    op.drop_table("fast_path_steps")
