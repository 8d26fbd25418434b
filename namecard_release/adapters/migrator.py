"""A migration file applied as the platform's migrator applies it, and PostgreSQL's words about one that fails.

Where it is applied, and what follows from a failure, does not belong here.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from namecard_release.adapters.postgres import run_text
from namecard_release.domain.migrations import MigrationFile

if TYPE_CHECKING:
    import psycopg2
    from psycopg2.extensions import connection, cursor

STATEMENT_MILLISECONDS = 60_000
# A file may lift the statement's limit for itself; this one it cannot.
FILE_SECONDS = 120.0
LEDGER_TABLE = """create table if not exists public.schema_migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default now(),
    execution_ms integer not null, batch_id text, app_version text)"""
_ROW = """insert into public.schema_migrations (name, checksum, execution_ms, batch_id, app_version)
    values (%s, %s, %s, %s, %s)"""
_NO_SUCH_ROW = "23503"
_LACKING = re.compile(
    r"extension .* is not available|could not open extension control file|could not (?:access|load) (?:file|library)"
)
_NOT_THERE = re.compile(r"(?:role|tablespace) .* does not exist")


@dataclass(frozen=True)
class FileFailure:
    """Why a file was not applied; `by_server` when the server lacks something that the target may well have.

    `for_a_row` when it refers to a row that is not there, which says nothing where rows were left out.
    """

    error: str
    by_server: bool
    for_a_row: bool = False


def apply_file(link: connection, session: cursor, file: MigrationFile) -> FileFailure | None:
    """Apply one file as one query between begin and commit, its ledger row before that commit."""
    import psycopg2

    try:
        # Outside the file's transaction, so that a file that lifted the limit did so for itself only.
        session.execute("set statement_timeout = %s", (STATEMENT_MILLISECONDS,))
        session.execute("begin")
        began = time.monotonic()
        run_text(link, session, file.sql, FILE_SECONDS)
        took = int((time.monotonic() - began) * 1000)
        add_row(session, file, took)
        session.execute("commit")
    except psycopg2.Error as error:
        if link.closed:
            return FileFailure(f"the connection was lost: {_message(error)}", by_server=True)
        session.execute("rollback")
        return FileFailure(explain(error, file.sql), _is_of_server(error), error.pgcode == _NO_SUCH_ROW)
    except ValueError as error:
        session.execute("rollback")
        return FileFailure(str(error), by_server=False)
    return None


def add_row(session: cursor, file: MigrationFile, milliseconds: int) -> None:
    """Note a file in the migrator's ledger."""
    session.execute(_ROW, (file.name, file.checksum, milliseconds, "trial", "trial"))


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
    """A server without an extension or a role, or our own role that may not do it, says nothing about the file."""
    if error.pgcode == "42501":
        return True
    pattern = {"0A000": _LACKING, "58P01": _LACKING, "42704": _NOT_THERE}.get(error.pgcode or "")
    return pattern is not None and pattern.match(_message(error)) is not None


def prepare_ledger(session: cursor) -> None:
    """Take the migrator's lock and make its ledger, as it does before the first file."""
    session.execute("set statement_timeout = %s", (STATEMENT_MILLISECONDS,))
    session.execute("select pg_advisory_lock(1867, 2401)")
    session.execute(LEDGER_TABLE)
