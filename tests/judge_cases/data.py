"""Cases about rows, queries and calls."""

# ruff: noqa: E501
from __future__ import annotations

from tests.judge_cases.case import NOT_SHOWN, safe, unknown, unsafe

CARD = 'alter table cards."Card"'
NEW = "create table cards.tag (id integer primary key, name text);"
HELD = 'create table cards.pin (card integer references cards."Card" ("id"));'

CASES = (
    safe('insert into auth."AuthUser" ("email") values (\'seed@example.org\') on conflict do nothing'),
    unknown(
        "upsert",
        'insert into auth."AuthUser" ("email") values (\'a\') on conflict ("email") do update set "name" = \'x\'',
    ),
    safe(
        f"{NEW} insert into cards.tag values (1, 'a') on conflict (id) do update set name = 'b'; update cards.tag set name = lower(name); delete from cards.tag; truncate cards.tag;"
    ),
    safe(
        f'{NEW} insert into cards.tag select "id", "company" from cards."Card"; merge into cards.tag t using cards."Card" c on t.id = c."id" when matched then delete;'
    ),
    unknown("update", 'update cards."Card" set "company" = null'),
    unknown(
        "update",
        f'{CARD} add column "a" text',
        'update cards."Card" set "a" = \'x\', "company" = \'y\' where "id" = 1',
        file=2,
    ),
    safe(f'{CARD} add column "a" text, add column "b" text; update cards."Card" set ("a", "b") = (\'x\', "company");'),
    unsafe("delete-all", 'delete from cards."Card"'),
    unsafe("delete-all", 'delete from cards."Card" where true'),
    unsafe("delete-all", 'delete from cards."Card" where 1 = 1;'),
    unknown("delete", 'delete from cards."Card" where "id" = 5'),
    unsafe("truncate", 'truncate cards."Card"'),
    unsafe("truncate", f"{NEW}", 'truncate table cards.tag, cards."Event"', file=2),
    unsafe("truncate", NEW, "truncate cards.tag cascade", file=2, proof=NOT_SHOWN),
    unknown(
        "merge", 'merge into cards."Card" c using auth."AuthUser" u on c."ownerId" = u."id" when matched then delete'
    ),
    unknown("copy", f"{NEW} copy cards.tag from stdin;"),
    unknown("server", "copy cards.\"Card\" to program 'cat'"),
    # --- rows that hold on to rows of the earlier code, and writes that go elsewhere
    safe(HELD),
    unknown("rows-hold-known-rows", HELD, 'insert into cards.pin select "id" from cards."Card"', file=2),
    unknown(
        "rows-hold-known-rows",
        'create table cards.pin as select "id" as card from cards."Card"',
        'alter table cards.pin add foreign key (card) references cards."Card" ("id")',
        file=2,
    ),
    safe(
        'create table cards.pin (card integer references cards."Card" ("id") on delete cascade); insert into cards.pin select "id" from cards."Card"'
    ),
    safe(
        f"{NEW} create table cards.pin (tag integer references cards.tag); insert into cards.tag values (1); insert into cards.pin values (1)"
    ),
    unknown(
        "rows-hold-known-rows",
        f'{CARD} add column "by" integer references auth."AuthUser"',
        'update cards."Card" set "by" = 2',
        file=2,
    ),
    unknown(
        "rows-hold-known-rows",
        f'{CARD} add column "by" integer',
        'update cards."Card" set "by" = 2',
        f'{CARD} add foreign key ("by") references auth."AuthUser"',
        file=3,
    ),
    unknown(
        "write-through",
        f'{NEW} {CARD} add column "tag" integer references cards.tag on delete cascade;',
        "delete from cards.tag",
        file=2,
    ),
    unknown("write-through", 'create view cards.v as select * from cards."Card"', "delete from cards.v", file=2),
    unknown(
        "write-through",
        f"{NEW} create trigger t after insert on cards.tag for each row execute function cards.f();",
        "insert into cards.tag values (1)",
        file=2,
    ),
    unknown(
        "write-through",
        "create table cards.tag (id integer default cards.wipe())",
        "insert into cards.tag values (1)",
        file=2,
    ),
    safe(
        'create table if not exists cards.pin (card integer references cards."Card" ("id") on delete cascade); insert into cards.pin select "id" from cards."Card"'
    ),
    unknown(
        "rows-hold-known-rows",
        'create table if not exists cards.pin (card integer references cards."Card" ("id"));',
        'insert into cards.pin select "id" from cards."Card"',
        file=2,
    ),
    # --- queries and calls
    safe(
        "select 1; show server_version; set lock_timeout = '2s'; lock table cards.\"Card\" in share mode; values (1);"
    ),
    safe('select setval(\'cards.numbers\', (select max("id") + 1000 from cards."Card"))'),
    unknown("set-sequence", "select setval('cards.numbers', 1, false)"),
    unknown("unknown-function", "select set_config('search_path', '', false)"),
    unknown("unknown-function", "select cards.rebuild()"),
    unknown(
        "unknown-function",
        "create function public.lower(integer) returns integer language sql as 'select 1'; select lower(1)",
    ),
    unknown("unknown-function", "select * from dblink('x', 'drop table y') as t(a int)"),
    unknown("unknown-function", f"{NEW} insert into cards.tag values (cards.next_id())"),
    unknown("call", "call cards.rebuild()"),
    unknown("dynamic-sql", 'prepare p as delete from cards."Card"; execute p;'),
    unknown("dynamic-sql", 'prepare p as delete from cards."Card"; deallocate p;'),
    unknown("dynamic-sql", "do $$ begin execute 'drop table cards.\"Card\"'; end $$"),
    unknown("dynamic-sql", "do $$ begin execute format('truncate cards.%I cascade', 'Card'); end $$"),
    safe("declare c cursor for select 1"),
    unsafe(
        "delete-all",
        'create temp table "Card" (id integer);\nset search_path to cards;\ndiscard temp;\ndelete from "Card"',
        line=4,
    ),
    unknown("drop-owned", "drop owned by current_user cascade"),
    unknown("unknown-function", "declare c cursor for select cards.rebuild()"),
    unknown("unknown-statement", "declare c cursor for select 1; fetch all from c;"),
    # --- one statement inside another
    unsafe("delete-all", 'with gone as (delete from cards."Card" returning *) select count(*) from gone'),
    unsafe(
        "delete-all",
        'create table cards.kept as with gone as (delete from cards."Card" returning *) select * from gone',
    ),
    unsafe("delete-all", 'explain analyze delete from cards."Card"'),
    safe('explain delete from cards."Card"'),
    unsafe(
        "delete-all",
        'copy (with gone as (delete from cards."Card" returning *) select * from gone) to stdout',
        proof=NOT_SHOWN,
    ),
    safe(
        f"{NEW} with moved as (insert into cards.tag select 1, 'a' returning *) delete from cards.tag using moved where tag.id = moved.id"
    ),
)
