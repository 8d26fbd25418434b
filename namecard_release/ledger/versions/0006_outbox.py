"""Messages to people, and each try to send one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add both tables; nothing that is there changes."""
    op.create_table(
        "outbox_messages",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(200), nullable=False, unique=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("unsure", sa.Boolean, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("next_try", _MOMENT),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("receipt", sa.Text, nullable=False),
    )
    op.create_index("outbox_by_state", "outbox_messages", ["channel", "state", "number"])
    op.create_index("outbox_by_subject", "outbox_messages", ["subject", "number"])
    op.create_table(
        "outbox_tries",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("number", sa.Integer, sa.ForeignKey("outbox_messages.number"), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_index("outbox_tries_by_channel", "outbox_tries", ["channel", "at"])


def downgrade() -> None:
    """Forget both."""
    op.drop_table("outbox_tries")
    op.drop_table("outbox_messages")
