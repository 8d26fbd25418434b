"""Only dead letters that can carry no key are found by their content: the rest need no place in that index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
_NAME, _TABLE, _COLUMNS = "dead_letters_by_digest", "dead_letters", ["environment", "digest"]


def upgrade() -> None:
    """Make the index again, over fewer rows; no row changes."""
    op.drop_index(_NAME, _TABLE)
    op.create_index(
        *(_NAME, _TABLE, _COLUMNS), sqlite_where=sa.text("carried = 0"), postgresql_where=sa.text("NOT carried")
    )


def downgrade() -> None:
    """Make the index over all rows again."""
    op.drop_index(_NAME, _TABLE)
    op.create_index(_NAME, _TABLE, _COLUMNS)
