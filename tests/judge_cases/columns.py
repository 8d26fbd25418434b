"""Cases about columns."""

# ruff: noqa: E501
from __future__ import annotations

from tests.judge_cases.case import safe, unknown, unsafe

CARD = 'alter table cards."Card"'

CASES = (
    # --- new columns
    safe(f'{CARD} add column "title" text'),
    safe(f'{CARD} add column if not exists "jobTitle" text;'),
    safe(f'{CARD} add column "n" integer not null default 0'),
    safe(f'{CARD} add column "at" timestamptz(3) not null default current_timestamp'),
    safe(f"{CARD} add column \"until\" timestamptz not null default now() + interval '7 days'"),
    safe(
        f'{CARD} add column "meta" jsonb not null default \'{{}}\'::jsonb, add column "tags" text[] default array[]::text[]'
    ),
    safe(f'{CARD} add column "seq" bigserial'),
    safe(f'{CARD} add column "seq" serial unique'),
    safe(f'{CARD} add column "seq" integer generated always as identity'),
    safe(f'{CARD} add column "search" tsvector generated always as (to_tsvector(\'simple\', "fullName")) stored'),
    safe(f'{CARD} add column "label" text generated always as (coalesce("company", \'\') || "fullName") stored'),
    safe(f'{CARD} add column "token" uuid not null unique default gen_random_uuid()'),
    safe(f'{CARD} add column "token" text unique default gen_random_uuid()::text'),
    safe(f'{CARD} add column "slug" text unique'),
    safe(f'{CARD} add column "slug" text', 'create unique index on cards."Card" ("slug")'),
    safe(f'{CARD} add column "slug" text', 'create unique index on cards."Card" ("slug", "company")'),
    safe(f"{CARD} add column \"kind\" text not null default 'new' check (\"kind\" in ('new', 'old'))"),
    safe(f'{CARD} add column "stars" integer check ("stars" between 1 and 5)'),
    safe(f'{CARD} add column "stars" integer default 3 check ("stars" > 0 and "stars" <= 5 or "stars" is null)'),
    safe(f"{CARD} add column \"kind\" text check (\"kind\" = any (array['a', 'b']))"),
    safe(
        f'{CARD} add column "stars" integer; {CARD} add constraint "s" check ("stars" > 0) not valid;',
        f'{CARD} validate constraint "s"',
    ),
    safe(f'{CARD} add column "teamId" integer references auth."AuthUser" ("id") on delete set null'),
    safe(
        f'{CARD} add column "teamId" integer; {CARD} add constraint "fk" foreign key ("teamId") references auth."AuthUser";'
    ),
    safe("create type cards.colour as enum ('red');", f'{CARD} add column "colour" cards.colour'),
    safe(f'{CARD} add column "other" cards.state', knows=True),
    safe(f"{CARD} add column \"other\" cards.state not null default 'done'"),
    unknown("unknown-type", f'{CARD} add column "other" cards.state'),
    unknown("unknown-type", f'{CARD} add column "other" cards.slug', knows=True),
    unsafe(
        "domain-not-null",
        "create domain cards.tag as text not null;",
        f'{CARD} add column "tag" cards.tag',
        file=2,
        proof=False,
    ),
    unknown(
        "unknown-type",
        "create domain cards.tag as text check (value is not null);",
        f'{CARD} add column "tag" cards.tag',
        file=2,
    ),
    unsafe(
        "add-not-null-column",
        f'delete from x where false;\n{CARD}\n  add column "title" text not null',
        line=2,
        proof=False,
    ),
    unsafe("add-not-null-column", f'{CARD} add column "title" text not null', proof=False),
    unsafe("add-not-null-column", f'{CARD} add column "title" text not null default null', proof=False),
    unsafe("add-not-null-column", f'{CARD} add "title" text, add column "k" integer primary key', proof=False),
    unknown("unproven-default", f"{CARD} add column \"title\" text not null default nullif('a', 'a')"),
    unknown("unproven-default", f"{CARD} add column \"tenant\" text not null default current_setting('app.tenant')"),
    unknown("unproven-default", f'{CARD} add column "code" text default cards.make_code()'),
    unknown("unproven-default", f'{CARD} add column "code" varchar(4) default gen_random_uuid()::text'),
    unsafe("unique-column-default", f"{CARD} add column \"slug\" text unique default 'none'", proof=False),
    unsafe(
        "unique-column-default",
        f'{CARD} add column "slug" text; {CARD} add column "kind" integer default 1 unique',
        proof=False,
    ),
    unknown("unique-column-default", f"{CARD} add column \"slug\" text unique default lower('NONE')"),
    unsafe("unique-column-nulls-not-distinct", f'{CARD} add column "slug" text unique nulls not distinct', proof=False),
    unsafe(
        "add-unique",
        f"{CARD} add column \"slug\" text default 'none'",
        'create unique index on cards."Card" ("slug")',
        file=2,
        proof=False,
    ),
    unsafe(
        "add-unique",
        f'{CARD} add column "slug" text',
        'create unique index on cards."Card" (coalesce("slug", \'\'))',
        file=2,
        proof=False,
    ),
    unsafe("check-fails-for-new-column", f'{CARD} add column "title" text check ("title" is not null)', proof=False),
    unsafe("check-fails-for-new-column", f'{CARD} add column "n" integer default 0 check ("n" > 0)', proof=False),
    unsafe(
        "check-fails-for-new-column",
        f"{CARD} add column \"title\" text check (coalesce(\"title\", '') <> '')",
        proof=False,
    ),
    unsafe("check-fails-for-new-column", f'{CARD} add column "title" text check (1 = 2)', proof=False),
    unknown("check-on-new-column", f"{CARD} add column \"title\" text check (concat(\"title\", '') <> '')"),
    unknown("check-on-new-column", f'{CARD} add column "title" text check (cards.fits("title"))'),
    unknown("check-on-new-column", f'{CARD} add column "title" text check ("company" <> \'x\')'),
    unsafe(
        "add-check",
        f'{CARD} add column "a" text;\n{CARD} add constraint "c" check ("a" is not null or "company" is null) not valid;',
        line=2,
    ),
    unsafe(
        "add-check",
        f'{CARD} add column "a" text;\n{CARD} add constraint "c" check ("a" is not null) not valid;',
        line=2,
    ),
    unknown(
        "add-check",
        f'{CARD} add column "a" integer default 5;\n{CARD} add constraint "c" check ("a" < 5) not valid;',
        line=2,
    ),
    unknown("foreign-key-default", f'{CARD} add column "teamId" integer default 1 references auth."AuthUser"'),
    unsafe(
        "generated-column-casts",
        f'{CARD} add column "n" integer generated always as ("company"::integer) stored',
        proof=False,
    ),
    unknown("unproven-generated-column", f'{CARD} add column "n" integer generated always as (100 / "views") stored'),
    unsafe(
        "constrained-generated-column",
        f'{CARD} add column "low" text generated always as (lower("company")) stored unique',
        proof=False,
    ),
    # --- columns of the new release
    safe(f'{CARD} add column "a" text', f'{CARD} drop column "a"'),
    safe(f'{CARD} add column "a" text', f'{CARD} rename column "a" to "b"', f'{CARD} drop column "b"'),
    safe(f'{CARD} add column "a" integer default 0', f'{CARD} alter column "a" set not null'),
    safe(
        f'{CARD} add column "a" integer',
        f'{CARD} alter "a" set default 0; update cards."Card" set "a" = 0; {CARD} alter "a" set not null;',
    ),
    safe(f'{CARD} add column "a" integer not null default 0; {CARD} alter "a" drop not null; '),
    safe(f'{CARD} add column "a" text', f'{CARD} alter column "a" type integer using "a"::integer'),
    safe(f'{CARD} add column "a" text', 'update cards."Card" set "a" = upper("company")'),
    unsafe(
        "set-not-null",
        f'{CARD} add column "a" text',
        f'update cards."Card" set "a" = \'x\';\n{CARD} alter "a" set not null',
        file=2,
        line=2,
    ),
    unsafe(
        "drop-default", f'{CARD} add column "a" integer not null default 0', f'{CARD} alter "a" drop default', file=2
    ),
    unknown(
        "default-of-constrained-column",
        f'{CARD} add column "a" integer check ("a" > 0)',
        f'{CARD} alter "a" set default 0',
        file=2,
    ),
    unknown(
        "default-of-constrained-column",
        f'{CARD} add column "a" text unique',
        f"{CARD} alter \"a\" set default 'x'",
        file=2,
    ),
    unknown("drop-column", f'{CARD} add column if not exists "company" text', f'{CARD} drop column "company"', file=2),
    unsafe(
        "drop-column",
        f'{CARD} add column if not exists "company" text',
        f'{CARD} drop column "company"',
        file=2,
        knows=True,
    ),
    safe(f'{CARD} add column if not exists "a" text', f'{CARD} drop column "a"', knows=True),
    safe(f'{CARD} add column if not exists "company" text not null', knows=True),
    unknown(
        "update", f'{CARD} add column if not exists "company" text', 'update cards."Card" set "company" = null', file=2
    ),
    # --- columns there already
    unsafe("drop-column", f'{CARD} drop column "company"'),
    unsafe("drop-column", f'{CARD} drop column if exists "note";'),
    safe(f'{CARD} drop column if exists "nickname";', knows=True),
    unsafe("drop-cascade", f'{CARD} drop column "fullName" cascade'),
    unsafe("rename-column", f'{CARD} rename "company" to "organisation"'),
    unsafe("rename-column", f'-- company\n/* rename\n*/ {CARD} rename column "company" to "c";', line=3),
    unsafe(
        "set-not-null",
        f'delete from cards."Card" where "company" is null;\n{CARD} alter column "company" set not null',
        line=2,
    ),
    unknown("drop-not-null", f'{CARD} alter column "fullName" drop not null'),
    safe(f"{CARD} alter column \"company\" set default 'unknown'"),
    safe(f'{CARD} alter column "company" set default current_user', knows=True),
    unknown("default-of-constrained-column", f'{CARD} alter column "views" set default -1', knows=True),
    unknown("unproven-default", f'{CARD} alter column "company" set default cards.make_code()'),
    unsafe("drop-default", f'{CARD} alter column "views" drop default'),
    unsafe("drop-default", f'{CARD} alter column "note" set default null'),
    unsafe("drop-identity", f'{CARD} alter column "id" drop identity if exists', proof=False),
    unsafe("drop-expression", f'{CARD} alter column "company" drop expression if exists', proof=False),
    unsafe(
        "identity-always",
        'alter table auth."AuthUser" alter "id" drop default, alter "id" add generated always as identity (start 500)',
    ),
    unsafe("identity-always", f'{CARD} alter "id" set generated always', proof=False),
    unknown("identity", f'{CARD} alter "id" add generated by default as identity'),
    unsafe("alter-column-type", f'{CARD} alter column "views" type bigint', proof=False),
    unsafe("alter-column-type", f'{CARD} alter column "company" type varchar(8)'),
    unsafe("alter-column-type", f'{CARD} alter column "phone" type varchar(40)', proof=False),
    safe(f'{CARD} alter column "phone" type varchar(40)', knows=True),
    safe(f'{CARD} alter column "phone" set data type text', knows=True),
    safe(f'{CARD} alter column "company" type text', knows=True),
    unsafe("alter-column-type", f'{CARD} alter column "phone" type varchar(10)', knows=True, proof=False),
    unsafe(
        "alter-column-type", f'{CARD} alter column "phone" type text using left("phone", 1)', knows=True, proof=False
    ),
    unsafe("alter-column-type", f'{CARD} alter column "phone" type text collate "C"', knows=True, proof=False),
    unsafe("alter-column-type", f'{CARD} alter column "views" type bigint', knows=True, proof=False),
    unsafe("alter-column-type", f'{CARD} alter column "company" type integer using 0'),
)
