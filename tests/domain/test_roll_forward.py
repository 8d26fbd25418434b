"""What is offered instead of a rollback, and for which statements a compensating one is given."""

from __future__ import annotations

import pytest

from namecard_release.domain.compatibility import Reason, Safety
from namecard_release.domain.compensation import Compensation, compensate, quote
from namecard_release.domain.roll_forward import RollForward, Situation, plan_roll_forward
from namecard_release.domain.sql import Effect, SqlFile, Statement, Trait, Verb

CARD = "cards.Card"
TYPES = {(CARD, "jobTitle"): "text"}


def effect(verb: Verb, name: str = "", *traits: Trait, relation: str = CARD, **more: object) -> Effect:
    """Make an effect on the table of cards at line 3."""
    return Effect(verb, 3, relation, name, traits=frozenset(traits), **more)  # type: ignore[arg-type]


MENDS = {
    "drop column": (effect(Verb.DROP_COLUMN, "jobTitle"), 'alter table "cards"."Card" add column "jobTitle" text;'),
    "drop column of unknown type": (effect(Verb.DROP_COLUMN, "age"), ""),
    "set not null": (effect(Verb.SET_NOT_NULL, "age"), 'alter table "cards"."Card" alter column "age" drop not null;'),
    "add column not null": (
        effect(Verb.ADD_COLUMN, "age", Trait.NOT_NULL),
        'alter table "cards"."Card" alter column "age" drop not null;',
    ),
    "rename table": (
        effect(Verb.RENAME, "Kard", kind="table"),
        'create view "cards"."Card" as select * from "cards"."Kard";',
    ),
    "set schema": (
        effect(Verb.SET_SCHEMA, "old", kind="table"),
        'create view "cards"."Card" as select * from "old"."Card";',
    ),
    "rename column": (effect(Verb.RENAME, "title", kind="column", columns=("jobTitle",)), ""),
    "named constraint": (
        effect(Verb.ADD_CONSTRAINT, "Card_key", Trait.UNIQUE, kind="unique"),
        'alter table "cards"."Card" drop constraint "Card_key";',
    ),
    "unnamed constraint": (effect(Verb.ADD_CONSTRAINT, "", Trait.CHECK, kind="check"), ""),
    "unique index": (effect(Verb.CREATE_INDEX, "cards.u", Trait.UNIQUE), 'drop index "cards"."u";'),
    "drop table": (effect(Verb.DROP, kind="table"), ""),
    "drop function": (effect(Verb.DROP, relation="cards.f(integer)", kind="function"), ""),
    "set type": (effect(Verb.SET_TYPE, "age", kind="smallint"), ""),
    "drop default": (effect(Verb.DROP_DEFAULT, "age"), ""),
    "revoke": (effect(Verb.REVOKE), ""),
    "dynamic": (effect(Verb.DYNAMIC, "execute", Trait.NESTED, relation=""), ""),
    "update": (effect(Verb.UPDATE, columns=("age",)), ""),
    "truncate": (effect(Verb.TRUNCATE), ""),
}


@pytest.mark.parametrize(("given", "sql"), MENDS.values(), ids=MENDS.keys())
def test_a_statement_is_given_only_where_it_is_right(given: Effect, sql: str) -> None:
    mended = compensate(given, TYPES)
    assert mended is not None and mended.sql == sql and mended.what and mended.why


@pytest.mark.parametrize(
    "given",
    [
        effect(Verb.ADD_COLUMN, "age"),
        effect(Verb.ADD_COLUMN, "age", Trait.NOT_NULL, Trait.DEFAULT),
        effect(Verb.CREATE_INDEX, "cards.i"),
        effect(Verb.CREATE_TABLE),
        effect(Verb.SET_NOT_NULL, kind="domain"),
        effect(Verb.SET_SCHEMA, "old", kind="function"),
        effect(Verb.OTHER),
    ],
)
def test_nothing_makes_up_for_what_harms_nothing_or_is_not_known(given: Effect) -> None:
    assert compensate(given, TYPES) is None


@pytest.mark.parametrize(
    ("verb", "words"),
    [(Verb.DROP_COLUMN, "its data is gone"), (Verb.DROP, "gone"), (Verb.TRUNCATE, "from a backup only")],
)
def test_lost_data_is_said_to_be_lost(verb: Verb, words: str) -> None:
    mended = compensate(effect(verb, "jobTitle", kind="table" if verb is Verb.DROP else ""), TYPES)
    assert isinstance(mended, Compensation) and words in mended.why


