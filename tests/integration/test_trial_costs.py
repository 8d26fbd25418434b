"""The trial on a real PostgreSQL: what a statement costs, what lays out of a schema, what says nothing of a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from namecard_release.adapters.laying import lay_schema
from namecard_release.adapters.postgres_programs import find_packaged_folder
from namecard_release.adapters.target_database import PostgresTarget
from namecard_release.adapters.throw_away import throw_away
from namecard_release.adapters.trial import PostgresTrial
from namecard_release.domain.gates import Verdict
from namecard_release.domain.migrations import SchemaCopy, StatementCost, judge_trial
from namecard_release.sandbox.state import StateStore
from tests.integration.targets import deploy, dump, migration, run

BASE = migration(
    "1 cards base",
    """create schema cards;
    create table cards."Card" (id int primary key, company text, born date);
    create table cards.other (id int primary key, card int);
    create index by_company on cards."Card" (company);
    insert into cards."Card" values (1, 'a', '2026-01-01');""",
)
CARD = 'cards."Card"'


@pytest.fixture(scope="module")
def url(database: StateStore) -> str:
    return database.state.database_url("test")


@pytest.fixture
def target(database: StateStore) -> Iterator[str]:
    url = database.state.database_url("dev")
    run(url, "create database cost_target")
    yield url.replace("/namecard_dev", "/cost_target")
    run(url, "drop database cost_target with (force)")


def costs(url: str, sql: str) -> tuple[StatementCost, ...]:
    told = PostgresTrial(url).apply((BASE,), (migration("2 cards change", sql),))
    assert told.failed is None and told.unread is None, told
    return told.statements


EXCLUSIVE = "cards.Card AccessExclusiveLock"
# fmt: off
COSTS = [
    (f"alter table {CARD} add column a text", {EXCLUSIVE}, ()),
    (f"alter table {CARD} add column a int default 7", {EXCLUSIVE}, ()),
    (f"alter table {CARD} add column a uuid default gen_random_uuid()", {EXCLUSIVE}, ("cards.Card",)),
    (f"alter table {CARD} alter company type varchar(9)", {EXCLUSIVE}, ("cards.Card",)),
    (f"alter table {CARD} alter id type bigint", {EXCLUSIVE}, ("cards.Card",)),
    (f"alter table {CARD} alter company set not null", {EXCLUSIVE}, ()),
    (f"alter table {CARD} add constraint u unique (company)", {EXCLUSIVE, "cards.Card ShareLock"}, ()),
    (f"alter table {CARD} drop column company", {EXCLUSIVE, "cards.by_company AccessExclusiveLock"}, ()),
    ("create index i on cards.other (card)", {"cards.other ShareLock"}, ()),
    ("alter table cards.other add foreign key (card) references cards.\"Card\"",
     {"cards.Card ShareRowExclusiveLock", "cards.other ShareRowExclusiveLock"}, ()),
    ("reindex index cards.by_company", {"cards.Card ShareLock", "cards.by_company AccessExclusiveLock"},
     ("index cards.by_company",)),
    ("drop table cards.other", {"cards.other AccessExclusiveLock"}, ()),
    ("truncate cards.other", {"cards.other AccessExclusiveLock"}, ("cards.other", )),
    (f"update {CARD} set company = 'b'", {"cards.Card RowExclusiveLock"}, ()),
    (f"select count(*) from {CARD}", {"cards.Card AccessShareLock"}, ()),
    ("lock table cards.other in share update exclusive mode", {"cards.other ShareUpdateExclusiveLock"}, ()),
    (f"comment on table {CARD} is 'x'", {"cards.Card ShareUpdateExclusiveLock"}, ()),
    ("select 1", set(), ()),
]
# fmt: on


def test_each_statements_locks_and_rewrites(url: str) -> None:
    # One trial a statement would take a minute, so each gets a file of its own on the same base.
    wrong = []
    files = [migration(f"{n} cards c", f"savepoint s; {sql}; rollback to s;") for n, (sql, _, _) in enumerate(COSTS, 2)]
    told = PostgresTrial(url).apply((BASE,), files)
    assert told.failed is None and told.unread is None, told
    for file, (sql, locks, rewrites) in zip(files, COSTS, strict=True):
        _, cost, _ = (one for one in told.statements if one.file == file.name)
        if not locks <= set(cost.locks) or (not locks and cost.locks) or cost.rewrites != rewrites:
            wrong.append((sql, cost))
    assert wrong == []


def test_statements_are_told_by_line_with_what_each_first_locks(url: str) -> None:
    sql = f"-- words\n\nalter table {CARD} add column a text;\n/* more */ alter table {CARD}\n add column b text;"
    first, second = costs(url, sql)
    assert (first.line, second.line) == (3, 4) and first.ms > 0
    assert first.locks == (EXCLUSIVE,) and second.locks == ()
    (made,) = costs(url, "create table cards.fresh (id int)")
    assert made.rewrites == () and "cards.fresh AccessExclusiveLock" in made.locks


def test_measuring_leaves_no_trace_for_the_exact_run(url: str) -> None:
    # A sequence stays moved after a rollback; what counts on its next number must not see that.
    sql = """create table cards.serial (id serial primary key);
    insert into cards.serial default values;
    do $$ begin if (select id from cards.serial) <> 1 then raise 'moved'; end if; end $$;"""
    assert len(costs(url, sql)) == 3


def test_a_limit_that_the_file_sets_ends_the_measuring_and_not_the_trial(url: str) -> None:
    # Between the two our own questions have a millisecond; the file as one query asks none.
    assert costs(url, "select 1; set local statement_timeout = 1; set local statement_timeout = 60000;")[0].line == 1


@pytest.mark.parametrize(
    ("sql", "line", "text"),
    [
        (f"select 1;\nalter table {CARD} drop column nope;", 2, f"alter table {CARD} drop column nope"),
        ("select 1;\n\ndo $$ begin\n raise 'own'; end $$;", 3, "do $$ begin\n raise 'own'; end $$"),
        (f"insert into {CARD} values (2);\ninsert into {CARD} values (1);", 2, f"insert into {CARD} values (1)"),
        (
            f"alter table cards.other add foreign key (card) references {CARD} deferrable initially deferred;"
            "\ninsert into cards.other values (1, 99);",
            2,
            "insert into cards.other values (1, 99)",
        ),
    ],
)
def test_the_failing_statement_is_named(url: str, sql: str, line: int, text: str) -> None:
    told = PostgresTrial(url).apply((BASE,), (migration("2 cards bad", sql),))
    assert told.failed == "2026-01-01T0002__cards__bad.sql" and told.failed_statement is not None
    assert (told.failed_statement.line, told.failed_statement.text) == (line, text)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ('create extension "not-here"', "is not available"),
        (f"grant select on {CARD} to nobody_here", 'role "nobody_here" does not exist'),
        ("create role another", "changes the whole server"),
        ("create table cards.far () tablespace elsewhere", 'tablespace "elsewhere" does not exist'),
    ],
)
def test_what_this_server_lacks_is_unknown(url: str, sql: str, words: str) -> None:
    told = PostgresTrial(url).apply((BASE,), (migration("2 cards x", sql),))
    assert judge_trial(told)[0] is Verdict.UNKNOWN and words in (told.unread or "")
    schema = SchemaCopy(f"create schema cards; create table {CARD} (); {sql}", "", ())
    told = PostgresTrial(url).apply((), (migration("2 cards x", "select 1"),), schema)
    assert judge_trial(told)[0] is Verdict.UNKNOWN
    assert "the trial server does not take the target's schema" in (told.unread or "")


EVERYTHING = """
create schema "Odd Name"; create schema cards;
create type cards.mood as enum ('glad', 'sad');
create domain cards.mail as text check (value ~ '@');
create type cards.pair as (a int, b text);
create function cards.shout(t text) returns text language sql immutable as $f$ select upper(t) || E'\\\\restrict' $f$;
create function cards.touch() returns trigger language plpgsql as $f$ begin new.note := 'x'; return new; end $f$;
create table "Odd Name"."My ""odd Table" (
  "Id" bigint generated always as identity primary key, "Mood" cards.mood not null default 'glad',
  "Mail" cards.mail, loud text generated always as (cards.shout("Mail"::text)) stored, note text,
  constraint "odd;check" check ("Id" > 0));
