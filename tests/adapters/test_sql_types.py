"""New types as the reader tells them."""

from __future__ import annotations

import pytest

from namecard_release.adapters.sql.reading import read_sql
from namecard_release.domain.sql import Trait, Verb
from tests.integration.test_trial_costs import EVERYTHING


@pytest.mark.parametrize(
    ("sql", "name", "not_null"),
    [
        ("create type cards.mood as enum ('a')", "cards.mood", False),
        ("create type cards.pair as (a int)", "cards.pair", False),
        ("create domain cards.mail as text check (value ~ '@')", "cards.mail", False),
        ("create domain mail as varchar(20) not null", "public.mail", True),
        ("create type cards.span as range (subtype = int4)", "cards.span", False),
    ],
)
def test_a_new_type_is_told_by_its_own_name(sql: str, name: str, not_null: bool) -> None:
    ((effect,),) = (piece.effects for piece in read_sql("x.sql", sql).statements)
    assert (effect.verb, effect.relation, effect.has(Trait.NOT_NULL)) == (Verb.CREATE_TYPE, name, not_null)


def test_a_schema_of_every_kind_is_read() -> None:
    read = read_sql("x.sql", EVERYTHING)
    assert read.unreadable == () and len(read.statements) == 28
