"""Transactions of the ledger, and a database's errors told once in this project's words. No table is named here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FunctionType

from sqlalchemy import Connection, Engine, RootTransaction, text
from sqlalchemy.exc import DatabaseError, IntegrityError, InterfaceError, OperationalError, StatementError, TimeoutError
from sqlalchemy.sql import Executable

from namecard_release.errors import PermanentError, ReleaseError, TransientError
from namecard_release.ledger.keeping import OutcomeUnknownError, kept_trying
from namecard_release.time_limits import is_spent

# The execution option that makes a transaction take SQLite's write lock at its start: a read followed by a write
# would else fail at once, without waiting, when another process wrote in between.
WRITES = "ledger_writes"

READ_BACK_SECONDS = 10.0
_READ_BACK_PAUSE = 0.2
_ENDED = frozenset({"committed", "aborted"})
_ADVICE = {
    "SQLITE_FULL": "free space on its disk",
    "SQLITE_READONLY": "give its file and folder to the user who runs this",
}


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

    def __init_subclass__(cls) -> None:
        """Make every public method of a part of the ledger one that is called again when nothing of it was kept."""
        super().__init_subclass__()
        for name, member in list(vars(cls).items()):
            if isinstance(member, FunctionType) and not name.startswith("_"):
                setattr(cls, name, kept_trying(member))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for one read. Raises TransientError or PermanentError."""
        with telling(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a transaction that is kept at the block's end.

        Raises TransientError when nothing was kept, OutcomeUnknownError when that is not known, PermanentError, and
        RefusedError in a ledger that is fenced by a lost lease.
        """
        with telling(), self._writer.connect() as connection:
            with _undone(connection.begin()) as transaction:
                if self._fence is not None:
                    self._fence(connection)
                yield connection
                number = self._number(connection)
            try:
                transaction.commit()
            except (OperationalError, InterfaceError) as error:
                if number is None or not self._was_kept(number, error):
                    raise

    def _number(self, connection: Connection) -> int | None:
        """Give the transaction's number in PostgreSQL, by which its end can be read back; None where nothing is to be.

        SQLite tells the end of a commit itself.
        """
        if self._engine.dialect.name != "postgresql":
            return None
        number: int | None = connection.execute(text("select txid_current_if_assigned()")).scalar()
        return number

    def _was_kept(self, number: int, error: Exception) -> bool:
        """Read back how a transaction ended whose commit was not answered (PostgreSQL documentation, "txid_status").

        The server may still be at it, or away. Raises OutcomeUnknownError when that does not change in time.
        """
        end = time.monotonic() + READ_BACK_SECONDS
        while True:
            status = self._ask_status(number)
            if status in _ENDED:
                return status == "committed"
            if time.monotonic() >= end or is_spent():
                break
            time.sleep(_READ_BACK_PAUSE)
        raise OutcomeUnknownError(
            "the ledger did not answer a commit, and it is not known whether it was kept\n"
            "look with 'namecard-release status' before it is asked for again"
        ) from error

    def _ask_status(self, number: int) -> str | None:
        try:
            with self._engine.connect() as connection:
                status: str | None = connection.execute(text("select txid_status(:n)"), {"n": number}).scalar()
                return status
        except (OperationalError, InterfaceError):
            return None

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
def _undone(transaction: RootTransaction) -> Iterator[RootTransaction]:
    try:
        yield transaction
    except BaseException:
        # The error that is under way is the one to be told.
        with suppress(DatabaseError, InterfaceError):
            transaction.rollback()
        raise


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
    advice = _ADVICE.get(_sqlite_name(error) or "", "check paths.ledger_url in the settings")
    return PermanentError(f"the ledger cannot be used: {told}\n{advice}")


def _sqlite_name(error: DatabaseError | InterfaceError) -> str | None:
    name: str | None = getattr(error.orig, "sqlite_errorname", None)
    return name


def _is_transient(error: DatabaseError | InterfaceError) -> bool:
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    # SQLite calls a full disk or an unreadable file operational, too; only a lock goes away by itself.
    name = _sqlite_name(error)
    return name is None or name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
