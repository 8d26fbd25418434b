"""What a case of the judge is, the schema that every case starts from, and the earlier release's statements."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from namecard_release.domain.compatibility import Catalogue, Column, Constraint, Index, Safety

BEFORE_SQL = """
create schema auth; create schema cards;
create type cards.state as enum ('queued', 'done');
create domain cards.slug as text not null;
create sequence cards.numbers;
create table auth."AuthUser" (
  "id" integer not null default nextval('cards.numbers'), "email" text not null, "name" varchar(20), "age" integer,
  constraint "AuthUser_pkey" primary key ("id"), constraint "AuthUser_email_key" unique ("email"));
create table cards."Card" (
  "id" integer not null default nextval('cards.numbers'), "ownerId" integer not null, "fullName" text not null,
  "company" text, "phone" varchar(20), "views" integer not null default 0,
  "state" cards.state not null default 'queued', "note" text default 'none',
  constraint "Card_pkey" primary key ("id"), constraint "Card_views_check" check ("views" >= 0),
  constraint "Card_owner_fkey" foreign key ("ownerId") references auth."AuthUser" ("id"));
create index "Card_company_idx" on cards."Card" ("company");
create unique index "Card_phone_idx" on cards."Card" ("phone");
create table cards."Event" ("at" integer not null, "what" text) partition by range ("at");
create table cards."Event_1" partition of cards."Event" for values from (0) to (10);
create view cards.recent as select "id", "fullName" from cards."Card";
create materialized view cards.totals as select count(*) as n from cards."Card";
create function cards.initials(text) returns text language sql immutable as $$ select left($1, 1) $$;
insert into auth."AuthUser" ("id", "email", "name") values (1, 'ada@example.org', 'Ada'), (2, 'bob@example.org', 'Bob');
insert into cards."Card" ("id", "ownerId", "fullName", "company", "phone") values
  (1, 1, 'Ada L', 'Engines', '1'), (2, 1, 'Mary S', 'Engines', '2'), (3, 2, 'Bob B', null, null);
