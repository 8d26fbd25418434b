"""Transactions of the ledger, and a database's errors told once in this project's words. No table is named here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, IntegrityError, InterfaceError, OperationalError, StatementError, TimeoutError
from sqlalchemy.sql import Executable

from namecard_release.errors import PermanentError, ReleaseError, TransientError

# The execution option that makes a transaction take SQLite's write lock at its start: a read followed by a write
# would else fail at once, without waiting, when another process wrote in between.
WRITES = "ledger_writes"


def utc_now() -> datetime:
    """Give the present moment."""
    return datetime.now(UTC)


class Store:
    """One database with its clock; the tables' classes build on it."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._writer = engine.execution_options(**{WRITES: True})
        self._now = now
        # Called first in every transaction that writes; raises to refuse it.
        self._fence: Callable[[Connection], None] | None = None

    def close(self) -> None:
        """Close the pooled connections; the next call opens new ones."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for one read. Raises TransientError or PermanentError."""
        with telling(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a transaction that is kept at the block's end.

        Raises TransientError or PermanentError, and RefusedError in a ledger that is fenced by a lost lease.
        """
        with telling(), self._writer.begin() as connection:
            if self._fence is not None:
                self._fence(connection)
            yield connection

    def insert_new(self, *statements: Executable, then: Callable[[Connection], None] | None = None) -> bool:
        """Run inserts together, and `then` in their transaction; False when a constraint refused one: none is kept."""
        try:
            with self.writing() as connection:
                for statement in statements:
                    connection.execute(statement)
                if then is not None:
                    then(connection)
        except PermanentError as error:
            if isinstance(error.__cause__, IntegrityError):
                return False
            raise
        return True


@contextmanager
def telling() -> Iterator[None]:
    """Turn a database's error into TransientError (locked, unreachable) or PermanentError.

    A value that a column's type refuses comes through as that type raised it.
    """
    try:
        yield
    except TimeoutError as error:
        raise TransientError("the ledger is busy: every connection of this process is in use") from error
    except (DatabaseError, InterfaceError) as error:
        raise _translate(error) from error
    except StatementError as error:
        raise error.orig or error from None


def _translate(error: DatabaseError | InterfaceError) -> ReleaseError:
    told = next(iter(str(error.orig).splitlines()), type(error.orig).__name__)
    if _is_transient(error):
        return TransientError(f"the ledger does not answer: {told}\nsee that its database runs, then try again")
    return PermanentError(f"the ledger cannot be used: {told}\ncheck paths.ledger_url in the settings")


def _is_transient(error: DatabaseError | InterfaceError) -> bool:
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    # SQLite calls a full disk or an unreadable file operational, too; only a lock goes away by itself.
    name = getattr(error.orig, "sqlite_errorname", None)
    return name is None or name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
