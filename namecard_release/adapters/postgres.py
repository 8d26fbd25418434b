"""Connecting to PostgreSQL and telling its errors without secrets. What is asked of it does not belong here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from namecard_release.errors import TransientError

if TYPE_CHECKING:
    import psycopg2
    from psycopg2.extensions import connection

_CONNECT_SECONDS = 5


@contextmanager
def connected(url: str, database: str | None = None) -> Iterator[connection]:
    """Connect in autocommit mode, to another database of the server if one is named, and disconnect at the end.

    Raises TransientError when the connection cannot be made; its text names the server and never the password.
    """
    import psycopg2

    other: dict[str, Any] = {"dbname": database} if database is not None else {}
    try:
        link = psycopg2.connect(_libpq_url(url), connect_timeout=_CONNECT_SECONDS, **other)
    except psycopg2.Error as error:
        raise TransientError(f"PostgreSQL at {server_of(url)} cannot be reached: {tell(error, url)}") from None
    try:
        link.autocommit = True
        yield link
    finally:
        link.close()


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
    for secret in _secrets_of(url):
        told = told.replace(secret, "***")
    return told


def _secrets_of(url: str) -> set[str]:
    try:
        password = urlsplit(url).password
    except ValueError:
        return set()
    return {password, unquote(password)} if password else set()


def _libpq_url(url: str) -> str:
    # SQLAlchemy's way of naming the driver is no URL to libpq.
    return re.sub(r"^postgres(ql)?\+\w+://", "postgresql://", url)
