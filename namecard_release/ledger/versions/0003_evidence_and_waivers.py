"""Checks found by what they were made from, waivers, and what a promotion was waived."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_MOMENT = sa.DateTime(timezone=True)
_GATES = sa.table("gates", sa.column("id", sa.Integer), sa.column("evidence", sa.JSON), sa.column("inputs", sa.String))
_ROWS = 1000


def upgrade() -> None:
    """Add what is new; results of before are found by the inputs that their evidence tells, where it does."""
    op.add_column("gates", sa.Column("inputs", sa.String(64)))
    op.create_index("gates_by_inputs", "gates", ["inputs", "gate", "ended_at"])
    _copy_inputs()
    op.add_column("promotions", sa.Column("waived", sa.JSON, nullable=False, server_default="[]"))
    op.create_table(
        "waivers",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("gate", sa.String(60), nullable=False),
        sa.Column("release", sa.String(40), nullable=False),
        sa.Column("environment", sa.String(40)),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("revoked_at", _MOMENT),
        sa.Column("revoked_by", sa.Text),
    )
    op.create_index("waivers_by_release", "waivers", ["release"])


def _copy_inputs() -> None:
    connection, last = op.get_bind(), 0
    while True:
        page = sa.select(_GATES.c.id, _GATES.c.evidence).where(_GATES.c.id > last).order_by(_GATES.c.id).limit(_ROWS)
        rows = connection.execute(page).all()
        for number, evidence in rows:
            inputs = (evidence or {}).get("inputs")
            if inputs:
                connection.execute(sa.update(_GATES).where(_GATES.c.id == number).values(inputs=inputs[:64]))
        if len(rows) < _ROWS:
            return
        last = rows[-1][0]


def downgrade() -> None:
    """Forget it; a ledger that goes back forgets its waivers."""
    op.drop_table("waivers")
    op.drop_column("promotions", "waived")
    op.drop_index("gates_by_inputs", "gates")
    op.drop_column("gates", "inputs")
