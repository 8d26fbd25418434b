"""One open hold of a release in an environment, whoever races for it, and promotions of all environments by time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_OPEN = sa.text("released_at IS NULL")
_LATER_TWINS = """
    DELETE FROM holds WHERE released_at IS NULL AND id NOT IN
        (SELECT min(id) FROM holds WHERE released_at IS NULL GROUP BY environment, release)
"""


def upgrade() -> None:
    """Drop what stood twice and forbid it; the columns stay as they are."""
    op.execute(_LATER_TWINS)
    op.create_index(
        "holds_open", "holds", ["environment", "release"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_index("promotions_by_request", "promotions", ["requested_at"])


def downgrade() -> None:
    """Allow it again."""
    op.drop_index("promotions_by_request", "promotions")
    op.drop_index("holds_open", "holds")
