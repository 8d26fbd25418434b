"""Pending files run statement by statement on a copy, and what each statement cost: time, locks, rewrites.

Applying a file as the migrator does is in `migrator`. Nothing is judged here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from namecard_release.adapters.migrator import FILE_SECONDS, STATEMENT_MILLISECONDS, add_row, apply_file, prepare_ledger
from namecard_release.adapters.postgres import connected, run_text
from namecard_release.adapters.sql.reading import read_sql
from namecard_release.domain.migrations import FailedStatement, MigrationFile, StatementCost
from namecard_release.domain.sql import Obstacle, Statement, Verb
from namecard_release.errors import MisuseError

if TYPE_CHECKING:
    from psycopg2.extensions import connection, cursor

# Qualified throughout: a file may have set the search path.
_RELATIONS = """select c.oid, n.nspname || '.' || c.relname, pg_catalog.pg_relation_filenode(c.oid), i.indrelid
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_index i on i.indexrelid = c.oid
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"""
_LOCKS = """select l.relation, l.mode from pg_catalog.pg_locks l
    where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'relation' and l.granted
    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())"""


@dataclass(frozen=True)
class Measured:
    """The statements that ran, in order, and by file name the statement that failed."""

    statements: tuple[StatementCost, ...] = ()
    failures: Mapping[str, FailedStatement] = field(default_factory=dict)


@dataclass(frozen=True)
class _Relation:
    name: str
    storage: int | None
    table: int | None


@dataclass(frozen=True)
class _Look:
    """The relations that there are, by oid, and the locks that our own session holds on any."""

    relations: Mapping[int, _Relation]
    locks: frozenset[tuple[int, str]]


def measure(url: str, database: str, files: Sequence[MigrationFile]) -> Measured:
    """Run files one after the other, each in a transaction with its ledger row, up to the first that fails.

    A file that cannot be cut into statements is applied as a whole and not measured. What stops the measuring is no
    verdict: the trial itself, held elsewhere, gives that. Raises TransientError where the server is not reached.
    """
    import psycopg2

    costs: list[StatementCost] = []
    failures: dict[str, FailedStatement] = {}
    # A file may have set a time limit that our own questions run into.
    with connected(url, database) as link, closing(link.cursor()) as session, suppress(psycopg2.Error):
        prepare_ledger(session)
        _measure_all(link, session, files, costs, failures)
    return Measured(tuple(costs), failures)


def _measure_all(
    link: connection,
    session: cursor,
    files: Sequence[MigrationFile],
    costs: list[StatementCost],
    failures: dict[str, FailedStatement],
) -> None:
    for file in files:
        pieces = _statements(file)
        if pieces is None:
            if apply_file(link, session, file) is not None:
                return
            continue
        failed = _measure_file(link, session, file, pieces, costs)
        if failed is not None:
            failures[file.name] = failed
            return


def _statements(file: MigrationFile) -> tuple[Statement, ...] | None:
    try:
        read = read_sql(file.path, file.sql)
    except MisuseError:
        return None
    # A DO body that the reader cannot follow is one statement all the same; a syntax error hides where others end.
    hidden = any(one.obstacle is not Obstacle.BODY for one in read.unreadable)
    # One by one, what stands behind a COMMIT could do what the file as one query cannot: drop a database, say.
    leaves = any(effect.verb is Verb.TRANSACTION for piece in read.statements for effect in piece.effects)
    return None if hidden or leaves else read.statements


def _measure_file(
    link: connection, session: cursor, file: MigrationFile, pieces: Sequence[Statement], costs: list[StatementCost]
) -> FailedStatement | None:
    import psycopg2
    from psycopg2.extensions import TRANSACTION_STATUS_INTRANS

    session.execute("set statement_timeout = %s", (STATEMENT_MILLISECONDS,))
    session.execute("begin")
    before = _look(session)
    for piece in pieces:
        began = time.monotonic()
        try:
            run_text(link, session, piece.text, FILE_SECONDS)
        except psycopg2.Error:
            if not link.closed:
                session.execute("rollback")
            return FailedStatement(piece.line, piece.text)
        if link.info.transaction_status != TRANSACTION_STATUS_INTRANS:
            return FailedStatement(piece.line, piece.text)
        ms = round((time.monotonic() - began) * 1000, 3)
        after = _look(session)
        costs.append(StatementCost(file.name, piece.line, ms, _taken(before, after), _rewritten(before, after)))
        before = after
    return _end(session, file, pieces)


def _end(session: cursor, file: MigrationFile, pieces: Sequence[Statement]) -> FailedStatement | None:
    import psycopg2

    try:
        add_row(session, file, 0)
        # Deferred constraints speak up only now.
        session.execute("commit")
    except psycopg2.Error:
        session.execute("rollback")
        return FailedStatement(pieces[-1].line, pieces[-1].text) if pieces else None
    return None


def _look(session: cursor) -> _Look:
    session.execute(_RELATIONS)
    relations = {oid: _Relation(name, storage, table) for oid, name, storage, table in session.fetchall()}
    session.execute(_LOCKS)
    return _Look(relations, frozenset((oid, mode) for oid, mode in session.fetchall()))


def _taken(before: _Look, after: _Look) -> tuple[str, ...]:
    # A table that was dropped is known from before, one that was made from after.
    known = {**after.relations, **before.relations}
    fresh = ((known[oid].name, mode) for oid, mode in after.locks - before.locks if oid in known)
    return tuple(f"{name} {mode}" for name, mode in sorted(fresh))


def _rewritten(before: _Look, after: _Look) -> tuple[str, ...]:
    return tuple(sorted(_rewrites(before.relations, after.relations)))


def _rewrites(before: Mapping[int, _Relation], after: Mapping[int, _Relation]) -> Iterator[str]:
    changed = {oid for oid, one in before.items() if oid in after and after[oid].storage != one.storage}
    for oid in changed:
        one = before[oid]
        if one.table is None:
            yield one.name
        elif one.table not in changed:
            yield f"index {one.name}"
