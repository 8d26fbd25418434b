"""The lint over facts: findings, markers, squawk's advice weighed, names, the verdict."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from namecard_release.domain.gates import Verdict
from namecard_release.domain.lint_rules.advice import UNTOLD, weigh_advice
from namecard_release.domain.lint_rules.made import Made
from namecard_release.domain.lint_rules.names import find_bad_names
from namecard_release.domain.lint_rules.rule import RULES, Hit
from namecard_release.domain.linting import (
    ESCAPING_RULES,
    Finding,
    Level,
    conclude_lint,
    find_escapes,
    lint_file,
)
from namecard_release.domain.migrations import MigrationFile
from namecard_release.domain.sql import Effect, Marker, Obstacle, SqlFile, Statement, Trait, Unreadable, Verb

PAGE = (Path(__file__).parent.parent.parent / "docs" / "migrations-lint.md").read_text(encoding="utf-8")
QUIET = frozenset({"missing-lock-timeout"})


def does(verb: Verb, relation: str = "", name: str = "", kind: str = "", *traits: Trait, line: int = 1) -> Effect:
    columns = (name,) if name and verb in (Verb.QUERY, Verb.RENAME) else ()
    return Effect(verb, line, relation, name, kind, columns, frozenset(traits))


def file(*effects: Effect, markers: tuple[Marker, ...] = ()) -> SqlFile:
    return SqlFile("x.sql", tuple(Statement(e.line, "s", (e,)) for e in effects), markers=markers)


def rules(given: SqlFile, **more: tuple[Hit, ...]) -> list[str]:
    return [finding.rule for finding in lint_file(given, **more) if finding.rule not in QUIET]


TABLE = does(Verb.CREATE_TABLE, "a.t")
PROBABLY = does(Verb.CREATE_TABLE, "a.t", "", "", Trait.IF_NOT_EXISTS)
COMMIT = does(Verb.TRANSACTION, "", "commit")
DROP = does(Verb.DROP, "a.t", "", "table")


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        ([does(Verb.TRANSACTION, "", word)], ["own-transaction"])
        for word in ("begin", "start", "commit", "rollback", "prepare", "commit prepared", "rollback prepared")
    ]
    + [
        ([does(Verb.SAVEPOINT, "", "rollback to")], []),
        ([does(Verb.TRANSACTION, "", "commit", "", Trait.NESTED)], ["transaction-in-do"]),
        ([does(Verb.CREATE_INDEX, "a.t", "a.i", "", Trait.CONCURRENT)], ["create-index-concurrently"]),
        ([TABLE, does(Verb.CREATE_INDEX, "a.t", "a.i", "", Trait.CONCURRENT)], ["create-index-concurrently"]),
        ([does(Verb.CREATE_INDEX, "a.t", "a.i")], ["blocking-index"]),
        ([TABLE, does(Verb.CREATE_INDEX, "a.t", "a.i")], []),
        ([PROBABLY, does(Verb.CREATE_INDEX, "a.t", "a.i")], ["blocking-index"]),
        ([does(Verb.MAINTENANCE, "", "vacuum")], ["not-in-transaction"]),
        ([does(Verb.MAINTENANCE, "a.t", "analyze")], []),
        ([does(Verb.MAINTENANCE, "a.t", "refreshmatview", "", Trait.CONCURRENT)], []),
        ([does(Verb.MAINTENANCE, "a.t", "reindex", "", Trait.CONCURRENT)], ["not-in-transaction"]),
        ([does(Verb.MAINTENANCE, "", "cluster", "every table")], ["not-in-transaction"]),
        ([does(Verb.SERVER, "", "DropSubscription")], ["not-in-transaction"]),
        ([does(Verb.SERVER, "", "CreateSubscription", "slot")], ["not-in-transaction"]),
        ([does(Verb.SERVER, "", "CreateSubscription")], []),
        ([does(Verb.SERVER, "", "AlterDatabase", "tablespace")], ["not-in-transaction"]),
        ([does(Verb.SERVER, "", "AlterDatabase")], ["server-wide"]),
        ([does(Verb.SERVER, "", "CreateRole")], ["server-wide"]),
        ([does(Verb.QUERY, "", "public.dblink_exec")], ["outside-connection"]),
        ([does(Verb.QUERY, "", "pg_advisory_unlock")], ["migrator-lock"]),
        ([does(Verb.QUERY, "", "setval")], ["survives-rollback"]),
        ([does(Verb.QUERY, "", "nextval")], []),
        ([does(Verb.TRUNCATE, "a.t")], ["truncate"]),
        ([TABLE, does(Verb.TRUNCATE, "a.t")], []),
        ([does(Verb.TRUNCATE, "a.t"), TABLE], ["truncate"]),
        ([PROBABLY, does(Verb.TRUNCATE, "a.t")], ["truncate"]),
        ([TABLE, does(Verb.SAVEPOINT, "", "rollback to"), does(Verb.TRUNCATE, "a.t")], ["truncate"]),
        ([TABLE, DROP, does(Verb.TRUNCATE, "a.t")], ["truncate"]),
        ([does(Verb.TRUNCATE, "pg_temp.t")], []),
        ([does(Verb.UPDATE, "a.t")], ["update-every-row"]),
        ([does(Verb.UPDATE, "a.t", "", "", Trait.WHERE)], []),
        ([does(Verb.DELETE, "a.t", "", "", Trait.IN_CTE)], ["delete-every-row"]),
        ([does(Verb.MERGE, "a.t")], ["merge"]),
        ([DROP], ["drop-table"]),
        ([TABLE, DROP], []),
        ([does(Verb.DROP, "a", "", "schema")], ["drop-schema"]),
        ([does(Verb.CREATE_OBJECT, "a", "", "schema"), does(Verb.DROP, "a", "", "schema")], []),
        ([does(Verb.DROP, "a.v", "", "view")], ["drop-object"]),
        ([does(Verb.DROP, "a.t", "p", "trigger")], []),
        ([does(Verb.DROP_COLUMN, "a.t", "c")], ["drop-column"]),
        ([does(Verb.ADD_COLUMN, "a.t", "c"), does(Verb.DROP_COLUMN, "a.t", "c")], []),
        ([does(Verb.ADD_COLUMN, "a.t", "d"), does(Verb.DROP_COLUMN, "a.t", "c")], ["drop-column"]),
        ([does(Verb.ADD_COLUMN, "a.t", "c", "", Trait.IF_NOT_EXISTS), does(Verb.DROP_COLUMN, "a.t", "c")],
         ["drop-column"]),
        ([does(Verb.RENAME, "a.t", "u", "table")], ["rename"]),
        ([TABLE, does(Verb.RENAME, "a.t", "u", "table"), does(Verb.TRUNCATE, "a.u")], []),
        ([does(Verb.RENAME, "a.t", "u", "trigger")], []),
        ([does(Verb.SET_SCHEMA, "a.t", "b")], ["rename"]),
        ([does(Verb.SET_TYPE, "a.t", "c", "int8")], ["alter-type"]),
        ([TABLE, does(Verb.SET_TYPE, "a.t", "c", "int8")], []),
        ([does(Verb.ALTER_OBJECT, "a.y", "z", "type")], ["alter-type"]),
        ([does(Verb.CREATE_TYPE, "a.y"), does(Verb.ALTER_OBJECT, "a.y", "z", "type")], []),
        ([does(Verb.ADD_ENUM_VALUE, "a.y", "v", "type")], ["add-enum-value"]),
        ([does(Verb.ADD_COLUMN, "a.t", "c", "int4", Trait.NESTED)], ["ddl-in-do"]),
        ([does(Verb.INSERT, "a.t", "", "", Trait.NESTED)], []),
        ([does(Verb.DYNAMIC, "", "execute", "", Trait.NESTED)], ["dynamic-sql"]),
        ([does(Verb.DYNAMIC, "", "execute", "", Trait.NESTED, Trait.READABLE)], ["dynamic-sql-read"]),
        ([does(Verb.DYNAMIC, "", "prepare p")], []),
        ([does(Verb.COPY_IN, "a.t", "", "", Trait.STDIN)], ["copy-stdin"]),
        ([does(Verb.COPY_IN, "a.t")], ["server-file"]),
        ([does(Verb.SESSION, "", "work_mem", "set")], ["session-setting"]),
        ([does(Verb.SESSION, "", "work_mem", "set", Trait.LOCAL)], []),
        ([does(Verb.SESSION, "", "work_mem", "set"), does(Verb.SESSION, "", "work_mem", "reset")], []),
        ([does(Verb.SESSION, "", "work_mem", "set"), does(Verb.SESSION, "", "other", "reset")], ["session-setting"]),
        ([does(Verb.SESSION, "", "work_mem", "reset"), does(Verb.SESSION, "", "work_mem", "set")], ["session-setting"]),
        ([does(Verb.SESSION, "", "lock_timeout", "set", Trait.LOCAL, Trait.UNLIMITED)], ["no-time-limit"]),
        ([does(Verb.CREATE_TABLE, "pg_temp.t", "", "", Trait.TEMPORARY)], ["temp-table"]),
        ([does(Verb.CREATE_TABLE, "pg_temp.t", "", "", Trait.TEMPORARY, Trait.ON_COMMIT_DROP)], []),
        ([does(Verb.ADD_CONSTRAINT, "a.t", "u", "unique", Trait.UNIQUE)], ["unique-on-data"]),
        ([does(Verb.ADD_CONSTRAINT, "a.t", "u", "unique", Trait.UNIQUE, Trait.USING_INDEX)], []),
        ([does(Verb.ADD_COLUMN, "a.t", "c", "int4", Trait.UNIQUE)], []),
        ([does(Verb.ADD_COLUMN, "a.t", "c", "int4", Trait.UNIQUE, Trait.DEFAULT)], ["unique-on-data"]),
        ([does(Verb.ADD_COLUMN, "a.t", "c", "int4", Trait.PRIMARY, Trait.DEFAULT, Trait.VOLATILE)], []),
        ([does(Verb.ADD_COLUMN, "a.t", "c", "int4", Trait.NOT_NULL)], ["required-column"]),
        ([does(Verb.ADD_COLUMN, "a.t", "c", "int4", Trait.NOT_NULL, Trait.DEFAULT)], []),
        ([does(Verb.ADD_COLUMN, "a.t", "c", "int4", Trait.NOT_NULL, Trait.GENERATED)], []),
        ([TABLE, does(Verb.ADD_COLUMN, "a.t", "c", "int4", Trait.NOT_NULL)], []),
        ([does(Verb.MAINTENANCE, "a.t", "reindex")], ["blocking-upkeep"]),
        ([TABLE, does(Verb.MAINTENANCE, "a.t", "cluster")], []),
        ([does(Verb.CREATE_ROUTINE, "a.f(int4)"), does(Verb.QUERY, "", "a.f")], ["own-routine-called"]),
        ([does(Verb.CREATE_ROUTINE, "a.f()", "", "", Trait.REPLACE), does(Verb.CALL, "", "f")], ["own-routine-called"]),
        ([does(Verb.CREATE_ROUTINE, "a.f()"), does(Verb.QUERY, "", "a.g")], []),
        ([does(Verb.QUERY, "", "a.f"), does(Verb.CREATE_ROUTINE, "a.f()")], []),
        ([], ["empty-file"]),
    ],
)  # fmt: skip
def test_a_files_effects_break_these_rules(effects: list[Effect], expected: list[str]) -> None:
    assert rules(file(*effects)) == expected


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        ([does(Verb.ADD_COLUMN, "a.t", "c")], True),
        ([DROP], True),
        ([does(Verb.DROP, "a.f", "", "function")], False),
        ([TABLE, does(Verb.ADD_COLUMN, "a.t", "c")], False),
        ([does(Verb.SESSION, "", "lock_timeout", "set", Trait.LOCAL), does(Verb.ADD_COLUMN, "a.t", "c")], False),
        ([does(Verb.SESSION, "", "work_mem", "set", Trait.LOCAL), does(Verb.ADD_COLUMN, "a.t", "c")], True),
        ([does(Verb.SET_NOT_NULL, "a.d", "", "domain")], False),
        ([does(Verb.INSERT, "a.t")], False),
    ],
)
def test_a_lock_is_waited_for_without_a_limit(effects: list[Effect], expected: bool) -> None:
    assert ("missing-lock-timeout" in {f.rule for f in lint_file(file(*effects))}) is expected


def test_a_create_table_that_may_be_no_creation_tells_no_own_columns() -> None:
    parts = (PROBABLY, does(Verb.ADD_COLUMN, "a.t", "c"), does(Verb.ADD_CONSTRAINT, "a.t", "u", "unique", Trait.UNIQUE))
    created = Statement(1, "s", parts)
    dropped = Statement(2, "s", (does(Verb.DROP_COLUMN, "a.t", "c", line=2),))
    assert rules(SqlFile("x.sql", (created,))) == []
    assert rules(SqlFile("x.sql", (created, dropped))) == ["drop-column"]


def test_a_new_enum_value_is_not_used_before_it_is_committed() -> None:
    added = Statement(1, "s", (does(Verb.ADD_ENUM_VALUE, "a.y", "v", "type"),), ("v",))
    used, other = Statement(2, "s", (), ("v", "w")), Statement(3, "s", (), ("w",))
    assert rules(SqlFile("x.sql", (added, used, other))) == ["add-enum-value", "new-enum-value-used"]
    assert rules(SqlFile("x.sql", (used, added))) == ["add-enum-value"]


@pytest.mark.parametrize(
    ("obstacle", "rule"),
    [(Obstacle.SYNTAX, "syntax-error"), (Obstacle.PSQL, "psql-command"), (Obstacle.BODY, "unreadable-do")],
)
def test_what_cannot_be_read_fails(obstacle: Obstacle, rule: str) -> None:
    (finding,) = lint_file(SqlFile("x.sql", (), (Unreadable(7, obstacle, "words"),)))
    assert (finding.line, finding.rule, finding.level) == (7, rule, Level.ERROR)
    assert "words" in finding.message


def on(line: int, text: str, *effects: Effect) -> Statement:
    return Statement(line, text, effects)


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ((2, "truncate"), []), ((3, "truncate"), []), ((4, "truncate"), []),
        ((1, "truncate"), ["truncate"]), ((5, "truncate"), ["truncate"]), ((2, "merge"), ["truncate"]),
        ((2, "truncated"), ["unknown-ignore", "truncate"]),
    ],
)  # fmt: skip
def test_a_marker_counts_for_the_statement_it_stands_above_or_on(marker: tuple[int, str], expected: list[str]) -> None:
    statements = (on(1, "s"), on(3, "s\ns", does(Verb.TRUNCATE, "a.t", line=3)), on(5, "s"))
    assert rules(SqlFile("x.sql", statements, markers=(Marker(*marker),))) == expected


def test_a_marker_of_the_platforms_rules_counts_for_the_whole_file() -> None:
    statements = (on(1, "s", DROP), on(2, "s", does(Verb.DROP, "a.u", "", "table", line=2)), on(9, "s"))
    assert rules(SqlFile("x.sql", statements, markers=(Marker(9, "drop-table"),))) == []


@pytest.mark.parametrize("rule", sorted(rule.name for rule in RULES.values() if not rule.ignorable))
def test_no_marker_silences_what_must_be_told(rule: str) -> None:
    given = SqlFile("x.sql", (on(2, "s"),), markers=(Marker(1, rule),))
    assert rule in rules(given, named=(Hit(rule, 2, "m"),))


def test_what_escapes_or_is_no_sql_is_never_ignorable() -> None:
    assert {*ESCAPING_RULES, "syntax-error", "psql-command"} <= {
        rule.name for rule in RULES.values() if not rule.ignorable
    }


def test_a_hint_names_the_rule_that_was_meant() -> None:
    (finding,) = lint_file(SqlFile("x.sql", (on(2, "s"),), markers=(Marker(1, "drop-tabel"),)))
    assert finding.message.endswith("did you mean drop-table?")


FIELD = Hit("adding-field-with-default", 2, "m")


@pytest.mark.parametrize(
    ("statements", "advice", "expected"),
    [
        ([on(2, "s", does(Verb.ADD_COLUMN, "a.t", "c", line=2))], [FIELD], ["squawk:adding-field-with-default"]),
        ([on(2, "s", does(Verb.ADD_COLUMN, "a.t", "c", line=2))], [FIELD, FIELD], ["squawk:adding-field-with-default"]),
        ([on(1, "s", TABLE), on(2, "s", does(Verb.ADD_COLUMN, "a.t", "c", line=2))], [FIELD], []),
        ([on(1, "s", PROBABLY), on(2, "s", does(Verb.ADD_COLUMN, "a.t", "c"))], [FIELD],
         ["squawk:adding-field-with-default"]),
        ([on(1, "s", TABLE)], [Hit("prefer-text-field", 1, "m")], ["squawk:prefer-text-field"]),
        ([on(1, "s", COMMIT)], [Hit("transaction-nesting", 1, "m")], []),
        ([on(1, "s", does(Verb.SAVEPOINT, "", "rollback to"))], [Hit("transaction-nesting", 1, "m")], []),
        ([on(1, "s", does(Verb.ADD_CONSTRAINT, "a.t", "u", "", Trait.UNIQUE))],
         [Hit("constraint-missing-not-valid", 1, "m")], []),
        ([on(1, "s", does(Verb.ADD_CONSTRAINT, "a.t", "u", "", Trait.CHECK))],
         [Hit("constraint-missing-not-valid", 1, "m")], ["squawk:constraint-missing-not-valid"]),
        ([on(1, "s", does(Verb.SET_NOT_NULL, "a.t", "c"))], [Hit("adding-not-nullable-field", 1, "m")],
         ["squawk:adding-not-nullable-field"]),
        ([on(1, "s", does(Verb.ADD_COLUMN, "a.t", "c")), on(2, "s", does(Verb.SET_NOT_NULL, "a.t", "c"))],
         [Hit("adding-not-nullable-field", 2, "m")], ["squawk:adding-not-nullable-field"]),
        ([], [Hit("a-rule-of-tomorrow", 1, "m")], ["squawk:a-rule-of-tomorrow"]),
    ],
)  # fmt: skip
def test_squawks_advice_is_weighed(statements: list[Statement], advice: list[Hit], expected: list[str]) -> None:
    assert [hit.rule for hit in weigh_advice(advice, SqlFile("x.sql", tuple(statements)))] == expected


def test_advice_warns() -> None:
    given = file(does(Verb.ADD_COLUMN, "a.t", "c", line=2))
    found = lint_file(given, advice=(FIELD, Hit("ban-char-field", 2, "m"), Hit("ban-drop-column", 2, "m")))
    levels = {f.rule: f.level for f in found if f.rule.startswith("squawk")}
    assert levels == dict.fromkeys(("squawk:adding-field-with-default", "squawk:ban-char-field"), Level.WARNING)
    assert "ban-drop-column" in UNTOLD


GOOD = "2026-02-02T0900__cards__add-a.sql"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (f"services/cards/migrations/{GOOD}", None),
        (f"/x/y/services/cards/migrations/{GOOD}", None),
        ("elsewhere/any name.sql", None),
        ("services/cards/other/any.sql", None),
        ("services/cards/migrations/any.sql", "YYYY-MM-DDThhmm"),
        ("services/cards/migrations/2026-02-30T0900__cards__x.sql", "not a minute that exists"),
        ("services/cards/migrations/2026-02-02T0900__auth__x.sql", "lies in the folder of cards"),
    ],
)
def test_names_are_the_contracts_in_a_services_folder(path: str, words: str | None) -> None:
    name, service = path.rpartition("/")[2], path.split("/")[-3] if path.count("/") > 1 else ""
    found = find_bad_names([MigrationFile(name, service, "", path, "")])
    assert (found == {}) if words is None else (words in found[path][0].message)


def test_a_name_is_used_once() -> None:
    paths = [f"{root}/services/cards/migrations/{GOOD}" for root in ("a", "b")]
    found = find_bad_names([MigrationFile(GOOD, "cards", "", path, "") for path in paths])
    assert list(found) == [paths[1]]
    assert paths[0] in found[paths[1]][0].message


def test_one_error_fails_and_findings_are_in_order() -> None:
    one, two = Finding("b", 1, "r", Level.WARNING, "m"), Finding("a", 2, "r", Level.WARNING, "m")
    error = Finding("a", 1, "own-transaction", Level.ERROR, "m")
    assert conclude_lint([]).verdict is Verdict.PASSED
    assert conclude_lint([one, two]) == conclude_lint([two, one])
    assert conclude_lint([one, two]).verdict is Verdict.PASSED
    report = conclude_lint([one, two, error])
    assert (report.verdict, report.findings) == (Verdict.FAILED, (error, two, one))
    assert find_escapes(report.findings) == (error,)


def test_made_knows_a_temporary_table() -> None:
    assert Made().table("pg_temp.x") and not Made().table("public.x")


def test_the_page_tells_every_rule_with_its_level_and_why() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \| (.+?) \|$", PAGE, re.MULTILINE)
    assert [row[0] for row in rows] == list(RULES)
    levels = {True: "error", False: "warning"}
    assert rows == [(rule.name, levels[rule.fails], rule.why) for rule in RULES.values()]
    unsilenced = PAGE.partition("Nothing silences ")[2].partition(".\n")[0]
    assert re.findall(r"`([^`]+)`", unsilenced) == [rule.name for rule in RULES.values() if not rule.ignorable]
    whole = PAGE.partition("for the whole file: ")[2].partition(".\n")[0]
    assert re.findall(r"`([^`]+)`", whole) == [rule.name for rule in RULES.values() if rule.whole_file]
