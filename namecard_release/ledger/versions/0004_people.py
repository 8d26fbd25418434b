"""Approvals, pauses, what a promotion waits for, and the audit trail, which the database itself only lets grow."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from namecard_release.domain.audit import AUTOMATION, AuditEvent, Head, seal_entry

revision = "0004"
down_revision = "0003"

_MOMENT = sa.DateTime(timezone=True)
_TOLD = "the audit trail is append-only"
_SQLITE = (
    f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{_TOLD}'); END",
    f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, '{_TOLD}'); END",
    # INSERT OR REPLACE removes the row in its way without asking the trigger above.
    "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE n = NEW.n) "
    f"BEGIN SELECT RAISE(ABORT, '{_TOLD}'); END",
)
_POSTGRESQL = (
    "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_TOLD}'; END $$",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()",
)
_COUNTED = ("promotions", "gates", "decisions", "holds", "waivers")


def upgrade() -> None:
    """Add the tables; the trail of a ledger that is not new begins with what it held by then."""
    op.add_column("promotions", sa.Column("waiting", sa.Text))
    op.add_column("promotions", sa.Column("freeze_override", sa.Text))
    op.add_column("promotion_moves", sa.Column("audit", sa.Text))
    _create_approvals_and_pauses()
    _create_audit()
    _begin_trail()
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def _create_approvals_and_pauses() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("environment", sa.String(40), nullable=False),
        sa.Column("release", sa.String(40), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("revoked_at", _MOMENT),
        sa.Column("revoked_by", sa.Text),
    )
    op.create_index("approvals_by_release", "approvals", ["environment", "release"])
    op.create_table(
        "pauses",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("environment", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("until", _MOMENT),
        sa.Column("ended_at", _MOMENT),
        sa.Column("ended_by", sa.Text),
    )
    op.create_index("pauses_by_environment", "pauses", ["environment"])


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("environment", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_index("audit_by_environment", "audit", ["environment", "n"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )


def _begin_trail() -> None:
    connection = op.get_bind()
    counts = {name: connection.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one() for name in _COUNTED}
    head = Head()
    if any(counts.values()):
        told = "what was decided before is in the other tables alone"
        event = AuditEvent(datetime.now(UTC), AUTOMATION, "ledger upgraded", "ledger", None, told, counts)
        entry = seal_entry(event, head)
        columns: list[sa.ColumnClause[object]] = [sa.column(name) for name in asdict(entry)]
        connection.execute(sa.insert(sa.table("audit", *columns)).values(**asdict(entry)))
        head = Head(entry.n, entry.hash)
    heads = sa.table("audit_head", sa.column("id"), sa.column("n"), sa.column("hash"))
    connection.execute(sa.insert(heads).values(id=1, n=head.n, hash=head.hash))


def downgrade() -> None:
    """Forget it, the trail as well."""
    op.drop_table("audit_head")
    op.drop_table("audit")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_audit_change()")
    op.drop_table("pauses")
    op.drop_table("approvals")
    op.drop_column("promotion_moves", "audit")
    op.drop_column("promotions", "freeze_override")
    op.drop_column("promotions", "waiting")
