"""Objects dropped, renamed or retyped, and changes hidden in DO; with their look-alikes."""

from __future__ import annotations

from tests.lint_cases.case import Case, Label

_OWN = "create table fresh_one (id int, a text);"

CASES = (
    Case("drop table", Label.LOSES, "drop table cards.tag;", "drop-table"),
    Case("drop table if exists", Label.LOSES, "DROP TABLE IF EXISTS cards.tag CASCADE;", "drop-table"),
    Case("drop two tables", Label.LOSES, 'drop table cards.tag,\n cards."Card" cascade;', "drop-table drop-table"),
    Case("drop table in DO", Label.LOSES, "do $$ begin\n drop table cards.tag; end $$;", "drop-table@2", "ddl-in-do@2"),
    Case(
        "drop table executed",
        Label.LOSES,
        "do $$ begin execute 'drop table ' || 'cards.tag'; end $$;",
        "drop-table",
        "ddl-in-do dynamic-sql-read",
    ),
    Case(
        "drop table formatted",
        Label.LOSES,
        "do $$ declare r record; begin for r in select 'tag' as n loop\n"
        " execute format('drop table cards.%I', r.n); end loop; end $$;",
        "drop-table@2",
        "ddl-in-do@2 dynamic-sql-read@2",
    ),
    Case(
        "what nobody can read is executed",
        Label.LOSES,
        "do $$ declare t text := reverse('gat.sdrac elbat pord'); begin\n execute t; end $$;",
        "dynamic-sql@2",
    ),
    Case("drop table, marked anywhere", Label.LOSES, "drop table cards.tag;\n\n-- lint-ignore:drop-table"),
    Case(
        "drop table, marked among others",
        Label.LOSES,
        "/* lint-ignore:rename, drop-table: unused */ drop table cards.tag;",
    ),
    Case("drop an own table", Label.INNOCENT, f"{_OWN} drop table fresh_one;"),
    Case("drop a temporary table", Label.INNOCENT, "create temp table t (id int) on commit drop; drop table t;"),
    Case("drop table in a string", Label.INNOCENT, "comment on table cards.tag is 'drop table cards.tag';"),
    Case(
        "drop table in a function",
        Label.INNOCENT,
        "create function fresh_f() returns void language plpgsql as $$ begin drop table cards.tag; end $$;",
    ),
    Case(
        "a temporary table hides the real one",
        Label.LOSES,
        "set local search_path = cards; create temp table tag (id int) on commit drop; drop table tag; drop table tag;",
        "drop-table",
    ),
    Case("drop column", Label.LOSES, 'alter table cards."Card" drop column name cascade;', "drop-column"),
    Case("drop without the word column", Label.LOSES, "alter table cards.tag drop label;", "drop-column"),
    Case(
        "drop column among others",
        Label.LOSES,
        "alter table cards.tag add column a int,\n drop column if exists label;",
        "drop-column",
    ),
    Case(
        "drop column, lower lines", Label.LOSES, "-- é\n\nalter table cards.tag\n  drop column label;", "drop-column@3"
    ),
    Case(
        "drop column in DO",
        Label.LOSES,
        "do $$ begin alter table cards.tag drop column label; end $$;",
        "drop-column",
        "ddl-in-do",
    ),
    Case(
        "drop an own column",
        Label.INNOCENT,
        "alter table cards.tag add column a int; alter table cards.tag drop column a;",
    ),
    Case(
        "drop a column that may have been there",
        Label.LOSES,
        "alter table cards.tag add column if not exists label text; alter table cards.tag drop column label;",
        "drop-column",
    ),
    Case("drop a column of an own table", Label.INNOCENT, f"{_OWN} alter table fresh_one drop column a;"),
    Case(
        "drop a column of a table that may have been there",
        Label.LOSES,
        "create table if not exists cards.tag (label text); alter table cards.tag drop column label;",
        "drop-column",
    ),
    Case("drop default", Label.BLOCKS, 'alter table cards."Card" alter column hits drop default;'),
    Case("drop not null", Label.BLOCKS, 'alter table cards."Card" alter column hits drop not null;'),
    Case("drop constraint", Label.BLOCKS, 'alter table cards."Card" drop constraint "Card_owner_fkey";'),
    Case("drop schema", Label.LOSES, "drop schema cards cascade;", "drop-schema"),
    Case(
        "drop an own schema",
        Label.INNOCENT,
        "create schema fresh; create table fresh.t (id int); drop schema fresh cascade;",
    ),
    Case("drop owned", Label.LOSES, "drop owned by current_user cascade;", "drop-schema"),
    Case("drop view", Label.LOSES, "drop view cards.recent;", warnings="drop-object"),
    Case("drop function", Label.LOSES, "drop function cards.twice(int);", warnings="drop-object"),
    Case("drop type", Label.LOSES, "drop type cards.mood cascade;", warnings="drop-object"),
    Case("drop sequence", Label.LOSES, "drop sequence cards.numbers;", warnings="drop-object"),
    Case("drop an own view", Label.INNOCENT, "create view fresh_v as select 1; drop view fresh_v;"),
    Case(
        "drop an own function",
        Label.INNOCENT,
        "create function fresh_f(int) returns int language sql as 'select 1'; drop function fresh_f(int);",
    ),
    Case("rename a table", Label.LOSES, "alter table cards.tag rename to label;", "rename"),
    Case("rename a column", Label.LOSES, "alter table cards.tag rename column label to title;", "rename"),
    Case("rename a column without the word", Label.LOSES, "alter table cards.tag rename label to title;", "rename"),
    Case("rename a view", Label.LOSES, "alter view cards.recent rename to newest;", "rename"),
    Case("rename a schema", Label.LOSES, "alter schema cards rename to fresh;", "rename"),
    Case(
        "rename an enumeration's value", Label.RETYPES, "alter type cards.mood rename value 'ok' to 'fine';", "rename"
    ),
    Case("move to another schema", Label.LOSES, "alter table cards.tag set schema auth;", "rename"),
    Case(
        "rename an own table",
        Label.INNOCENT,
        f"{_OWN} alter table fresh_one rename to fresh_two; drop table fresh_two;",
    ),
    Case("rename an own column", Label.INNOCENT, f"{_OWN} alter table fresh_one rename column a to b;"),
    Case("rename in a string", Label.INNOCENT, "select 'rename to', 'alter type';"),
    Case(
        "alter column type",
        Label.RETYPES,
        'alter table auth."AuthUser" alter email type varchar(9);',
        "alter-type",
    ),
    Case(
        "alter column set data type",
        Label.RETYPES,
        "alter table cards.tag alter label set data type varchar(50);",
        "alter-type",
    ),
    Case("alter an own column's type", Label.INNOCENT, f"{_OWN} alter table fresh_one alter a type varchar(9);"),
    Case("alter a composite type", Label.RETYPES, "alter type cards.address add attribute zip text;", "alter-type"),
    Case(
        "alter an own composite type",
        Label.INNOCENT,
        "create type fresh_t as (a int); alter type fresh_t add attribute b int;",
    ),
    Case(
        "type as a column's name",
        Label.INNOCENT,
        'create table fresh_one ("type" text); alter table fresh_one add "alter type" int;',
    ),
    Case("add a nullable column", Label.BLOCKS, 'alter table cards."Card" add column note text;'),
    Case(
        "add a column in DO",
        Label.BLOCKS,
        'do $$ begin alter table cards."Card" add column note text; end $$;',
        warnings="ddl-in-do",
    ),
    Case(
        "create a type in DO",
        Label.INNOCENT,
        "do $$ begin\n create type fresh_t as enum ('a');\nexception when duplicate_object then null; end $$;",
        warnings="ddl-in-do@2",
    ),
    Case(
        "create a table in DO",
        Label.INNOCENT,
        "do $$ begin create table fresh_one (id int primary key, tag int references cards.tag); end $$;",
        warnings="ddl-in-do",
    ),
    Case("insert in DO", Label.INNOCENT, "do $$ begin insert into cards.tag values (9, 'drop table'); end $$;"),
    Case(
        "a DO that reads", Label.INNOCENT, "do $$ declare n int; begin select count(*) into n from cards.tag; end $$;"
    ),
    Case("a DO that raises", Label.REFUSED, "do $$ begin raise exception 'no'; end $$;", code="P0001"),
    Case(
        "a required column on rows",
        Label.REFUSED,
        "alter table cards.tag add column a int not null;",
        "required-column",
        code="23502",
    ),
    Case(
        "a required column in DO",
        Label.REFUSED,
        "do $$ begin alter table cards.tag add column a int not null; end $$;",
        "required-column",
        "ddl-in-do",
        code="23502",
    ),
    Case("a unique column", Label.BLOCKS, "alter table cards.tag add column a int unique;"),
    Case(
        "a unique column with one default",
        Label.REFUSED,
        "alter table cards.tag add column a int unique default 1;",
        warnings="unique-on-data",
        code="23505",
    ),
    Case("refresh", Label.INNOCENT, "refresh materialized view cards.stats;", warnings="blocking-upkeep"),
    Case("a serial column", Label.BLOCKS, "alter table cards.tag add column a serial;"),
    Case(
        "a required column with a default", Label.BLOCKS, "alter table cards.tag add column a int not null default 0;"
    ),
    Case(
        "a required column on an own table", Label.INNOCENT, f"{_OWN} alter table fresh_one add column b int not null;"
    ),
    Case(
        "unique on doubles",
        Label.REFUSED,
        'alter table cards."Card" add constraint u unique (owner);',
        warnings="unique-on-data",
        code="23505",
    ),
    Case(
        "unique index on doubles",
        Label.REFUSED,
        'create unique index on cards."Card" (owner);',
        warnings="blocking-index unique-on-data",
        code="23505",
    ),
    Case("unique on an own table", Label.INNOCENT, f"{_OWN} alter table fresh_one add unique (id);"),
    Case("create index", Label.BLOCKS, 'create index on cards."Card" (hits);', warnings="blocking-index"),
    Case("create index in a string", Label.INNOCENT, "select 'create index on t (x)';"),
)
