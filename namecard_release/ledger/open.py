"""A ledger opened by its URL and brought to the newest schema. Alembic is imported only when there is work for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError
from sqlalchemy.pool import ConnectionPoolEntry

from namecard_release.errors import MisuseError, PermanentError
from namecard_release.ledger.baselines import load_json
from namecard_release.ledger.sql_ledger import SqlLedger
from namecard_release.ledger.store import WRITES, telling, utc_now

# The newest file in versions/; a test keeps them equal.
HEAD = "0013"
_BUSY_SECONDS = 30
_POOL_SECONDS = 10
_IDLE_MILLISECONDS = 30_000
_MISUSE = "paths.ledger_url is not a ledger's URL: write sqlite:///path/to/file or postgresql://user@host/database"


def open_ledger(url: str, now: Callable[[], datetime] = utc_now) -> SqlLedger:
    """Open the ledger and migrate it when it is not at the newest schema; leases expire by the clock `now`.

    Raises MisuseError for a malformed URL, TransientError when the database does not answer, PermanentError when it
    is no ledger.
    """
    engine = make_engine(url)
    with telling():
        if read_revision(engine) != HEAD:
            from namecard_release.ledger.migrate import migrate

            migrate(engine)
    return SqlLedger(engine, now)


def make_engine(url: str) -> Engine:
    """Make the engine of a ledger's URL: SQLite with a write-ahead log, PostgreSQL through psycopg2."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        # Without its cause: that quotes the URL, which may hold a password.
        raise MisuseError(_MISUSE) from None
    if parsed.drivername in ("postgresql", "postgresql+psycopg2"):
        return _make_postgres(parsed)
    if parsed.drivername in ("sqlite", "sqlite+pysqlite") and parsed.database not in (None, "", ":memory:"):
        return _make_sqlite(parsed)
    raise MisuseError(_MISUSE)


def _make_postgres(url: URL) -> Engine:
    from namecard_release.postgres_limits import CONNECT_SECONDS, KEEPALIVE, LimitedConnection

    # What the URL says about these itself stands.
    limits = {"connect_timeout": CONNECT_SECONDS, **KEEPALIVE}
    arguments: dict[str, object] = {name: value for name, value in limits.items() if name not in url.query}
    arguments["connection_factory"] = LimitedConnection
    engine = create_engine(
        url.set(drivername="postgresql+psycopg2"),
        pool_pre_ping=True,
        json_deserializer=load_json,
        pool_timeout=_POOL_SECONDS,
        connect_args=arguments,
    )
    event.listen(engine, "connect", _prepare_postgres)
    return engine


def _prepare_postgres(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # A transaction whose client the network took away would keep its locks; not as a start-up option, which poolers
    # refuse.
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"set idle_in_transaction_session_timeout = {_IDLE_MILLISECONDS}")
    connection.commit()


def _make_sqlite(url: URL) -> Engine:
    folder = Path(url.database or "").parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError(f"the ledger's folder {folder} cannot be made: {error.strerror}") from error
    engine = create_engine(url, json_deserializer=load_json, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, and only before a write; `_begin_sqlite` does it instead.
    connection.isolation_level = None
    with closing(connection.cursor()) as cursor:
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def read_revision(engine: Engine) -> str | None:
    """Read the schema's revision, None for a database without one."""
    with engine.connect() as connection:
        try:
            return connection.execute(text("select version_num from alembic_version")).scalar()
        except (OperationalError, ProgrammingError):
            return None
