"""Facts without which the judge would take something for harmless: what a statement writes, and what proves nothing."""

from __future__ import annotations

import pytest

from namecard_release.adapters.sql.reading import read_sql
from namecard_release.domain.sql import Effect, Trait, Verb


def effects(sql: str) -> list[Effect]:
    return [effect for statement in read_sql("f.sql", sql).statements for effect in statement.effects]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "create table a as with d as (delete from b returning *) select * from d",
            [(Verb.DELETE, "public.b", ""), (Verb.CREATE_TABLE, "public.a", "")],
        ),
        ("copy (delete from b returning *) to stdout", [(Verb.DELETE, "public.b", "")]),
        ("alter schema a rename to b", [(Verb.RENAME, "a", "b")]),
        ("create domain d as text", [(Verb.CREATE_TYPE, "public.d", "")]),
        ("security label on table a is 'x'", [(Verb.OTHER, "", "SecLabel")]),
        ("alter table a set access method heap", [(Verb.OTHER, "public.a", "SetAccessMethod heap")]),
        ("revoke all on function s.f(integer) from x", [(Verb.REVOKE, "s.f(int4)", "")]),
        ("revoke all on schema s from x", [(Verb.REVOKE, "s", "")]),
        ("revoke all on all tables in schema s from x", [(Verb.REVOKE, "", "")]),
        (
            "create temp view v as select 1; drop view v",
            [(Verb.CREATE_VIEW, "pg_temp.v", ""), (Verb.DROP, "pg_temp.v", "")],
        ),
        ("alter type s.t drop attribute a", [(Verb.DROP_COLUMN, "s.t", "a")]),
    ],
)
def test_what_is_written_is_told(sql: str, told: list[tuple[Verb, str, str]]) -> None:
    assert [(effect.verb, effect.relation, effect.name) for effect in effects(sql)] == told


@pytest.mark.parametrize(
    ("sql", "traits"),
    [
        ("create extension if not exists pgcrypto", {Trait.IF_NOT_EXISTS}),
        ("create materialized view if not exists m as select 1", {Trait.IF_NOT_EXISTS}),
        ("create table if not exists m as select 1", {Trait.IF_NOT_EXISTS}),
        ("create domain d as text not null check (value <> '')", {Trait.NOT_NULL, Trait.CHECK}),
        ("create index on t (a) where b::int > 0", {Trait.CASTS, Trait.WHERE, Trait.UNPROVEN}),
        ("create index on t (lower(a))", {Trait.EXPRESSION}),
        ("create table c (a int) inherits (p)", {Trait.INHERITS}),
        ("create table c partition of p for values in (1)", set()),
        ("alter table t add foreign key (a) references p", {Trait.FOREIGN, Trait.HOLDS}),
        ("alter table t add foreign key (a) references p on delete cascade", {Trait.FOREIGN, Trait.FOLLOWS}),
        ("alter table t add foreign key (a) references p on delete set null", {Trait.FOREIGN}),
    ],
)
def test_traits_that_decide(sql: str, traits: set[Trait]) -> None:
    assert effects(sql)[-1 if "inherits" not in sql else 0].traits == traits


def test_the_other_relation_is_told() -> None:
    assert effects("alter table t add column a int references s.p")[0].target == "s.p"
    assert effects("alter table t add foreign key (a) references s.p")[0].target == "s.p"
    assert effects("create table c partition of s.p default")[0].target == "s.p"


@pytest.mark.parametrize(
    ("body", "conditional"),
    [
        ("create table a ();", False),
        ("begin create table a (); end;", False),
        ("if true then create table a (); end if;", True),
        ("for i in 1..2 loop create table a (); end loop;", True),
        ("while true loop create table a (); end loop;", True),
        ("case when true then create table a (); else null; end case;", True),
        ("begin create table a (); exception when others then null; end;", True),
        ("if true then return; end if; create table a ();", True),
    ],
)
def test_what_a_do_block_may_skip_is_told(body: str, conditional: bool) -> None:
    found = [effect for effect in effects(f"do $$ begin {body} end $$") if effect.verb is Verb.CREATE_TABLE]
    assert [Trait.CONDITIONAL in effect.traits for effect in found] == [conditional]
    assert all(Trait.NESTED in effect.traits for effect in found)


def test_a_cursor_for_a_text_is_dynamic() -> None:
    found = effects("do $$ declare c refcursor; begin open c for execute 'select 1'; end $$")
    assert Verb.DYNAMIC in {effect.verb for effect in found}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("setval('s', 1)", "setval to a constant"),
        ("setval('s', 1, false)", "setval to a constant"),
        ("pg_catalog.setval('s', 1)", "setval to a constant"),
        ("setval('s', (select 1))", "setval to a constant"),
        ("setval('s', max(id)) from t", "setval"),
        ("other.setval('s', 1)", "other.setval"),
    ],
)
def test_a_sequence_set_to_a_constant_is_another_thing(call: str, told: str) -> None:
    assert told in effects(f"select {call}")[-1].columns
