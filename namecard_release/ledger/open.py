"""A ledger opened by its URL and brought to the newest schema. Alembic is imported only when there is work for it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError, ProgrammingError
from sqlalchemy.pool import ConnectionPoolEntry

from namecard_release.errors import MisuseError, PermanentError, TransientError
from namecard_release.ledger.sql_ledger import SqlLedger

# The newest file in versions/; a test keeps them equal.
HEAD = "0001"
_BUSY_SECONDS = 30


def open_ledger(url: str) -> SqlLedger:
    """Open the ledger and migrate it when it is not at the newest schema.

    Raises MisuseError for a malformed URL, TransientError when the database does not answer, PermanentError when it
    is no ledger.
    """
    engine = make_engine(url)
    try:
        if read_revision(engine) != HEAD:
            from namecard_release.ledger.migrate import migrate

            migrate(engine)
    except OperationalError as error:
        raise TransientError(f"the ledger does not answer: {_first_line(error)}") from error
    except DatabaseError as error:
        raise PermanentError(f"the ledger cannot be used: {_first_line(error)}") from error
    return SqlLedger(engine)


def make_engine(url: str) -> Engine:
    """Make the engine of a ledger's URL: SQLite with a write-ahead log, PostgreSQL through psycopg2."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise MisuseError("paths.ledger_url is not a database URL: write sqlite:///file or postgresql://...") from None
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg2")
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    with closing(connection.cursor()) as cursor:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")


def read_revision(engine: Engine) -> str | None:
    """Read the schema's revision, None for a database without one."""
    with engine.connect() as connection:
        try:
            return connection.execute(text("select version_num from alembic_version")).scalar()
        except (OperationalError, ProgrammingError):
            return None


def _first_line(error: DatabaseError) -> str:
    return str(error.orig).splitlines()[0]
