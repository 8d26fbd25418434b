"""Who waits for an environment's lease, and when what must always run was last seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add both tables; nothing that is there changes."""
    op.create_table(
        "lease_waits",
        sa.Column("promotion_id", sa.String(120), sa.ForeignKey("promotions.id"), primary_key=True),
        sa.Column("environment", sa.String(40), nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
    op.create_index("lease_waits_by_environment", "lease_waits", ["environment"])
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Forget both."""
    op.drop_table("heartbeats")
    op.drop_index("lease_waits_by_environment", "lease_waits")
    op.drop_table("lease_waits")
