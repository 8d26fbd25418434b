"""Cases about tables, views, types, functions, schemas, triggers, rights."""

# ruff: noqa: E501
from __future__ import annotations

from tests.judge_cases.case import NOT_SHOWN, safe, unknown, unsafe

CARD = 'alter table cards."Card"'
NEW = "create table cards.tag (id integer primary key, name text);"

CASES = (
    # --- new objects and what is done to them
    safe(NEW),
    safe(
        'create table if not exists cards.tag (id integer references cards."Card" ("id") on delete cascade, unique (id))'
    ),
    safe("create schema if not exists search; create schema audit; create extension if not exists plpgsql;"),
    safe("create type cards.mood as enum ('sad');", "alter type cards.mood add value 'ok'", proof=NOT_SHOWN),
    safe(
        "create type cards.mood as enum ('sad');",
        "alter type cards.mood rename value 'sad' to 'low'; drop type cards.mood;",
    ),
    safe(
        'create sequence cards.s; select setval(\'cards.s\', (select max("id") from cards."Card")); drop sequence cards.s'
    ),
    safe('create view cards.named as select "id" from cards."Card"; drop view cards.named;'),
    safe(
        "create materialized view cards.m as select 1 as one; refresh materialized view cards.m; drop materialized view cards.m"
    ),
    safe(
        "create function cards.f(integer) returns integer language sql as 'select 1';", "drop function cards.f(integer)"
    ),
    safe(
        "create function cards.f(a int) returns int language sql as 'select 1'; revoke all on function cards.f(integer) from public;"
    ),
    safe(
        "create function cards.f() returns integer language sql as 'select 1'; create or replace function cards.f() returns integer language sql as 'select 2';"
    ),
    safe(NEW, "alter table cards.tag drop column name, add column k text not null, alter column id type bigint;"),
    safe(
        NEW,
        "alter table cards.tag rename to label; alter table cards.label rename column name to title; drop table cards.label",
    ),
    safe(
        NEW, "alter table cards.tag set schema public; create unique index on public.tag (name); drop table public.tag"
    ),
    safe(
        NEW,
        "create policy p on cards.tag using (true); alter table cards.tag enable row level security; revoke all on cards.tag from public;",
    ),
    safe(
        NEW,
        "alter table cards.tag add constraint c check (name <> ''), add unique (name); alter table cards.tag drop constraint c",
    ),
    safe(
        "create table cards.log (at integer) partition by range (at); create table cards.log_1 partition of cards.log for values from (0) to (1); alter table cards.log detach partition cards.log_1; drop table cards.log_1"
    ),
    safe('create temp table "Card" as select 1 as n; delete from "Card"; drop table "Card";'),
    safe('create table cards."Event_2" partition of cards."Event" for values from (10) to (20)'),
    safe(
        "create table if not exists cards.tag (id integer); alter table cards.tag alter column id set not null;",
        knows=True,
    ),
    unknown(
        "set-not-null",
        "create table if not exists cards.tag (id integer); alter table cards.tag alter column id set not null;",
    ),
    unknown(
        "drop-column",
        'create table if not exists cards."Card" ("company" text);',
        f'{CARD} drop column "company"',
        file=2,
    ),
    unsafe(
        "drop-column",
        'create table if not exists cards."Card" ("company" text);',
        f'{CARD} drop column "company"',
        file=2,
        knows=True,
    ),
    unknown("drop-extension", "create extension if not exists pgcrypto; drop extension pgcrypto"),
    unknown(
        "drop-materialized-view",
        "create materialized view if not exists cards.totals as select 1; drop materialized view cards.totals",
    ),
    unknown("child-of-known-table", 'create table cards."Card2" ("title" text) inherits (cards."Card")'),
    unknown(
        "child-of-known-table",
        'create table cards."Event_2" partition of cards."Event" ("what" not null) for values from (10) to (20)',
    ),
    unsafe(
        "drop-table",
        'create table cards."Event_2" partition of cards."Event" for values from (10) to (20)',
        'drop table cards."Event_2"',
        file=2,
        proof=NOT_SHOWN,
    ),
    unknown(
        "attach-partition",
        'create table cards.e (like cards."Event")',
        'alter table cards."Event" attach partition cards.e for values from (10) to (20)',
        file=2,
    ),
    unsafe(
        "attach-partition",
        'alter table cards."Event" attach partition cards.old for values from (10) to (20)',
        proof=NOT_SHOWN,
    ),
    unsafe("detach-partition", 'alter table cards."Event" detach partition cards."Event_1"'),
    # --- objects there already
    unsafe("drop-table", 'drop table cards."Event"'),
    unsafe("drop-table", 'drop table if exists cards."Event_1"'),
    safe('drop table if exists cards."Evnt"', knows=True),
    unsafe("drop-table", 'drop table if exists cards."event"', proof=NOT_SHOWN),
    unsafe("drop-table", 'drop table if exists "Event"', knows=True, proof=NOT_SHOWN),
    unsafe("drop-table", 'drop table cards."Event"; create table cards."Event" ("at" integer not null, "what" text);'),
    unsafe("drop-cascade", 'drop table if exists cards."Card" cascade'),
    unsafe("drop-cascade", NEW, "drop table cards.tag cascade", file=2, proof=NOT_SHOWN),
    unsafe("drop-view", "drop view cards.recent"),
    unsafe("drop-materialized-view", "drop materialized view cards.totals"),
    unsafe("drop-function", "drop function cards.initials"),
    unsafe(
        "drop-function",
        "create function cards.initials(integer) returns text language sql as 'select null'; drop function cards.initials(text);",
    ),
    unsafe(
        "drop-function",
        "create function cards.f(integer) returns text language sql as 'select null'; drop function cards.f(integer); drop function cards.f;",
        proof=NOT_SHOWN,
    ),
    unsafe("drop-type", "drop type cards.weather", proof=NOT_SHOWN),
    unsafe("drop-sequence", "drop sequence cards.counter", proof=NOT_SHOWN),
    unsafe("drop-schema", "drop schema billing", proof=NOT_SHOWN),
    unsafe("drop-cascade", "drop schema cards cascade"),
    unsafe("drop-extension", "drop extension pgcrypto", proof=NOT_SHOWN),
    unsafe("drop-domain", "drop domain cards.slug", proof=NOT_SHOWN),
    unsafe("drop-attribute", "alter type cards.pair drop attribute a", proof=NOT_SHOWN),
    unsafe("rename-table", 'alter table cards."Card" rename to "Kard"'),
    unsafe(
        "rename-table",
        'alter table cards."Event" rename to "Happening"; create view cards."Event" as select * from cards."Happening";',
        proof=NOT_SHOWN,
    ),
    unsafe("rename-view", "alter view cards.recent rename to latest"),
    unsafe("rename-function", "alter function cards.initials(text) rename to ini"),
    unsafe("rename-type", "alter type cards.state rename to status"),
    unsafe("rename-enum-value", "alter type cards.state rename value 'queued' to 'waiting'"),
    unsafe("rename-schema", "alter schema cards rename to kards"),
    unsafe("rename-sequence", "alter sequence cards.numbers rename to n"),
    unsafe("rename-attribute", "alter type cards.pair rename attribute a to b", proof=NOT_SHOWN),
    unsafe("set-schema", 'alter table cards."Card" set schema public'),
    unsafe("set-schema", "alter function cards.initials(text) set schema public"),
    unknown("add-enum-value", "alter type cards.state add value if not exists 'lost'"),
    unknown("replace-view", 'create or replace view cards.recent as select "id", "fullName" from cards."Card"'),
    safe("create or replace view cards.latest as select 1 as one", knows=True),
    unknown(
        "replace-routine", "create or replace function cards.initials(text) returns text language sql as 'select null'"
    ),
    safe("create or replace function cards.fresh(text) returns text language sql as 'select null'", knows=True),
    unknown("create-trigger", 'create trigger t before insert on cards."Card" for each row execute function cards.f()'),
    safe(
        NEW,
        "create function cards.tf() returns trigger language plpgsql as 'begin return new; end'; create trigger t before insert on cards.tag for each row execute function cards.tf();",
    ),
    unknown("drop-trigger", 'drop trigger if exists t on cards."Card"'),
    safe('alter trigger t on cards."Card" rename to u', proof=NOT_SHOWN),
    unknown("unknown-statement", 'create rule r as on delete to cards."Card" do instead nothing'),
    unknown("unknown-statement", f"{CARD} disable trigger all"),
    unknown("unknown-statement", f"{CARD} inherit cards.base"),
    unknown("unknown-statement", f"{CARD} set access method columnar"),
    unknown("alter-object", "alter view cards.recent alter column id set default 1"),
    unknown("alter-object", "alter view cards.recent set (security_invoker = true)"),
    unknown("alter-object", "alter sequence cards.numbers restart with 1"),
    unknown("alter-object", "alter type cards.pair add attribute b text"),
    unknown("unknown-statement", "alter function cards.initials(text) strict"),
    unsafe("alter-domain", "alter domain cards.slug add constraint c check (value <> '')", proof=NOT_SHOWN),
    unknown("alter-domain", "create domain cards.d as text", "alter domain cards.d set not null", file=2),
    unknown("unknown-statement", f"{CARD} replica identity nothing"),
    unknown("unknown-statement", f'{CARD} alter "company" set storage plain'),
    unknown("alter-object", NEW, "alter sequence cards.numbers owned by cards.tag.id", file=2),
    unknown(
        "foreign-partition",
        'create foreign table cards.far partition of cards."Event" for values from (10) to (20) server s',
    ),
    # --- rights
    safe('grant select on cards."Card" to public; comment on table cards."Card" is \'cards\';'),
    unsafe("revoke", 'revoke insert on cards."Card" from current_user'),
    unsafe("revoke", "revoke all on all tables in schema cards from current_user"),
    unsafe("revoke", "revoke usage on schema cards from current_user"),
    unsafe("enable-row-security", f"{CARD} enable row level security", proof=NOT_SHOWN),
    unsafe("enable-row-security", f"{CARD} force row level security, enable row level security"),
    unknown("disable-row-security", f"{CARD} disable row level security"),
    unsafe("create-policy", 'create policy p on cards."Card" using (false)', proof=NOT_SHOWN),
    unknown("drop-policy", 'drop policy if exists p on cards."Card"'),
    unknown("change-owner", f"{CARD} owner to postgres"),
    unknown("unknown-statement", 'security label for anon on column cards."Card"."phone" is \'masked\''),
    # --- storage and maintenance
    safe(
        f'{CARD} set (fillfactor = 80); {CARD} alter "company" set statistics 500; {CARD} alter "company" set storage external; create statistics cards.st on "views", "company" from cards."Card"; analyze cards."Card"; reindex table cards."Card";'
    ),
    safe('vacuum cards."Card"'),
    unsafe("refresh-with-no-data", "refresh materialized view cards.totals with no data"),
    unknown("refresh", "refresh materialized view cards.totals"),
    unknown("server", "alter role app set search_path = public"),
    unknown("server", "alter system set work_mem = '1GB'"),
)