@pytest.mark.parametrize(
    ("name", "quoted"),
    [("cards.Card", '"cards"."Card"'), ("users", '"users"'), ('a.b"c', '"a"."b""c"'), ("a.b.c", '"a"."b.c"')],
)
def test_names_are_quoted_in_their_parts(name: str, quoted: str) -> None:
    assert quote(name) == quoted


SITUATION = Situation("staging", "NameCardApi-staging", "bbbbbbbb", "aaaaaaaa")


def sql_file(*effects: Effect, name: str = "b.sql") -> SqlFile:
    """Make a file of one statement at line 2."""
    return SqlFile(name, (Statement(2, "...", effects),))


MADE = sql_file(Effect(Verb.ADD_COLUMN, 1, CARD, "jobTitle", "text", ("jobTitle",)), name="a.sql")
DROP = sql_file(effect(Verb.DROP_COLUMN, "jobTitle"))
AT_DROP = Reason("b.sql", 3, "drop-column", "is read")


def plan(safety: Safety, reasons: tuple[Reason, ...], *files: SqlFile) -> RollForward:
    return plan_roll_forward(SITUATION, safety, reasons, files, (MADE,))


def test_a_dropped_column_is_added_back_by_a_hotfix_migration() -> None:
    told = plan(Safety.UNSAFE, (AT_DROP, AT_DROP), DROP)
    assert "on top of bbbbbbbb" in told.summary and "compensating migration" in told.summary
    assert [step.sql for step in told.steps if step.sql] == ['alter table "cards"."Card" add column "jobTitle" text;']
    words = [step.what for step in told.steps]
    assert words[0] == "keep the schema of bbbbbbbb" and "promote that to staging" in words[1]
    assert "cdk deploy NameCardApi-staging --context migrationsVersion=hotfix-" in words[3]
    assert "--to aaaaaaaa --accept-schema-risk" in words[4]
    assert told.steps[2].why.startswith("b.sql:3 ")


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        pytest.param((Reason("b.sql", 2, "dynamic", "unknown"),), "add cards.Card.jobTitle back", id="its line"),
        pytest.param((Reason("b.sql", 9, "dynamic", "unknown"),), "read b.sql, line 9", id="no statement there"),
        pytest.param((Reason("c.sql", 1, "text-not-found", "gone"),), "read c.sql, line 1", id="no such file"),
    ],
)
def test_an_unknown_asks_to_read_and_names_the_way_to_accept(reasons: tuple[Reason, ...], words: str) -> None:
    told = plan(Safety.UNKNOWN, reasons, DROP)
    assert words in told.steps[2].what
    assert "if they are harmless, namecard-release rollback" in told.steps[-1].what


def test_without_a_compensating_statement_there_is_no_hotfix_and_no_way_back() -> None:
    told = plan(
        Safety.UNSAFE,
        (Reason("b.sql", 3, "set-type", "narrower"),),
        sql_file(effect(Verb.SET_TYPE, "age", kind="int2")),
    )
    assert "compensating" not in told.summary and not any("hotfix" in step.what for step in told.steps)
    assert not any("--accept-schema-risk" in step.what for step in told.steps)


def test_a_table_that_the_file_makes_itself_needs_nothing() -> None:
    own = sql_file(
        effect(Verb.CREATE_TABLE, relation="cards.New"), effect(Verb.SET_NOT_NULL, "x", relation="cards.New")
    )
    told = plan(Safety.UNKNOWN, (Reason("b.sql", 3, "x", "y"),), own)
    assert not any(step.sql for step in told.steps)


def test_a_defaults_own_type_is_not_taken_for_the_columns() -> None:
    default = Effect(Verb.SET_DEFAULT, 1, CARD, "jobTitle", "varchar(4)", ("jobTitle",))
    told = plan_roll_forward(SITUATION, Safety.UNSAFE, (AT_DROP,), (DROP,), (MADE, sql_file(default, name="c.sql")))
    assert [step.sql for step in told.steps if step.sql] == ['alter table "cards"."Card" add column "jobTitle" text;']


def test_no_statement_is_made_of_dynamic_sql() -> None:
    found = (effect(Verb.DYNAMIC, "execute", relation=""), effect(Verb.SET_NOT_NULL, "filled_in", Trait.DYNAMIC))
    told = plan(Safety.UNKNOWN, (Reason("b.sql", 3, "dynamic-sql", "x"),), sql_file(*found))
    assert "read what execute does there" in [step.what for step in told.steps]
    assert not any(step.sql for step in told.steps)
