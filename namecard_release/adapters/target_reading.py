"""A target database read in one transaction set READ ONLY: ledger, migrator's lock, digest of the catalogue.

Reaching it and telling its errors is in `target_database`; judging what was read is the domain's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING

from namecard_release.domain.migrations import LedgerRow, TargetReading

if TYPE_CHECKING:
    from psycopg2.extensions import connection, cursor

_STATEMENT_MILLISECONDS = 10_000
# The catalogue's own functions lock what they describe for a moment: never behind a migration.
_LOCK_MILLISECONDS = 2_000
# A lock of two keys has objsubid 2 (PostgreSQL documentation, "pg_locks"). Looked at and never taken, lest a migrator
# find it taken, or a proxy keep it with a session that goes to somebody else.
_MIGRATOR = """select exists (select from pg_locks where locktype = 'advisory'
    and classid = 1867 and objid = 2401 and objsubid = 2
    and database = (select oid from pg_database where datname = current_database()))"""
_ROWS = "select name, checksum, applied_at, app_version from public.schema_migrations order by name"
_OURS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
_REGCLASS = "join pg_class c on c.oid = {} join pg_namespace n on n.oid = c.relnamespace where " + _OURS
# What PostgreSQL keeps about every object that is not its own, by name: a restored copy reads the same.
_DEFINITIONS = (
    f"select n.nspname, n.nspowner::regrole::text, n.nspacl::text from pg_namespace n where {_OURS}",
    f"""select n.nspname, c.relname, c.relkind, c.relpersistence, c.relowner::regrole::text, c.relacl::text,
        c.reloptions::text, c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
        pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid),
        case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end
        from pg_class c join pg_namespace n on n.oid = c.relnamespace where {_OURS}""",
    """select a.attrelid::regclass::text, a.attnum, a.attname, a.attisdropped, format_type(a.atttypid, a.atttypmod),
        a.attnotnull, a.attidentity, a.attgenerated, a.attcollation::regcollation::text, a.attstorage,
        a.attoptions::text, a.attacl::text, pg_get_expr(d.adbin, d.adrelid)
        from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        """
    + _REGCLASS.format("a.attrelid")
    + " and a.attnum > 0",
    f"""select o.conrelid::regclass::text, o.contypid::regtype::text, o.conname, o.convalidated,
        pg_get_constraintdef(o.oid)
        from pg_constraint o join pg_namespace n on n.oid = o.connamespace where {_OURS}""",
    "select pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready, i.indisclustered from pg_index i "
    + _REGCLASS.format("i.indrelid"),
    f"""select p.oid::regprocedure::text, p.prokind, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
        l.lanname, p.provolatile, p.prosecdef, p.proisstrict, p.proparallel, p.proleakproof, p.proconfig::text,
        p.proacl::text, p.proowner::regrole::text, p.probin, p.prosrc
        from pg_proc p join pg_language l on l.oid = p.prolang join pg_namespace n on n.oid = p.pronamespace
        where {_OURS}""",
    f"""select t.oid::regtype::text, t.typtype, t.typowner::regrole::text, t.typacl::text, t.typnotnull, t.typdefault,
        t.typbasetype::regtype::text, t.typtypmod, (select array_agg(e.enumlabel order by e.enumsortorder)::text
        from pg_enum e where e.enumtypid = t.oid)
        from pg_type t join pg_namespace n on n.oid = t.typnamespace where {_OURS}""",
    "select pg_get_triggerdef(t.oid), t.tgenabled from pg_trigger t "
    + _REGCLASS.format("t.tgrelid")
    + " and not t.tgisinternal",
    "select pg_get_ruledef(r.oid), r.ev_enabled from pg_rewrite r " + _REGCLASS.format("r.ev_class"),
    """select p.polrelid::regclass::text, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[]::text,
        pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid) from pg_policy p """
    + _REGCLASS.format("p.polrelid"),
    """select s.seqrelid::regclass::text, s.seqtypid::regtype::text, s.seqstart, s.seqincrement, s.seqmax, s.seqmin,
        s.seqcache, s.seqcycle from pg_sequence s """
    + _REGCLASS.format("s.seqrelid"),
    "select i.inhrelid::regclass::text, i.inhparent::regclass::text, i.inhseqno from pg_inherits i "
    + _REGCLASS.format("i.inhrelid"),
    "select e.extname, e.extversion, e.extnamespace::regnamespace::text from pg_extension e",
    "select e.evtname, e.evtevent, e.evtenabled, e.evtfoid::regprocedure::text from pg_event_trigger e",
    "select d.defaclrole::regrole::text, d.defaclnamespace::regnamespace::text, d.defaclobjtype, d.defaclacl::text "
    "from pg_default_acl d",
)


@contextmanager
def read_only(link: connection) -> Iterator[cursor]:
    """Begin a transaction that cannot write and sees one moment; it is rolled back at the end."""
    with link.cursor() as session:
        # Not as start-up options, which RDS Proxy refuses.
        session.execute("set session characteristics as transaction read only")
        session.execute("begin transaction isolation level repeatable read read only")
        try:
            session.execute("set local statement_timeout = %s", (_STATEMENT_MILLISECONDS,))
            session.execute("set local lock_timeout = %s", (_LOCK_MILLISECONDS,))
            yield session
        finally:
            if not link.closed:
                session.execute("rollback")


def read_target(session: cursor) -> TargetReading:
    """Read everything that a plan asks of a target. Raises psycopg2.Error."""
    running = _ask(session, _MIGRATOR)
    rows = read_rows(session)
    # Once more: a run that began and committed since would be seen, and its rows would not.
    running = _ask(session, _MIGRATOR) or running
    # While a migrator runs its locks are waited for, and the digest would say nothing.
    digest = "" if running else digest_catalogue(session, rows)
    version = session.connection.server_version
    return TargetReading(rows, bool(running), digest, version)


def read_rows(session: cursor) -> tuple[LedgerRow, ...]:
    """Read the ledger in name order; an absent table is an empty ledger."""
    if not _ask(session, "select to_regclass('public.schema_migrations') is not null"):
        return ()
    session.execute(_ROWS)
    return tuple(LedgerRow(name, checksum, at.astimezone(UTC), version) for name, checksum, at, version in session)


def digest_catalogue(session: cursor, rows: Sequence[LedgerRow]) -> str:
    """Give the SHA-256 hex over the definitions of all objects that are not PostgreSQL's own, and the ledger's rows."""
    # Names are then told with their schema, whatever the role's path is.
    session.execute("set local search_path = ''")
    digest = hashlib.sha256()
    for number, query in enumerate(_DEFINITIONS):
        session.execute(f'select found::text from ({query}) found order by found::text collate "C"')
        for (text,) in session:
            digest.update(f"{number} {text}\n".encode())
    for row in rows:
        digest.update(f"row {row.name} {row.checksum} {row.applied_at.isoformat()} {row.app_version}\n".encode())
    return digest.hexdigest()


def _ask(session: cursor, question: str) -> object:
    session.execute(question)
    answer = session.fetchone()
    return answer[0] if answer else None
