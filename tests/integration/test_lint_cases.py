"""Every labelled case of the lint does on a real PostgreSQL what its label says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from namecard_release.adapters.throw_away import throw_away
from namecard_release.sandbox.state import StateStore
from tests.lint_cases.all import CASES
from tests.lint_cases.case import Case, Label

SEED = (Path(__file__).parent.parent / "lint_cases" / "seed.sql").read_text(encoding="utf-8")
TABLES = ('auth."AuthUser"', 'cards."Card"', "cards.tag", "cards.event")
# Everything that has a name, with its type where it has one; spelt out, for the search path may change.
CATALOGUE = """
with ours as (select oid, nspname from pg_namespace where nspname !~ '^(pg_|information_schema)'),
relations as (select c.oid, nspname || '.' || relname as name, relkind::text as kind from pg_class c
  join ours on ours.oid = relnamespace and relkind not in ('i', 'I', 't')),
types as (select t.oid, nspname || '.' || typname as name from pg_type t join ours on ours.oid = typnamespace
  where typtype = 'e' or exists (select from pg_class c where c.oid = typrelid and relkind = 'c'))
select 'schema ' || nspname, '' from ours
union all select 'relation ' || name, kind from relations
union all select 'column ' || name || '.' || attname,
  (select typname from pg_type t where t.oid = atttypid) || atttypmod
  from pg_attribute join relations on relations.oid = attrelid and attnum > 0 and not attisdropped
union all select 'type ' || name, coalesce((select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum
  where enumtypid = types.oid), '') from types
union all select 'routine ' || nspname || '.' || proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', ''
  from pg_proc p join ours on ours.oid = pronamespace
union all select 'sequence ' || schemaname || '.' || sequencename, coalesce(last_value, 0)::text from pg_sequences"""
SESSION = """
select 'setting ' || name || ' ' || setting from pg_settings
  where source = 'session' and name not in ('statement_timeout', 'lock_timeout') and name not like 'transaction\\_%'
union all select 'lock ' || objid from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
union all select 'temporary ' || relname from pg_class where relpersistence = 't' and relkind = 'r'"""
LOCK = "select pg_advisory_lock(1867, 2401)"
# Locks that conflict with the ROW EXCLUSIVE of a writer (PostgreSQL documentation, "Explicit Locking").
BLOCKING = """select count(*) from pg_locks l join pg_class c on c.oid = relation
join pg_namespace n on n.oid = relnamespace and nspname in ('cards', 'auth') and relkind in ('r', 'p')
where l.pid = pg_backend_pid()
and mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"""


class Lab:
    """One connection to a database seeded anew, as the migrator has it."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._connect()
        for statement in (SEED, LOCK, "set statement_timeout = 20000", "set lock_timeout = 10000"):
            self._session.execute(statement)

    def _connect(self) -> None:
        self._link = psycopg2.connect(self._place)
        self._link.autocommit = True
        self._session = self._link.cursor()

    def close(self) -> None:
        self._link.close()

    def reconnect(self) -> None:
        self.close()
        self._connect()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        self._session.execute(query)
        return self._session.fetchall()

    def run(self, sql: str) -> str | None:
        """Run a file as one query; gives the error code, `client` for the driver's own refusal."""
        try:
            self._session.execute(sql)
        except psycopg2.ProgrammingError as error:
            # The server takes a file without a statement; the driver complains.
            return None if "empty query" in str(error) else error.pgcode or "client"
        except psycopg2.Error as error:
            return error.pgcode or "client"
        return None

    def catalogue(self) -> dict[str, str]:
        return dict(self.ask(CATALOGUE))

    def rows(self) -> dict[str, Mapping[str, str]]:
        """Give every row of the tables that were there, as text by its key."""
        return {table: dict(self.ask(f"select id::text, to_jsonb(t)::text from {table} t")) for table in TABLES}

    def kept(self, before: dict[str, Mapping[str, str]], table: str) -> int:
        """Count the rows that are what they were, as far as their old columns go."""
        now = dict(self.ask(f"select id::text, to_jsonb(t)::text from {table} t"))
        pairs = [(json.loads(old), json.loads(now.get(key, "{}"))) for key, old in before[table].items()]
        return sum(old.items() <= new.items() for old, new in pairs)

    def session(self) -> list[str]:
        return sorted(row[0] for row in self.ask(SESSION))


