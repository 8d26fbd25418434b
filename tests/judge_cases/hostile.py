"""Cases of a hostile reader: search paths undone or left behind, sums that overflow, types that narrow, sequences."""

# ruff: noqa: E501
from __future__ import annotations

from tests.judge_cases.case import NOT_SHOWN, safe, unknown, unsafe

CARD = 'alter table cards."Card"'
USER = 'alter table auth."AuthUser"'
ELSEWHERE = "create schema other; "
TAG = 'create table "Event" (i integer); drop table cards."Event"'

CASES = (
    # --- the search path as it is, not as a word of the file may have left it
    unsafe(
        "drop-table",
        f"do $$ begin if 1 = 2 then set search_path = cards; end if; end $$; {TAG}",
    ),
    unsafe(
        "drop-table",
        f"do $$ begin set search_path = cards; raise 'x'; exception when others then null; end $$; {TAG}",
    ),
    unsafe("drop-table", f"savepoint a; set search_path = cards; rollback to a; {TAG}"),
    unsafe("drop-table", f"begin; set local search_path = cards; commit; {TAG}", proof=NOT_SHOWN),
    unsafe("drop-table", f"begin; set search_path = cards; rollback; {TAG}", proof=NOT_SHOWN),
    unsafe("drop-table", f"set search_path = cards; reset all; {TAG}"),
    unsafe("drop-table", f"set search_path = cards; discard all; {TAG}", proof=NOT_SHOWN),
    unknown("drop-table", "set search_path = other", "create table t (i integer); drop table public.t", file=2),
    unknown("drop-table", "create table t (i integer)", "set search_path = other", "drop table t", file=3),
    unknown(
        "drop-column",
        f"{ELSEWHERE}set search_path = other;",
        "create table t (i integer); alter table t drop i",
        file=2,
    ),
    safe("set local search_path = other", "create table t (i integer); drop table public.t", proof=NOT_SHOWN),
    safe("set search_path = other; reset search_path", "create table t (i integer); drop table public.t"),
    safe("set search_path = other; select 1", "create table auth.t (i integer); drop table auth.t"),
    safe("do $$ begin set search_path = cards; create table tag (i integer); end $$; drop table cards.tag"),
    safe("savepoint a; rollback to a; create table tag (i integer); drop table public.tag"),
    # --- a view is a table to ALTER TABLE
    unknown("alter-object", "alter table cards.recent set (security_invoker = true)"),
    unknown("alter-object", "alter table cards.recent set (security_barrier, check_option = cascaded)"),
    unknown("alter-object", "alter table cards.recent reset (security_invoker)"),
    unknown("alter-object", f"{CARD} set unlogged"),
    safe(f"{CARD} set (fillfactor = 70, autovacuum_enabled = false)"),
    safe("create unlogged table cards.tag (i integer); alter table cards.tag set unlogged"),
    # --- a partition that has none of its own refuses every row
    unknown(
        "child-of-known-table",
        'create table cards."Event_2" partition of cards."Event" for values from (10) to (20) partition by list ("what")',
    ),
    unknown(
        "child-of-known-table",
        'create table cards."Event_2" partition of cards."Event" default partition by hash ("what")',
    ),
    # --- what is computed may not fit
    unknown("unproven-generated-column", f'{CARD} add column "n" integer generated always as ("views" + 1) stored'),
    unknown("unproven-generated-column", f'{CARD} add column "n" integer generated always as ("views" * 2) stored'),
    unknown("unproven-generated-column", f'{CARD} add column "n" varchar(3) generated always as ("fullName") stored'),
    unknown("unproven-generated-column", f'{CARD} add column "n" smallint generated always as ("id") stored'),
    unknown(
        "unproven-generated-column", f'{CARD} add column "n" bool generated always as ("note" like "company") stored'
    ),
    unknown(
        "unproven-generated-column",
        f'{CARD} add column "n" text generated always as (encode("fullName", "note")) stored',
    ),
    safe(f'{CARD} add column "n" bool generated always as ("note" like \'a%\') stored'),
    safe(f'{CARD} add column "n" varchar generated always as (upper("fullName")) stored'),
    unknown("index-expression", 'create index "i" on cards."Card" (("views" + "id"))'),
    unknown("index-expression", 'create index "i" on cards."Card" ("id") where "views" * 2 > 10'),
    safe(f'{CARD} add column "n" integer not null default 1 + 1'),
    safe(f"{CARD} add column \"n\" timestamptz not null default now() + interval '1 day'"),
    unknown("set-role", "set role postgres; create table t (i integer)"),
    unknown("set-role", "set session authorization postgres; select 1"),
    safe("reset role; select 1"),
    # --- a domain of a domain
    unknown("unknown-type", f'create domain cards.word as cards.slug; {CARD} add column "n" cards.word'),
    unknown(
        "unknown-type",
        f"create domain d as integer check (value is not null); create domain e as d; {CARD} add column n e",
    ),
    safe(f'create domain cards.word as text; {CARD} add column "n" cards.word'),
    # --- sequences
    *(
        unknown("set-sequence", f"select setval('cards.numbers', {value}")
        for value in (
            "(select 1))",
            '(select min("id") from cards."Card"))',
            '(select max("id") from cards."Card"), false)',
            'max("id")) from cards."Card" where "id" < 2',
            'max("id") - 100) from cards."Card"',
            '(select count(*) from cards."Card"))',
            "(select last_value from cards.numbers))",
            '(select max("id") from cards."Card" where "id" < 2))',
            '(select "id" from cards."Card" limit 1))',
            'greatest(max("id") / 2, 1)) from cards."Card"',
            'max("id")) from cards."Card" group by "ownerId"',
            'max(-"id")) from cards."Card"',
        )
    ),
    unknown("set-sequence", "do $$ declare n bigint := 1; begin perform setval('cards.numbers', n); end $$"),
    safe('select setval(\'cards.numbers\', coalesce(max("id"), 1) + 200) from cards."Card"'),
    safe('select setval(\'cards.numbers\', greatest((select max("id") from cards."Card"), 1) + 200, true)'),
    safe('select setval(\'cards.numbers\', coalesce((select max("id") + 200 from cards."Card"), 1), false)'),
    # --- numbers that run out
    unknown("unproven-default", f'{CARD} add column "n" integer generated always as identity (maxvalue 3)'),
    unknown(
        "unproven-default", f'{CARD} add column "n" integer generated by default as identity (maxvalue 3 cycle) unique'
    ),
    unknown("unproven-default", f'{CARD} add column "n" smallserial'),
    safe(f'{CARD} add column "n" bigserial unique'),
    safe(f'{CARD} add column "n" bigint generated always as identity (start with 10) unique'),
    # --- functions where one does not look for them
    unknown("unknown-function", "do $$ declare a integer[]; begin a[mine()] := 1; end $$"),
    # --- an index may carry a constraint, or be a table
    unknown("rename-index", 'alter index auth."AuthUser_email_key" rename to "e"'),
    unknown("rename-index", 'alter index cards."Card" rename to "Kard"'),
    # --- GRANT takes away
    unknown("grant-role", "grant pg_read_all_data to current_user with inherit false"),
    unknown("grant-role", "grant pg_read_all_data to current_user with set false"),
    safe("grant pg_read_all_data to current_user", proof=NOT_SHOWN),
)
