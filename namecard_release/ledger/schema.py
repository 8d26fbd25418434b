"""The ledger's tables. Reading and writing them is in the modules beside this one; changing them is a migration."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

metadata = MetaData()


class Moment(TypeDecorator[datetime]):
    """A moment kept in UTC; SQLite forgets time zones, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a moment into UTC. Raises ValueError for one without a time zone, which could be any moment."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment in the ledger needs a time zone: {value.isoformat()}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the moment its time zone back."""
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


class Words(TypeDecorator[str]):
    """Free text, where output of commands may end up; what no database takes (NUL, half a surrogate) is replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what cannot be kept."""
        if value is None:
            return None
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


promotions = Table(
    "promotions",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("environment", String(40), nullable=False),
    Column("release", String(40), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("phase", String(20), nullable=False),
    Column("actor", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("assembly", String(64)),
    Column("previous_release", String(40)),
    Column("deploy_started_at", Moment),
    Column("deployed_at", Moment),
    Column("bake_until", Moment),
    Column("ended_at", Moment),
    Column("schema_version", Text),
    Column("code_changed", Boolean, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("baseline", JSON, nullable=False),
    Column("waived", JSON, nullable=False),
    Column("waiting", Words),
    Column("freeze_override", Words),
    Index("promotions_by_environment", "environment", "requested_at"),
    Index("promotions_by_request", "requested_at"),
)

promotion_moves = Table(
    "promotion_moves",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("promotion_id", String(120), ForeignKey("promotions.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("phase", String(20), nullable=False),
    Column("reason", Words, nullable=False),
    # The entry of the audit trail that tells this move, where one does.
    Column("audit", Text),
)

gates = Table(
    "gates",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("gate", String(60), nullable=False),
    Column("release", String(40), nullable=False),
    Column("environment", String(40)),
    Column("verdict", String(10), nullable=False),
    Column("reason", Words, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=False),
    Column("phases", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("run_id", String(64), nullable=False),
    # What a check was made from; NULL for a result for which an earlier check stands.
    Column("inputs", String(64)),
    Index("gates_by_release", "release", "ended_at"),
    Index("gates_by_inputs", "inputs", "gate", "ended_at"),
)

# The primary key is what makes a decision about a promotion one of a kind, whoever races for it.
decisions = Table(
    "decisions",
    metadata,
    Column("promotion_id", String(120), ForeignKey("promotions.id"), primary_key=True),
    # A promotion that is resumed by another run is decided about anew.
    Column("run_id", String(64), primary_key=True),
    Column("action", String(20), nullable=False),
    Column("reason", Words, nullable=False),
    Column("to_release", String(40)),
    Column("arns", JSON, nullable=False),
    Column("at", Moment, nullable=False),
)

_OPEN = text("released_at IS NULL")

holds = Table(
    "holds",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("environment", String(40), nullable=False),
    Column("release", String(40), nullable=False),
    Column("reason", Words, nullable=False),
    Column("actor", Words, nullable=False),
    Column("since", Moment, nullable=False),
    Column("released_at", Moment),
    Column("released_by", Words),
    Index("holds_by_release", "environment", "release"),
    # PostgreSQL has the same condition from the migration; told here it would load that dialect in every process.
    Index("holds_open", "environment", "release", unique=True, sqlite_where=_OPEN),
)

# A waiver is never changed but for its revocation.
waivers = Table(
    "waivers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("gate", String(60), nullable=False),
    Column("release", String(40), nullable=False),
    Column("environment", String(40)),
    Column("actor", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("since", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("revoked_by", Words),
    Index("waivers_by_release", "release"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("environment", String(40), nullable=False),
    Column("release", String(40), nullable=False),
    Column("actor", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("revoked_by", Words),
    Index("approvals_by_release", "environment", "release"),
)

pauses = Table(
    "pauses",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("environment", String(40), nullable=False),
    Column("reason", Words, nullable=False),
    Column("actor", Words, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Column("ended_at", Moment),
    Column("ended_by", Words),
    Index("pauses_by_environment", "environment"),
)

# Texts as they were sealed, moments and details among them: a type that reads them in its own way would hide a change.
# Triggers of the migration refuse to change or remove a row.
audit = Table(
    "audit",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("environment", Text),
    Column("reason", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("audit_by_environment", "environment", "n"),
)

# One row: the newest entry, noted beside the trail. Whoever appends locks it, so that writers come one by one.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, nullable=False),
    Column("hash", Text, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("environment", String(40), primary_key=True),
    Column("holder", String(120), nullable=False),
    Column("token", Integer, nullable=False),
    Column("expires_at", Float, nullable=False),
)

lease_waits = Table(
    "lease_waits",
    metadata,
    Column("promotion_id", String(120), ForeignKey("promotions.id"), primary_key=True),
    Column("environment", String(40), nullable=False),
    # One that is not asked for again until then has died in the queue, and nobody waits for it.
    Column("expires_at", Float, nullable=False),
    Index("lease_waits_by_environment", "environment"),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("seen_at", Moment, nullable=False),
)
