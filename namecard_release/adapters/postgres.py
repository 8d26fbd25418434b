"""Connecting to PostgreSQL and telling its errors without secrets. What is asked of it does not belong here."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from namecard_release.errors import MisuseError, TransientError
from namecard_release.time_limits import Cut, seconds_left

if TYPE_CHECKING:
    import psycopg2
    from psycopg2.extensions import connection, cursor

    from namecard_release.postgres_limits import LimitedConnection

# A throw-away database is copied or dropped within seconds; a large schema takes longer.
_ANSWER_SECONDS = 120.0
_CANCEL_SECONDS = 0.5
_LAST_SECONDS = 10.0


@contextmanager
def connected(
    url: str, database: str | None = None, answer_seconds: float = _ANSWER_SECONDS
) -> Iterator[LimitedConnection]:
    """Connect in autocommit mode, to another database of the server if one is named, and disconnect at the end.

    A statement that is not answered within `answer_seconds` fails, and the connection with it.
    Raises TransientError when the connection cannot be made; its text names the server and never the password.
    """
    import psycopg2

    from namecard_release.postgres_limits import CONNECT_SECONDS, KEEPALIVE, LimitedConnection

    own: dict[str, Any] = KEEPALIVE | {"connect_timeout": max(1, round(seconds_left(CONNECT_SECONDS)))}
    own |= {"dbname": database} if database is not None else {}
    try:
        link: LimitedConnection = psycopg2.connect(_libpq_url(url), connection_factory=LimitedConnection, **own)
    except psycopg2.Error as error:
        raise TransientError(f"PostgreSQL at {server_of(url)} cannot be reached: {tell(error, url)}") from None
    try:
        link.answer_seconds = answer_seconds
        link.autocommit = True
        yield link
    finally:
        link.close()


def check_url(url: str, what: str) -> str:
    """Give a database URL back. Raises MisuseError, without the URL's secret, for one that libpq cannot read."""
    import psycopg2

    try:
        parts = read_url(url) if urlsplit(url).scheme.startswith("postgres") else {}
        if parts and parts.get("port", "5432").replace(",", "").isdecimal():
            return url
    except (ValueError, psycopg2.Error):
        pass
    raise MisuseError(f"{what} is not a URL like postgresql://user:password@host:5432/database")


def read_url(url: str) -> dict[str, str]:
    """Give a URL's parts by libpq's names for them (PostgreSQL documentation, "Parameter Key Words").

    Raises psycopg2.Error for one that cannot be read.
    """
    from psycopg2.extensions import parse_dsn

    return {name: str(value) for name, value in parse_dsn(_libpq_url(url)).items()}


def run_text(link: connection, session: cursor, sql: str, seconds: float) -> None:
    """Send a text as it is, as one simple query, cancelled after a time that the text itself cannot lift.

    Raises psycopg2.Error, and ValueError for a text that PostgreSQL does not take.
    """
    import psycopg2

    # The driver would send what stands before it, and say nothing.
    if "\0" in sql:
        raise ValueError("the file holds a NUL character, which PostgreSQL does not take")
    try:
        _execute(link, session, sql, seconds)
    except psycopg2.ProgrammingError as error:
        # A file of comments alone: the server takes it, the driver complains.
        if error.pgcode is not None or "empty query" not in str(error):
            raise


def _execute(link: connection, session: cursor, sql: str, seconds: float) -> None:
    # In a thread, for the driver looks at no signal while it waits: Ctrl-C would wait for the statement.
    with ThreadPoolExecutor(1) as pool:
        # No parameters: psycopg2 then sends the text as one simple query.
        running = pool.submit(_execute_text, session, sql)
        try:
            wait((running,), seconds)
        finally:
            # A server that does not even answer to being cancelled loses the connection.
            with Cut(link.fileno(), _LAST_SECONDS):
                # Again and again: what is cancelled before the server has it is not cancelled.
                while not running.done():
                    _cancel(link)
                    wait((running,), _CANCEL_SECONDS)
        running.result()


def _execute_text(session: cursor, sql: str) -> None:
    from psycopg2.extensions import cursor

    # Past the connection's own limit: the text has one of its own.
    cursor.execute(session, sql)


def _cancel(link: connection) -> None:
    asking = threading.Thread(target=_try_cancel, args=(link,), daemon=True)
    asking.start()
    asking.join(_CANCEL_SECONDS)


def _try_cancel(link: connection) -> None:
    """Cancel what a connection runs, over another one.

    Not with its own `cancel()`: libpq connects for that without any time-out, and the driver keeps the interpreter's
    lock meanwhile, so that a server that says nothing would stop every thread of this process.
    """
    import psycopg2

    from namecard_release.postgres_limits import LimitedConnection

    own: dict[str, Any] = {**link.info.dsn_parameters, "password": link.info.password, "connect_timeout": 2}
    with suppress(psycopg2.Error), closing(psycopg2.connect(connection_factory=LimitedConnection, **own)) as other:
        other.answer_seconds = _LAST_SECONDS
        with other.cursor() as session:
            session.execute("select pg_cancel_backend(%s)", (link.info.backend_pid,))


def server_of(url: str) -> str:
    """Name the server and database of a URL, without user and password."""
    try:
        parts = urlsplit(url)
        if parts.scheme.startswith("postgres"):
            return f"{parts.hostname or 'the default host'}:{parts.port or 5432}{parts.path}"
    except ValueError:
        pass
    return "an address that is no postgresql:// URL"


def tell(error: psycopg2.Error, url: str) -> str:
    """Give an error's first line; the password, should it stand in it, is masked."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = lines[0] if lines else type(error).__name__
    # libpq quotes a connection string that it cannot read, password and all.
    if "invalid dsn" in told or "invalid connection option" in told:
        return "the database URL cannot be read"
    return mask(told, url)


def mask(text: str, url: str) -> str:
    """Give a text with the URL's passwords masked, should they stand in it."""
    for secret in sorted(_secrets_of(url), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _secrets_of(url: str) -> set[str]:
    try:
        parts = urlsplit(url)
        given = {parts.password or "", *parse_qs(parts.query).get("password", ())}
    except ValueError:
        return set()
    return {form for password in given if password for form in (password, unquote(password))}


def _libpq_url(url: str) -> str:
    # SQLAlchemy's way of naming the driver is no URL to libpq.
    return re.sub(r"^postgres(ql)?\+\w+://", "postgresql://", url)
