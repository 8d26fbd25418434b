"""The journal of dead letters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table; nothing that is there changes."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "dead_letters",
        sa.Column("environment", sa.String(40), primary_key=True),
        sa.Column("message_id", sa.String(120), primary_key=True),
        sa.Column("replay_key", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("function", sa.Text, nullable=False),
        sa.Column("request_id", sa.String(120)),
        sa.Column("error_name", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("archive", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("carried", sa.Boolean, nullable=False),
        sa.Column("sent_at", moment, nullable=False),
        sa.Column("intended_at", moment, nullable=False),
        sa.Column("settled_at", moment),
        sa.Column("run_id", sa.String(64), nullable=False),
    )
    op.create_index("dead_letters_by_key", "dead_letters", ["environment", "replay_key"])
    op.create_index("dead_letters_by_digest", "dead_letters", ["environment", "digest"])
    op.create_index("dead_letters_by_state", "dead_letters", ["environment", "state", "intended_at"])


def downgrade() -> None:
    """Forget it."""
    for name in ("dead_letters_by_state", "dead_letters_by_digest", "dead_letters_by_key"):
        op.drop_index(name, "dead_letters")
    op.drop_table("dead_letters")