@pytest.fixture(scope="module")
def place(database: StateStore) -> Iterator[str]:
    url = database.state.database_url("test")
    with throw_away(url) as name:
        yield f"{url.rpartition('/')[0]}/{name}"


@pytest.fixture
def lab(place: str) -> Iterator[Lab]:
    with closing(Lab(place)) as opened:
        yield opened


def of(*labels: Label) -> Any:
    return pytest.mark.parametrize("case", [c for c in CASES if c.label in labels], ids=lambda case: case.title)


def test_every_label_is_proven() -> None:
    assert {case.label for case in CASES} == set(Label)


@of(Label.REFUSED, Label.NEEDS_CLIENT)
def test_it_is_refused(case: Case, lab: Lab) -> None:
    if case.before is not None and int(lab.ask("show server_version_num")[0][0]) >= case.before * 10000:
        pytest.skip(f"runs since version {case.before}")
    before = lab.catalogue(), lab.rows()
    lab.run("begin")
    assert lab.run(case.sql) == (case.code or "client")
    lab.reconnect()
    assert (lab.catalogue(), lab.rows()) == before


@of(Label.INNOCENT)
def test_it_changes_nothing_that_was_there_and_leaves_nothing(case: Case, lab: Lab) -> None:
    catalogue, rows, session = lab.catalogue(), lab.rows(), lab.session()
    lab.run("begin")
    assert lab.run(case.sql) is None
    now = lab.catalogue()
    assert {name: now.get(name) for name in catalogue} == _grown(catalogue, now)
    assert all(lab.kept(rows, table) == len(rows[table]) for table in TABLES)
    lab.run("rollback")
    assert (lab.catalogue(), lab.rows(), lab.session()) == (catalogue, rows, session)
    lab.run("begin")
    lab.run(case.sql)
    lab.run("commit")
    assert lab.session() == session


def _grown(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str | None]:
    """Give what was there, an enumeration with a value more taken for the same."""
    enums = {name: kind for name, kind in before.items() if kind and name.startswith("type ")}
    more = {name: now[name] for name, kind in enums.items() if now.get(name, "").startswith(kind)}
    return {**before, **more}


@of(Label.ESCAPES)
def test_a_part_of_it_survives_the_rollback(case: Case, lab: Lab) -> None:
    before = lab.catalogue(), lab.rows(), lab.session()
    lab.run("begin")
    assert lab.run(case.sql) is None
    lab.run("rollback")
    assert (lab.catalogue(), lab.rows(), lab.session()) != before


@of(Label.EVERY_ROW)
def test_no_row_of_a_table_is_what_it_was(case: Case, lab: Lab) -> None:
    rows = lab.rows()
    lab.run("begin")
    assert lab.run(case.sql) is None
    assert any(lab.kept(rows, table) == 0 for table in TABLES)


@of(Label.LOSES)
def test_something_that_was_there_is_gone(case: Case, lab: Lab) -> None:
    before = lab.catalogue()
    lab.run("begin")
    assert lab.run(case.sql) is None
    assert set(before) - set(lab.catalogue())
    lab.run("rollback")
    assert lab.catalogue() == before


@of(Label.RETYPES)
def test_something_has_another_type(case: Case, lab: Lab) -> None:
    before = lab.catalogue()
    lab.run("begin")
    assert lab.run(case.sql) is None
    now = lab.catalogue()
    assert set(now) >= set(before)
    assert any(now[name] != kind for name, kind in before.items()) or set(now) - set(before)


@of(Label.LEAKS)
def test_it_stays_on_the_connection(case: Case, lab: Lab) -> None:
    before = lab.session()
    lab.run("begin")
    assert lab.run(case.sql) is None
    lab.run("commit")
    assert lab.session() != before


@of(Label.LIFTS)
def test_a_time_limit_is_gone(case: Case, lab: Lab) -> None:
    lab.run("begin")
    assert lab.run(case.sql) is None
    assert ("0",) in [*lab.ask("show lock_timeout"), *lab.ask("show statement_timeout")]


@of(Label.BLOCKS)
def test_a_table_cannot_be_written_to(case: Case, lab: Lab) -> None:
    lab.run("begin")
    assert lab.ask(BLOCKING) == [(0,)]
    assert lab.run(case.sql) is None
    assert lab.ask(BLOCKING) != [(0,)]
