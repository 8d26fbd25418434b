"""The target's ledger and the trial of migrations on a real PostgreSQL."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC

import psycopg2
import pytest

from namecard_release.adapters.target_database import PostgresTarget
from namecard_release.adapters.trial import PostgresTrial
from namecard_release.domain.migrations import MigrationFile
from namecard_release.errors import TransientError
from namecard_release.sandbox import processes
from namecard_release.sandbox.state import StateStore

LEDGER = """create table public.schema_migrations (name text primary key, checksum text not null,
applied_at timestamptz not null default now(), execution_ms integer not null, batch_id text, app_version text)"""


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(url)) as link:
        link.autocommit = True
        with link.cursor() as session:
            session.execute(statement)
            return session.fetchall() if session.description else []


def file(name: str, sql: str) -> MigrationFile:
    return MigrationFile(name, "auth", hashlib.sha256(sql.encode()).hexdigest(), name, sql)


def names(url: str) -> set[object]:
    return {row[0] for row in run(url, "select datname from pg_database")}


@pytest.fixture
def url(database: StateStore) -> str:
    return database.state.database_url("test")


@pytest.fixture
def trial(url: str) -> Iterator[PostgresTrial]:
    before = names(url)
    yield PostgresTrial(url)
    assert names(url) == before


def test_the_ledger_is_read_and_cannot_be_written(database: StateStore) -> None:
    url = database.state.database_url("dev")
    target = PostgresTarget(lambda: url)
    assert target.rows() == ()
    run(url, LEDGER)
    run(url, "insert into public.schema_migrations values ('b', 'c2', '2026-01-02T00:00+08', 1, null, null)")
    run(url, "insert into public.schema_migrations values ('a', 'c1', '2026-01-01T00:00+00', 1, 'x', 'v1')")
    rows = target.rows()
    assert [(row.name, row.checksum, row.app_version) for row in rows] == [("a", "c1", "v1"), ("b", "c2", None)]
    assert rows[1].applied_at.isoformat() == "2026-01-01T16:00:00+00:00" and rows[1].applied_at.tzinfo is UTC
    # A ledger that writes when it is read: the transaction must refuse.
    run(url, "create function sneak() returns text language sql as 'create table evil (); select ''x''::text'")
    run(url, "alter table public.schema_migrations rename to kept")
    run(
        url,
        "create view public.schema_migrations as select sneak() as name, checksum, applied_at, app_version from kept",
    )
    with pytest.raises(TransientError, match="read-only transaction"):
        target.rows()


def test_nobody_there_and_a_wrong_password_are_transient_without_the_password(url: str) -> None:
    nobody = f"postgresql://u:s3cret@127.0.0.1:{processes.free_port()}/x"
    wrong = url.replace("namecard_user:", "namecard_user:s3cret")
    for bad in (nobody, wrong, "postgresql+psycopg2" + nobody.removeprefix("postgresql"), "s3cret nonsense"):
        with pytest.raises(TransientError) as caught:
            PostgresTarget(bad).rows()
        assert "s3cret" not in str(caught.value) and caught.value.__cause__ is None
        told = PostgresTrial(bad).apply([], [])
        assert told.unread and "s3cret" not in told.unread and not told.failed


def test_base_then_pending_as_the_migrator_does(trial: PostgresTrial) -> None:
    check = """do $$ begin
      if (select count(*) from public.schema_migrations) <> 3 then raise 'wrong ledger'; end if;
      if not pg_try_advisory_lock(1867, 2401) then raise 'not mine'; end if;
    end $$; select 100 % 7;"""
    told = trial.apply(
        [file("1", 'create schema auth; create table auth."AuthUser" (id int);')],
        [
            file("2", "begin; alter table auth.\"AuthUser\" add column name text default '100%'; commit;"),
            file("3", "-- nothing but words\n"),
            file("4", check),
        ],
    )
    assert (told.applied, told.failed, told.unread) == (("2", "3", "4"), None, None)
    assert 0 < told.seconds < 20


FAILING = [
    ("select 1;\nselect 1;\nselekt 2;", ("syntax error", "line 3: selekt 2;")),
    ("create index concurrently i on t (id); select 1;", ("CREATE INDEX CONCURRENTLY cannot",)),
    ("insert into t values (1), (1);", ('violates unique constraint "t_pkey"', "(id)=(1)")),
    ("do $$ begin raise 'own words'; end $$;", ("own words", "PL/pgSQL function inline_code_block line 1")),
    ("alter table t drop column nope;", ('column "nope"',)),
    ("commit; drop database namecard_test;", ("DROP DATABASE cannot",)),
    ("drop table public.schema_migrations;", ('relation "public.schema_migrations" does not exist',)),
    ("select '\x00';", ("NUL",)),
    ("set statement_timeout = 50; select pg_sleep(30);", ("statement timeout",)),
]


@pytest.mark.parametrize(("sql", "words"), FAILING)
def test_a_failing_file_fails_with_the_words_of_the_server(
    trial: PostgresTrial, sql: str, words: tuple[str, ...]
) -> None:
    good = file("2", "create table u ();")
    told = trial.apply([file("1", "create table t (id int primary key);")], [good, file("3", sql), file("4", "")])
    assert told.applied == ("2",) and told.failed == "3" and told.unread is None
    assert all(word in (told.error or "") for word in words), told.error


def test_a_transaction_of_the_files_own_harms_only_the_throw_away(trial: PostgresTrial, url: str) -> None:
    told = trial.apply([], [file("1", "commit; create table here (); rollback;"), file("2", "begin; select 1;")])
    assert told.applied == ("1", "2") and told.unread is None
    assert run(url, "select to_regclass('public.here')") == [(None,)]


@pytest.mark.parametrize(
    ("base", "pending", "words"),
    [
        ("selekt 1", "select 1", "of the schema there already, 1: syntax error"),
        ("select 1", 'create extension if not exists "no-such-thing"', 'extension "no-such-thing" is not available'),
        ("select 1", "select pg_terminate_backend(pg_backend_pid())", "the connection was lost"),
    ],
)
def test_what_says_nothing_about_the_file_is_unread(trial: PostgresTrial, base: str, pending: str, words: str) -> None:
    told = trial.apply([file("1", base)], [file("2", pending)])
    assert told.failed is None and words in (told.unread or "")


def test_no_server_is_unread() -> None:
    assert PostgresTrial(None).apply([], []).unread == "no trial server is configured"


def test_left_over_databases_are_dropped(url: str) -> None:
    old, young = f"namecard_trial_{int(time.time()) - 4000}_{'0' * 12}", f"namecard_trial_{int(time.time())}_{'1' * 12}"
    for name in (old, young):
        run(url, f"create database {name}")
    assert PostgresTrial(url).apply([], []).unread is None
    assert names(url) & {old, young} == {young}
    run(url, f"drop database {young}")
