"""Cases of reading: quoting, comments, dollar quotes, DO blocks, transactions, search path, what cannot be read."""

# ruff: noqa: E501
from __future__ import annotations

from tests.judge_cases.case import NOT_SHOWN, safe, unknown, unsafe

CARD = 'alter table cards."Card"'
NEW = "create table cards.tag (id integer primary key, name text);"

CASES = (
    safe(
        "-- drop table cards.\"Card\";\nselect 'drop table x; delete from y'; /* truncate /* nested */ z; */ select $a$ drop table $$ x $a$;"
    ),
    safe(""),
    safe("-- nothing but words\n"),
    unsafe("drop-table", "select ';'; -- it's here\n\n  DROP\n  TABLE cards.\"Event\"", line=3),
    unsafe("drop-table", "select E'it\\'s; fine', $q$;$q$;\ndrop table CARDS.\"Event\"", line=2),
    unsafe(
        "drop-column",
        f'{CARD} add column "a;b" text;\n{CARD} drop column "fullName" cascade, drop column "company"',
        line=2,
    ),
    safe(
        'create table cards."drop table" ("delete from" text); comment on table cards."drop table" is \'truncate all;\''
    ),
    safe("create table cards.card (id integer); drop table cards.card", knows=True),
    unsafe("drop-table", NEW, 'drop table cards."Tag"', file=2, proof=NOT_SHOWN),
    safe(
        "set search_path to cards; create table tag (id integer); alter table tag alter id set not null; drop table cards.tag;"
    ),
    unsafe(
        "drop-table", 'set search_path to cards, public;\ncreate table tag (id integer);\ndrop table "Event";', line=3
    ),
    unsafe("drop-table", 'create table tag (id integer); drop table cards."Event"; drop table public.tag'),
    unsafe(
        "drop-table",
        'create temp table "Event" (id integer); drop table "Event";\nset search_path to cards; drop table "Event";',
        line=2,
    ),
    # --- DO
    safe(
        "do $$ begin if not exists (select 1 from pg_type where typname = 'mood') then create type cards.mood as enum ('sad'); end if; end $$"
    ),
    safe(
        "do $$ begin create table cards.tag (id integer); alter table cards.tag add column k text not null; drop table cards.tag; end $$"
    ),
    safe(
        "do $$ declare n integer; begin select count(*) into n from cards.\"Card\"; if n > 0 then raise notice 'n %', n; end if; end $$"
    ),
    safe(f'do $do$ begin {CARD} add column "a" text; exception when duplicate_column then null; end $do$'),
    unsafe(
        "drop-column", f'do $$\nbegin\n  if true then\n    {CARD} drop column "company";\n  end if;\nend $$', line=4
    ),
    unsafe(
        "add-check",
        f"do $$ begin\n if not exists (select 1 from pg_constraint where conname = 'c') then\n  {CARD} add constraint c check (\"company\" <> 'Same') not valid;\n end if;\nend $$;",
        line=3,
    ),
    unknown(
        "set-not-null",
        "do $$ begin if now() > '2000-01-01' then create table cards.tag (id integer); end if; alter table cards.tag alter id set not null; end $$",
    ),
    unknown(
        "drop-table",
        "do $$ begin if false then return; end if; create table cards.tag (id integer); end $$",
        "drop table cards.tag",
        file=2,
    ),
    unknown(
        "drop-table",
        "do $$ begin create table cards.tag (id integer); exception when others then null; end $$",
        "drop table cards.tag",
        file=2,
    ),
    unknown("dynamic-sql", "do $$ begin\n execute 'drop table ' || 'x';\nend $$", line=2),
    unknown("dynamic-sql", "do $$ begin execute format('select %L', 1); end $$"),
    unknown("dynamic-sql", "do $$ declare c refcursor; begin open c for execute 'select cards.rebuild()'; end $$"),
    unknown("dynamic-sql", "do $$ declare r record; begin for r in execute 'select 1' loop null; end loop; end $$"),
    unknown("unknown-function", "do $$ begin perform cards.rebuild(); end $$"),
    unknown("unknown-function", "do $$ declare x integer := cards.rebuild(); begin null; end $$"),
    unknown("call", "do $$ begin call cards.rebuild(); end $$"),
    unknown("unreadable", "do language plpython3u $$ plpy.execute('drop table x') $$"),
    unknown("unreadable", "do $$ begin nonsense here; end $$"),
    unsafe("delete-all", "do 'begin delete from cards.\"Card\"; end'"),
    # --- what cannot be read
    unknown("unreadable", "select 1;\nselekt 2;", line=2),
    unknown("unreadable", "\\i other.sql\nselect 1;"),
    unknown("unreadable", "select 1;\nalter table t ad column x;", line=2),
    unsafe("drop-table", 'selekt 1;\ndrop table cards."Event";', line=2, proof=NOT_SHOWN),
    # --- transactions
    safe("begin; create table cards.tag (id integer); savepoint s; select 1; release s; commit;"),
    safe("begin; create table cards.tag (id integer); commit;", "drop table cards.tag"),
    unsafe(
        "drop-table",
        "begin; create table cards.tag (id integer); rollback;",
        "drop table if exists cards.tag",
        file=2,
        proof=NOT_SHOWN,
    ),
    unsafe(
        "drop-table",
        "savepoint s; create table cards.tag (id integer); rollback to s; drop table cards.tag;",
        proof=NOT_SHOWN,
    ),
    unsafe(
        "delete-all",
        'create temp table "Card" (id integer) on commit drop; commit;\ndelete from "Card";',
        line=2,
        proof=NOT_SHOWN,
    ),
    unknown("unknown-statement", "prepare transaction 'x'"),
    # --- several files
    safe(NEW, f'{CARD} add column "tag" integer references cards.tag', 'create index on cards."Card" ("tag")'),
    unsafe(
        "drop-column",
        NEW,
        "alter table cards.tag drop column name;",
        f'select 1;\n\n{CARD} drop column "company";',
        file=3,
        line=3,
    ),
    unsafe("drop-table", "do $$ begin execute 'select 1'; end $$;\ndrop table cards.\"Event\";", line=2),
    safe(f'{CARD} add column "a" text;\n' * 1 + f'{CARD} rename "a" to "b"; {CARD} alter "b" set default \'x\';'),
)
