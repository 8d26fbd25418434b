"""What is shown of an expression: its value by PostgreSQL's three-valued logic, and that it cannot fail."""

from __future__ import annotations

import pytest

from namecard_release.adapters.sql import parser
from namecard_release.adapters.sql.expressions import UNSURE, Value, evaluate, gives_value, stored, value_facts
from namecard_release.adapters.sql.trees import Node
from namecard_release.domain.sql import Trait


def parse(expression: str) -> Node:
    ((_, _, query),) = parser.parse(f"select {expression}")
    return query.targetList[0].val


ROW: dict[str, Value] = {"n": None, "five": 5, "word": "new", "yes": True, "dark": UNSURE}
VALUES: list[tuple[str, Value]] = [
    ("1", 1),
    ("-1", -1),
    ("null", None),
    ("true", True),
    ("five", 5),
    ("other", UNSURE),
    ("dark", UNSURE),
    ("'x'::text", "x"),
    ("'5'::int", UNSURE),
    ("5::int", 5),
    ("null::int", None),
    ("'new'::cards.state", "new"),
    ("'new'::date", UNSURE),
    # A NULL makes an operator NULL, and a CHECK takes NULL.
    ("n > 0", None),
    ("n = n", None),
    ("n ~ 'a'", None),
    ("n like 'a%'", None),
    ("n || 'x'", UNSURE),
    ("n in (1, 2)", None),
    ("n not in (1, 2)", None),
    ("n between 1 and 2", None),
    ("n = any (array[1, 2])", None),
    ("n = any ('{}')", UNSURE),
    ("n @@@ 1", UNSURE),
    ("length(n) > 3", None),
    ("mine(n) > 3", UNSURE),
    ("concat(n, '') <> ''", UNSURE),
    ("coalesce(n, 7) > 5", True),
    ("coalesce(n, dark) > 5", UNSURE),
    ("n is null", True),
    ("n is not null", False),
    ("dark is null", UNSURE),
    ("(n > 0) is true", False),
    ("(n > 0) is not false", True),
    ("(n > 0) is unknown", True),
    ("n is distinct from 5", True),
    ("n is not distinct from null", True),
    ("five is distinct from 5", False),
    # Numbers and words.
    ("five > 4", True),
    ("five >= 6", False),
    ("five <> 5", False),
    ("five between 1 and 5", True),
    ("five not between 1 and 5", False),
    ("five in (1, 5)", True),
    ("five in (1, n)", None),
    ("five in (1, dark)", UNSURE),
    ("five in (1, 2)", False),
    ("five not in (1, 2)", True),
    ("five <> all (array[1, 2])", True),
    ("five = all (array[5])", UNSURE),
    ("word in ('old', 'new')", True),
    ("word <> 'old'", True),
    ("word < 'old'", UNSURE),
    ("word = 5", UNSURE),
    ("length(word) = 3", True),
    ("yes = true", True),
    ("yes = 1", UNSURE),
    # AND, OR, NOT.
    ("yes and n > 0", None),
    ("n > 0 and 1 = 2", False),
    ("dark > 0 and 1 = 2", False),
    ("dark > 0 and yes", UNSURE),
    ("n > 0 or yes", True),
    ("n > 0 or 1 = 2", None),
    ("not yes", False),
    ("not (n > 0)", None),
    ("not (dark > 0)", UNSURE),
    ("case when yes then 1 end", UNSURE),
    ("(select 1)", UNSURE),
]


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_an_expression_has_the_value_that_postgresql_gives_it(expression: str, value: Value) -> None:
    found = evaluate(parse(expression), ROW)
    assert found is value or (found == value and type(found) is type(value))


@pytest.mark.parametrize(
    ("value", "kind", "held"),
    [
        ("new", "text", "new"),
        ("new", "varchar(9)", "new"),
        ("new", "cards.state", "new"),
        # Types that fold case, blanks or forms.
        ("new", "citext", UNSURE),
        ("new", "public.citext", UNSURE),
        ("new", "bpchar(9)", UNSURE),
        ("2026-1-1", "date", UNSURE),
        (5, "int4", 5),
        (5, "text", UNSURE),
        (1.5, "int4", UNSURE),
        (True, "bool", True),
        (None, "date", None),
    ],
)
def test_a_default_is_what_its_column_holds(value: Value, kind: str, held: Value) -> None:
    assert stored(value, kind) is held or stored(value, kind) == held


@pytest.mark.parametrize(
    ("expression", "for_rows", "as_default"),
    [
        ("1", True, True),
        ("null", True, False),
        ("now()", True, True),
        ("now() + interval '1 day'", True, True),
        ("now()::date", False, True),
        ("current_timestamp", True, True),
        ("array[]::text[]", False, True),
        ("'{}'::jsonb", True, True),
        ("gen_random_uuid()::text", True, True),
        ("nullif(1, 1)", False, False),
        ("current_setting('x')", False, False),
        ("mine()", False, False),
        ("a", True, False),
        ("lower(a) || coalesce(b, '')", True, False),
        ("a::text", True, False),
        ("a::int", False, False),
        ("a / b", False, False),
        ("a + b", False, False),
        ("a - 1", False, False),
        ("a * 2", False, False),
        ("1 + 1", True, True),
        ("a like b", False, False),
        ("a like 'x%'", True, False),
        ("encode(a, b)", False, False),
        ("encode(a, 'hex')", True, False),
        ("date_trunc('day', a)", True, False),
        ("date_trunc(b, a)", False, False),
        ("a % 2", False, False),
        ("a ~ b", False, False),
        ("data ->> 'x'", True, False),
        ("(data ->> 'x')::int", False, False),
        ("case when a then b end", False, False),
        ("to_tsvector('simple', a)", True, False),
        ("to_date(a, 'YYYY')", False, False),
        ("a is not null", True, False),
        ("mine(a) is not null", False, False),
    ],
)
def test_what_is_shown_to_give_a_value(expression: str, for_rows: bool, as_default: bool) -> None:
    node = parse(expression)
    assert gives_value(node) is for_rows
    assert gives_value(node, columns=False) is as_default


@pytest.mark.parametrize(
    ("expression", "kind", "facts"),
    [
        ("'x'", "varchar(1)", set()),
        ("gen_random_uuid()", "uuid", {Trait.DISTINCT}),
        ("gen_random_uuid()::text", "text", {Trait.DISTINCT}),
        ("gen_random_uuid()::text", "varchar(8)", {Trait.DISTINCT, Trait.UNPROVEN}),
        ("gen_random_uuid()::varchar(4)", "text", {Trait.UNPROVEN}),
        ("nextval('s')", "int8", {Trait.DISTINCT}),
        ("public.gen_random_uuid()", "uuid", {Trait.UNPROVEN}),
        ("random()", "float8", set()),
        ("now()", "timestamptz(3)", set()),
        ("f()", "text", {Trait.UNPROVEN}),
    ],
)
def test_what_is_told_of_a_default(expression: str, kind: str, facts: set[Trait]) -> None:
    assert value_facts(parse(expression), kind) == facts
