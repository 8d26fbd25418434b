"""A target's schema laid out in a throw-away database, with the rows that migrations make. No row is the target's.

The SQL of the schema comes from `schema_copy`; what is tried on it is elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from namecard_release.adapters.migrator import FILE_SECONDS, LEDGER_TABLE, explain
from namecard_release.adapters.postgres import connected, run_text
from namecard_release.domain.migrations import LedgerRow, SchemaCopy
from namecard_release.errors import TransientError

if TYPE_CHECKING:
    from psycopg2.extensions import connection, cursor

TARGETS_SCHEMA = "target's schema"
_IN_MEMORY_BYTES = 1_000_000
_ROW = """insert into public.schema_migrations (name, checksum, applied_at, execution_ms, batch_id, app_version)
    values (%s, %s, %s, 0, 'target', %s)"""
# Tables that hold rows themselves, an extension's own apart; generated columns take none.
_TABLES = """select n.nspname, c.relname, array_agg(a.attname::text order by a.attnum)
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and (n.nspname, c.relname) <> ('public', 'schema_migrations')
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    group by 1, 2 order by 1, 2"""
_SEQUENCES = """select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'S' and n.nspname !~ '^pg_' order by 1, 2"""
_VIEWS = """select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'm' and not c.relispopulated order by c.oid"""
Table = tuple[str, str]


def lay_schema(url: str, ground: str, schema: SchemaCopy, seeds: str | None) -> str:
    """Lay a schema and its ledger out in the empty database `ground`, filled with the rows of the database `seeds`.

    Returns the trial's basis in words. Raises TransientError where this server does not take the schema: it lacks an
    extension, a role or a right that the target has.
    """
    with connected(url, ground) as link, closing(link.cursor()) as session:
        _run(link, session, schema.before_rows)
        notes = [] if seeds is None else _fill(url, seeds, session)
        notes += _lay_rules(link, session, schema.after_rows)
        notes += _refresh(session)
        _write_ledger(session, schema.ledger)
    return "; ".join((TARGETS_SCHEMA, *notes))


def _run(link: connection, session: cursor, sql: str) -> None:
    import psycopg2

    try:
        run_text(link, session, sql, FILE_SECONDS)
    except psycopg2.Error as error:
        told = explain(error, sql)
        raise TransientError(f"the trial server does not take the target's schema: {told}") from None


def _lay_rules(link: connection, session: cursor, sql: str) -> list[str]:
    """Lay indexes, constraints and triggers out; rows that break one, which a drifted target may have, go again."""
    import psycopg2

    try:
        run_text(link, session, sql, FILE_SECONDS)
    except psycopg2.IntegrityError as error:
        told = explain(error, sql)
        _empty(session)
        _run(link, session, sql)
        return [f"without rows, for those of the migrations break a rule of the target: {told}"]
    except psycopg2.Error:
        _run(link, session, sql)
    return []


def _refresh(session: cursor) -> list[str]:
    """Fill the materialized views, which a schema without rows leaves unreadable, in the order they were made."""
    import psycopg2
    from psycopg2.sql import SQL, Identifier

    notes: list[str] = []
    session.execute(_VIEWS)
    for view in session.fetchall():
        try:
            session.execute(SQL("refresh materialized view {}").format(Identifier(*view)))
        except psycopg2.Error as error:
            notes.append(f"{'.'.join(view)} is not filled: {error.diag.message_primary}")
    return notes


def _empty(session: cursor) -> None:
    from psycopg2.sql import SQL, Identifier

    session.execute(_TABLES)
    tables = [Identifier(place, name) for place, name, _ in session.fetchall()]
    session.execute(SQL("truncate {}").format(SQL(", ").join(tables)))


def _fill(url: str, seeds: str, session: cursor) -> list[str]:
    """Copy every row of the seeds' database into the tables of the same name; gives notes of what does not fit."""
    with connected(url, seeds) as link, closing(link.cursor()) as source:
        wanted = _read_tables(session)
        lost = [
            f"no rows for {'.'.join(table)}: {why}"
            for table, columns in _read_tables(source).items()
            if (why := _copy_table(source, session, table, columns, wanted.get(table)))
        ]
        _copy_sequences(source, session)
    return lost


def _read_tables(session: cursor) -> dict[Table, tuple[str, ...]]:
    session.execute(_TABLES)
    return {(place, name): tuple(columns) for place, name, columns in session.fetchall()}


def _copy_table(
    source: cursor, session: cursor, table: Table, there: Sequence[str], wanted: Sequence[str] | None
) -> str | None:
    import psycopg2
    from psycopg2.sql import SQL, Identifier

    name = Identifier(*table)
    source.execute(SQL("select exists (select from only {})").format(name))
    found = source.fetchone()
    if not found or not found[0]:
        return None
    if wanted is None:
        return "the target has no such table"
    columns = SQL(", ").join(Identifier(column) for column in there if column in set(wanted))
    try:
        with SpooledTemporaryFile(_IN_MEMORY_BYTES) as rows:
            source.copy_expert(SQL("copy (select {} from only {}) to stdout").format(columns, name), rows)
            rows.seek(0)
            session.copy_expert(SQL("copy {} ({}) from stdin").format(name, columns), rows)
    except psycopg2.Error as error:
        return error.diag.message_primary or "they do not fit"
    return None


def _copy_sequences(source: cursor, session: cursor) -> None:
    """Set every sequence that both have to where the seeds' stands."""
    from psycopg2.sql import SQL, Identifier

    session.execute(_SEQUENCES)
    there = set(session.fetchall())
    source.execute(_SEQUENCES)
    for sequence in [one for one in source.fetchall() if one in there]:
        name = Identifier(*sequence)
        source.execute(SQL("select last_value, is_called from {}").format(name))
        session.execute("select setval(%s::regclass, %s, %s)", (name.as_string(session), *(source.fetchone() or ())))


def _write_ledger(session: cursor, rows: Sequence[LedgerRow]) -> None:
    from psycopg2.extras import execute_batch

    session.execute("set search_path to default")
    session.execute(LEDGER_TABLE)
    execute_batch(session, _ROW, [(row.name, row.checksum, row.applied_at, row.app_version) for row in rows], 500)
