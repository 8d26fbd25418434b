"""The ledger's schema brought to the newest revision with Alembic, by one process at a time."""

from __future__ import annotations

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from namecard_release.errors import PermanentError
from namecard_release.ledger.store import WRITES

_LOCK_KEY = 7_305_220_611
_WAL_TRIES = 200
_UPGRADE_SECONDS = 600.0


def migrate(engine: Engine) -> None:
    """Upgrade to the newest revision in one transaction; a second process waits and then finds nothing to do.

    Raises PermanentError for a ledger that a newer version of this project wrote.
    """
    sqlite = engine.url.get_backend_name() == "sqlite"
    if sqlite:
        _log_ahead(engine)
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        if not sqlite:
            # Another process may be at it, and a large ledger takes its time.
            connection.connection.dbapi_connection.answer_seconds = _UPGRADE_SECONDS  # type: ignore[union-attr]
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        config = alembic_config()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise PermanentError(f"the ledger cannot be migrated: {error}\nis this version older than it?") from error


def _log_ahead(engine: Engine) -> None:
    """Switch a SQLite file to its write-ahead log, for good: readers and the writer then never wait for each other."""
    raw = engine.raw_connection()
    try:
        for attempt in range(_WAL_TRIES):
            try:
                raw.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except engine.dialect.loaded_dbapi.OperationalError as error:
                # SQLite does not wait for this lock, whatever the time-out; another process is switching right now.
                if attempt == _WAL_TRIES - 1:
                    raise OperationalError("PRAGMA journal_mode=WAL", None, error) from error
                time.sleep(0.05)
    finally:
        raw.close()


def alembic_config() -> Config:
    """Give Alembic's configuration: the script folder is inside this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