insert into cards."Event" values (1, 'seen');
select setval('cards.numbers', 100);
"""

# The same as the catalogue has it; a test compares it with what is read from a real server.
BEFORE = Catalogue(
    tables={
        "auth.AuthUser": (
            Column("id", "int4", False, True),
            Column("email", "text", False, False),
            Column("name", "varchar(20)", True, False),
            Column("age", "int4", True, False),
        ),
        "cards.Card": (
            Column("id", "int4", False, True),
            Column("ownerId", "int4", False, False),
            Column("fullName", "text", False, False),
            Column("company", "text", True, False),
            Column("phone", "varchar(20)", True, False),
            Column("views", "int4", False, True),
            Column("state", "cards.state", False, True),
            Column("note", "text", True, True),
        ),
        "cards.Event": (Column("at", "int4", False, False), Column("what", "text", True, False)),
        "cards.Event_1": (Column("at", "int4", False, False), Column("what", "text", True, False)),
        "cards.recent": (Column("id", "int4", True, False), Column("fullName", "text", True, False)),
        "cards.totals": (Column("n", "int8", True, False),),
    },
    views=frozenset({"cards.recent", "cards.totals"}),
    indexes={
        index.name: index
        for index in (
            Index("auth.AuthUser_pkey", "auth.AuthUser", True, True, ("id",)),
            Index("auth.AuthUser_email_key", "auth.AuthUser", True, True, ("email",)),
            Index("cards.Card_pkey", "cards.Card", True, True, ("id",)),
            Index("cards.Card_company_idx", "cards.Card", False, False, ("company",)),
            Index("cards.Card_phone_idx", "cards.Card", True, False, ("phone",)),
        )
    },
    constraints={
        "auth.AuthUser": (
            Constraint("AuthUser_email_key", "unique", ("email",)),
            Constraint("AuthUser_pkey", "primary key", ("id",)),
        ),
        "cards.Card": (
            Constraint("Card_owner_fkey", "foreign key", ("ownerId",)),
            Constraint("Card_pkey", "primary key", ("id",)),
            Constraint("Card_views_check", "check", ("views",)),
        ),
    },
    types={"cards.state": "enum", "cards.slug": "domain"},
    sequences=frozenset({"cards.numbers"}),
    routines=frozenset({"cards.initials"}),
    schemas=frozenset({"auth", "cards", "public"}),
    extensions=frozenset({"plpgsql"}),
)

# What the earlier release does all day; each must go well, and one that gives rows must give some.
OLD_STATEMENTS = (
    """insert into auth."AuthUser" ("email", "name") values ('eve@example.org', 'Eve') returning "id\"""",
    """insert into auth."AuthUser" ("email", "name") values ('fay@example.org', null)""",
    """insert into auth."AuthUser" ("email", "name") values ('one@example.org', 'Same'), ('two@example.org', 'Same')""",
    """insert into auth."AuthUser" ("email") values ('ada@example.org') on conflict ("email") do update
       set "name" = excluded."name\"""",
    """insert into auth."AuthUser" ("id", "email") values (9999, 'nine@example.org')""",
    """select "id", "email", "name", "age" from auth."AuthUser" where "name" = 'Ada'""",
    """update auth."AuthUser" set "age" = null, "name" = repeat('x', 20) where "email" = 'ada@example.org'""",
    """insert into cards."Card" ("ownerId", "fullName", "company", "phone", "views", "state", "note")
       values (1, 'Same Name', 'Same', 'p-1', 1, 'done', '') returning "id\"""",
    """insert into cards."Card" ("ownerId", "fullName") values (2, 'Same Name'), (2, 'Same Name')""",
    """insert into cards."Card" ("ownerId", "fullName", "phone") values (1, '', '1')
       on conflict ("phone") do update set "views" = cards."Card"."views" + 1""",
    """insert into cards."Card" ("id", "ownerId", "fullName") values (1, 1, 'Ada') on conflict ("id") do nothing""",
    """select "id", "ownerId", "fullName", "company", "phone", "views", "state", "note" from cards."Card"
       where "id" = 1 and "company" = 'Engines' and "state" = 'queued'""",
    """select 1 from (select "note" from cards."Card" where "note" = 'none') as kept""",
    """update cards."Card" set "company" = 'not a number', "fullName" = '', "views" = 0, "note" = null""",
    """update cards."Card" set "company" = null, "views" = 2147483647 where "id" = 2""",
    """delete from cards."Card" where "id" = 2""",
    """with gone as (delete from cards."Card") select 1""",
    """delete from auth."AuthUser" where "id" = 2 and not exists (select 1 from cards."Card" where "ownerId" = 2)""",
    """insert into cards."Event" ("at", "what") values (2, 'written'), (9, null)""",
    """insert into cards."Event_1" ("at", "what") values (3, null)""",
    """select "what" from cards."Event" where "at" = 1 and "what" = 'seen'""",
    """select "id", "fullName" from cards.recent where "id" = 1""",
    """select "n" from cards.totals""",
    """select cards.initials('Ada') where cards.initials('Ada') = 'A'""",
    """select nextval('cards.numbers') where nextval('cards.numbers') > 100""",
    """select 'queued'::cards.state""",
    """insert into cards."Card" ("ownerId", "fullName") values (1, 'Default')
       returning 1 / coalesce(("note" = 'none')::integer, 0)""",
    """insert into cards."Card" ("ownerId", "fullName", "company", "views")
       values (1, 'Twin', 'Twins', 5), (1, 'Twin', 'Twins', 5)""",
)


class Proof(StrEnum):
    """On what a real server shows that a label is right."""

    ROWS = "rows"
    EMPTY = "empty"
    NOT_SHOWN = "not shown"


ROWS, EMPTY, NOT_SHOWN = Proof.ROWS, Proof.EMPTY, Proof.NOT_SHOWN


@dataclass(frozen=True)
class Case:
    """Files between two releases with the verdict that is right, the rule and the place that decide.

    `knows` gives the judge the catalogue of the schema before. A real server shows the label when the files are applied
    to tables with `ROWS`, or to `EMPTY` ones where the files would fail on rows; `NOT_SHOWN` where it cannot: the files
    do not fit that schema, or what breaks is not among `OLD_STATEMENTS`.
    """

    label: Safety
    files: tuple[str, ...]
    rule: str = ""
    line: int = 1
    file: int = 1
    knows: bool = False
    proof: Proof = Proof.ROWS

    def __str__(self) -> str:
        text = " | ".join(" ".join(one.split()) for one in self.files)
        return f"{self.label}{' knowing' if self.knows else ''}: {text[:150]}"


def safe(*files: str, knows: bool = False, proof: Proof = ROWS) -> Case:
    """A case that is SAFE."""
    return Case(Safety.SAFE, files, knows=knows, proof=proof)


def unsafe(
    rule: str, *files: str, line: int = 1, file: int = 1, knows: bool = False, proof: Proof = Proof.ROWS
) -> Case:
    """A case that is UNSAFE by a rule, at a line of a file (counted from 1)."""
    return Case(Safety.UNSAFE, files, rule, line, file, knows, proof)


def unknown(rule: str, *files: str, line: int = 1, file: int = 1, knows: bool = False) -> Case:
    """A case that is UNKNOWN by a rule, at a line of a file (counted from 1)."""
    return Case(Safety.UNKNOWN, files, rule, line, file, knows, proof=NOT_SHOWN)