create table cards.child (id serial primary key, parent bigint references "Odd Name"."My ""odd Table" on delete cascade,
  exclude using btree (parent with =));
create table cards.parted (at date not null, n int) partition by range (at);
create table cards.parted_26 partition of cards.parted for values from ('2026-01-01') to ('2027-01-01');
create table cards.parted_rest partition of cards.parted default;
create index on cards.parted (n);
create unique index loud_idx on "Odd Name"."My ""odd Table" (lower(loud)) where note is not null;
create view cards.glad as select "Id" from "Odd Name"."My ""odd Table" where "Mood" = 'glad';
create materialized view cards.counted as select count(*) as n from cards.glad;
create trigger touched before insert on "Odd Name"."My ""odd Table" for each row execute function cards.touch();
alter table cards.child enable row level security;
create policy mine on cards.child using (parent > 0);
create procedure cards.work() language sql as 'select 1';
create aggregate cards.total (int) (sfunc = int4pl, stype = int, initcond = '0');
create rule quiet as on delete to cards.child where old.id < 0 do instead nothing;
comment on table cards.child is 'left out of a copy';
insert into "Odd Name"."My ""odd Table" ("Mail") values ('a@x'), ('b@x');
insert into cards.child (parent) values (1);
insert into cards.parted values ('2026-05-05', 1), ('1999-01-01', 2);
refresh materialized view cards.counted;
do $$ begin perform 1; end $$;
"""


@pytest.mark.parametrize("newer", [False, True])
def test_a_schema_of_every_kind_is_laid_out_alike_and_filled(target: str, url: str, newer: bool) -> None:
    base = migration("1 cards all", EVERYTHING)
    deploy(target, (base,))
    before = dump(target)
    reading = PostgresTarget(target).read()
    packaged = find_packaged_folder()
    assert packaged is not None
    # PyPI's is of a newer major version than most systems', and writes what an older server does not know.
    schema = PostgresTarget(target, packaged / "pg_dump" if newer else None).copy_schema(reading)
    assert "a@x" not in schema.before_rows + schema.after_rows
    with throw_away(url) as seeds, throw_away(url) as ground:
        place = url.rpartition("/")[0]
        deploy(f"{place}/{seeds}", (base,))
        assert lay_schema(url, ground, schema, seeds) == "target's schema"
        copied = f"{place}/{ground}"
        assert PostgresTarget(copied).read() == reading
        assert run(copied, 'select "Id", "Mail", loud, note from "Odd Name"."My ""odd Table" order by 1') == [
            (1, "a@x", "A@X\\restrict", "x"),
            (2, "b@x", "B@X\\restrict", "x"),
        ]
        assert run(copied, "select tableoid::regclass::text, n from cards.parted order by n") == [
            ("cards.parted_26", 1),
            ("cards.parted_rest", 2),
        ]
        assert run(copied, "select n from cards.counted") == [(2,)]
        assert run(copied, "select nextval('cards.child_id_seq')") == [(2,)]
    assert dump(target) == before


def test_rows_that_do_not_fit_a_drifted_target_are_left_out_and_told(target: str, url: str) -> None:
    deploy(target, (BASE, migration("2 cards more", f"insert into {CARD} values (2, 'a', null)")))
    run(target, f"delete from {CARD} where id = 2; create unique index drift on {CARD} (company)")
    pending = (migration("3 cards next", f"alter table {CARD} add column z int not null default 1"),)
    base = (BASE, migration("2 cards more", f"insert into {CARD} values (2, 'a', null)"))
    schema = PostgresTarget(target).copy_schema(PostgresTarget(target).read())
    told = PostgresTrial(url).apply(base, pending, schema)
    assert told.failed is None and told.unread is None
    assert told.basis.startswith("target's schema; without rows, for those of the migrations break a rule")
    run(target, f"drop index cards.drift; truncate {CARD}; drop table cards.other")
    run(target, f"alter table {CARD} add column needed int not null")
    schema = PostgresTarget(target).copy_schema(PostgresTarget(target).read())
    told = PostgresTrial(url).apply((*base, migration("3 auth bad", "selekt")), pending, schema)
    assert told.failed is None and "no rows for cards.Card: null value in column" in told.basis
    assert "its rows end before 2026-01-01T0003__auth__bad.sql: syntax error" in told.basis
    # What refers to a row that was left out fails for want of it; what is wrong anyway is wrong.
    for sql, unread in (("alter table cards.more add foreign key (c) references {}", True), ("selekt {}", False)):
        made = migration("4 cards refer", f"create table cards.more (c int); insert into cards.more values (1); {sql}")
        told = PostgresTrial(url).apply(base, (replace(made, sql=made.sql.format(CARD)),), schema)
        assert (told.failed is None, told.unread is not None) == (unread, unread), told
