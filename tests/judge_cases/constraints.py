"""Cases about constraints and indexes."""

from __future__ import annotations

from tests.judge_cases.case import EMPTY, NOT_SHOWN, safe, unknown, unsafe

CARD = 'alter table cards."Card"'
USER = 'alter table auth."AuthUser"'

CASES = (
    safe('create index on cards."Card" ("fullName")'),
    safe('create index if not exists "i" on cards."Card" (lower("company")) where "company" is not null'),
    safe(
        'create index concurrently "i" on cards."Card" using gin (to_tsvector(\'simple\', "fullName"))', proof=NOT_SHOWN
    ),
    safe('create index "i" on cards."Card" ("views")', 'drop index cards."i"'),
    safe('create index "i" on cards."Card" ("views")', 'alter index cards."i" rename to "k"; drop index cards."k";'),
    unsafe("index-casts", 'create index on cards."Card" (("company"::integer))', proof=EMPTY),
    unsafe("index-casts", 'create index on cards."Card" ("views") where "company"::integer > 0', proof=EMPTY),
    unknown("index-expression", 'create index on cards."Card" ((100 / "views"))'),
    unknown("index-expression", 'create index on cards."Card" (cards.fold("company"))'),
    unsafe("add-unique", 'create unique index on cards."Card" ("company", "views")', proof=EMPTY),
    unsafe("add-unique", 'create unique index if not exists "i" on auth."AuthUser" ("name")', proof=EMPTY),
    unsafe("add-unique", f'{CARD} add constraint "u" unique ("company")', proof=EMPTY),
    unsafe(
        "add-unique",
        f'{CARD} add column if not exists "companySlug" text;\n\n{CARD} add constraint "u" unique ("company");',
        line=3,
        proof=EMPTY,
    ),
    unsafe("add-unique", 'delete from cards."Card";\ncreate unique index on cards."Card" ("fullName")', line=2),
    unknown(
        "add-unique",
        f'{CARD} add column if not exists "slug" text',
        'create unique index on cards."Card" ("slug")',
        file=2,
    ),
    safe(f'{CARD} add column if not exists "slug" text', 'create unique index on cards."Card" ("slug")', knows=True),
    unsafe("add-check", f'{CARD} add constraint "c" check ("company" <> \'Same\') not valid'),
    unsafe("add-check", f'{CARD} add check ("views" < 1000000)', proof=NOT_SHOWN),
    unsafe("add-foreign-key", f'{CARD} add foreign key ("views") references auth."AuthUser" ("id") not valid'),
    unsafe("add-primary-key", 'alter table cards."Event_1" add primary key ("what")', proof=NOT_SHOWN),
    unsafe("add-exclude", f'delete from cards."Card";\n{CARD} add exclude using btree ("fullName" with =)', line=2),
    unknown("unique-using-index", f'{CARD} add constraint "u" unique using index "Card_phone_idx" deferrable'),
    safe(f'{CARD} validate constraint "Card_views_check"'),
    # --- what goes
    unknown("drop-index", 'drop index cards."Card_company_idx"'),
    safe('drop index cards."Card_company_idx"', knows=True),
    unsafe("drop-unique-index", 'drop index cards."Card_phone_idx"', knows=True),
    safe("drop index if exists cards.no_such_idx", knows=True),
    unknown("drop-index", "drop index if exists cards.no_such_idx"),
    unsafe("drop-cascade", 'drop index cards."Card_company_idx" cascade', proof=NOT_SHOWN),
    unknown("drop-constraint", f'{CARD} drop constraint "Card_views_check"', knows=True),
    unknown("drop-constraint", f'{USER} drop constraint "AuthUser_email_key"'),
    unsafe("drop-unique", f'{USER} drop constraint "AuthUser_email_key"', knows=True),
    unsafe("drop-cascade", f'{USER} drop constraint "AuthUser_pkey" cascade', proof=NOT_SHOWN),
    safe(f'{USER} drop constraint if exists "no_such"', knows=True),
    safe(f'{CARD} add column "a" integer; {CARD} add constraint "c" check ("a" > 0);', f'{CARD} drop constraint "c"'),
    unknown(
        "drop-constraint", f'{CARD} add column "a" integer, add constraint "k" check ("a" > 0), drop constraint "k"'
    ),
    unknown("rename-constraint", f'{USER} rename constraint "AuthUser_email_key" to "e"'),
    safe('alter index cards."Card_company_idx" rename to "c"', knows=True),
    unknown("rename-constraint", 'alter index auth."AuthUser_email_key" rename to "e"', knows=True),
    unsafe("rename-table", 'alter index cards."Card" rename to "Kard"', knows=True),
    unknown(
        "drop-index",
        'create index "i" on cards."Card" ("views"); alter index cards."i" rename to "k";',
        'alter index cards."Card_phone_idx" rename to "i"; drop index cards."i"',
        file=2,
    ),
)
