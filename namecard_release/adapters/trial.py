"""Migrations tried on a throw-away database, as the platform's migrator applies them. No judgement here."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Timer
from typing import TYPE_CHECKING

from namecard_release.adapters.postgres import connected, server_of, tell
from namecard_release.adapters.throw_away import throw_away
from namecard_release.domain.migrations import MigrationFile, TrialResult
from namecard_release.errors import TransientError

if TYPE_CHECKING:
    import psycopg2
    from psycopg2.extensions import connection, cursor

_STATEMENT_MILLISECONDS = 60_000
# A file may lift the statement's limit for itself; this one it cannot.
_FILE_SECONDS = 120.0
_LEDGER = """create table if not exists public.schema_migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default now(),
    execution_ms integer not null, batch_id text, app_version text)"""
_ROW = """insert into public.schema_migrations (name, checksum, execution_ms, batch_id, app_version)
    values (%s, %s, %s, %s, %s)"""
_NO_EXTENSION = re.compile(r"extension .* is not available|could not open extension control file|create extension")


@dataclass(frozen=True)
class FileFailure:
    """Why a file was not applied; `by_server` when the server lacks something that the target may well have."""

    error: str
    by_server: bool


class PostgresTrial:
    """Throw-away databases on the server at `url`, whose role has CREATEDB; None means that there is no server.

    A file may end the wrapper's transaction; it then changes the throw-away database alone. What the role may do
    to the whole server (ALTER ROLE on itself, ALTER DATABASE on what it owns) is not fenced, so give it a role of
    its own that owns nothing. Keeps the port `TrialServer`.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url

    def apply(self, base: Sequence[MigrationFile], pending: Sequence[MigrationFile]) -> TrialResult:
        """Apply `base`, then `pending`; `applied` names the pending files that were.

        A pending file that fails is `failed`; anything else that stops the trial is `unread`. Raises nothing.
        """
        import psycopg2

        if self._url is None:
            return TrialResult(unread="no trial server is configured")
        started = time.monotonic()
        try:
            with throw_away(self._url) as name, connected(self._url, name) as link, closing(link.cursor()) as session:
                prepare_ledger(session)
                return _apply_all(link, session, base, pending, started)
        except TransientError as error:
            return TrialResult(unread=str(error), seconds=time.monotonic() - started)
        except psycopg2.Error as error:
            told = f"the trial server {server_of(self._url)}: {tell(error, self._url)}"
            return TrialResult(unread=told, seconds=time.monotonic() - started)


def _apply_all(
    link: connection,
    session: cursor,
    base: Sequence[MigrationFile],
    pending: Sequence[MigrationFile],
    started: float,
) -> TrialResult:
    applied: list[str] = []
    for index, file in enumerate((*base, *pending)):
        failure = apply_file(link, session, file)
        seconds = time.monotonic() - started
        if failure is None:
            applied += [file.name] if index >= len(base) else []
        elif failure.by_server or index < len(base):
            part = "of the schema there already, " if index < len(base) else ""
            return TrialResult(tuple(applied), unread=f"{part}{file.name}: {failure.error}", seconds=seconds)
        else:
            return TrialResult(tuple(applied), failed=file.name, error=failure.error, seconds=seconds)
    return TrialResult(tuple(applied), seconds=time.monotonic() - started)


def apply_file(link: connection, session: cursor, file: MigrationFile) -> FileFailure | None:
    """Apply one file as one query between begin and commit, its ledger row before that commit."""
    import psycopg2

    try:
        # Outside the file's transaction, so that a file that lifted the limit did so for itself only.
        session.execute("set statement_timeout = %s", (_STATEMENT_MILLISECONDS,))
        session.execute("begin")
        began = time.monotonic()
        _execute(link, session, file.sql)
        took = int((time.monotonic() - began) * 1000)
        session.execute(_ROW, (file.name, file.checksum, took, "trial", "trial"))
        session.execute("commit")
    except psycopg2.Error as error:
        if link.closed:
            return FileFailure(f"the connection was lost: {_message(error)}", by_server=True)
        session.execute("rollback")
        return FileFailure(explain(error, file.sql), _is_of_server(error))
    except ValueError as error:
        session.execute("rollback")
        return FileFailure(str(error), by_server=False)
    return None


def _execute(link: connection, session: cursor, sql: str) -> None:
    import psycopg2

    # The driver would send what stands before it, and say nothing.
    if "\0" in sql:
        raise ValueError("the file holds a NUL character, which PostgreSQL does not take")
    watch = Timer(_FILE_SECONDS, link.cancel)
    watch.daemon = True
    watch.start()
    try:
        # No parameters: psycopg2 then sends the text as it is, as one simple query.
        session.execute(sql)
    except psycopg2.ProgrammingError as error:
        # A file of comments alone: the server takes it, the driver complains.
        if error.pgcode is not None or "empty query" not in str(error):
            raise
    finally:
        watch.cancel()


def explain(error: psycopg2.Error, sql: str) -> str:
    """Give PostgreSQL's message, its detail, and the line of the file when the position is told."""
    told = [_message(error)]
    if error.diag.message_detail:
        told.append(error.diag.message_detail)
    elif error.diag.context and not error.diag.statement_position:
        told.append(error.diag.context.splitlines()[0])
    position = error.diag.statement_position
    if position and position.isdigit():
        told.append(describe_position(sql, int(position)))
    return "; ".join(told)


def describe_position(sql: str, position: int) -> str:
    """Name the line of a position, which PostgreSQL counts in characters from 1."""
    before = sql[: position - 1]
    number = before.count("\n") + 1
    text = sql.split("\n")[number - 1].strip()
    return f"line {number}: {text[:120]}"


def _message(error: psycopg2.Error) -> str:
    lines = str(error).strip().splitlines()
    return error.diag.message_primary or (lines[0] if lines else type(error).__name__)


def _is_of_server(error: psycopg2.Error) -> bool:
    """A server without an extension, or a role that may not make it, says nothing about the file."""
    return error.pgcode in ("0A000", "58P01", "42501") and _NO_EXTENSION.search(_message(error)) is not None


def prepare_ledger(session: cursor) -> None:
    """Take the migrator's lock and make its ledger, as it does before the first file."""
    session.execute("set statement_timeout = %s", (_STATEMENT_MILLISECONDS,))
    session.execute("select pg_advisory_lock(1867, 2401)")
    session.execute(_LEDGER)
