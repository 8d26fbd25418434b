"""`migrations plan` against a real PostgreSQL: the whole JSON of a plan with a trial, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from namecard_release.cli.main import app
from namecard_release.sandbox.state import StateStore
from tests.integration.targets import deploy, fingerprint, migration

BASE = migration("1 cards base", 'create schema cards; create table cards."Card" (id int);')
PENDING = migration("2 cards more", '\nalter table cards."Card" add column at timestamptz default clock_timestamp();')
PENDING_FOUND = {(PENDING.name, 2, rule) for rule in ("missing-lock-timeout", "squawk:adding-field-with-default")}
BAD = migration("3 cards bad", 'alter table cards."Card" drop column nope;')


def test_a_plan_with_its_trial_as_json(database: StateStore, tmp_path: Path) -> None:
    target, trial = database.state.database_url("staging"), database.state.database_url("test")
    folder = tmp_path / "services" / "cards" / "migrations"
    folder.mkdir(parents=True)
    for file in (BASE, PENDING):
        (folder / file.name).write_text(file.sql)
    deploy(target, (BASE,))
    before = fingerprint(target)
    words = ["--checkout", str(tmp_path), "--database-url", target, "--trial-url", trial, "--json"]
    result = CliRunner().invoke(app, ["migrations", "plan", *words])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["applied"], told["pending"]) == ([BASE.name], [PENDING.name])
    assert {finding["level"] for finding in told["findings"]} == {"warning"}
    found = {(finding["file"].rpartition("/")[2], finding["line"], finding["rule"]) for finding in told["findings"]}
    assert {one for one in found if one[0] == PENDING.name} == PENDING_FOUND
    (statement,) = told["trial"]["statements"]
    assert statement.pop("ms") > 0
    locks = ["cards.Card AccessExclusiveLock", "cards.Card ShareLock"]
    assert statement == {"file": PENDING.name, "line": 2, "locks": locks, "rewrites": ["cards.Card"]}
    assert told["trial"]["applied"] == [PENDING.name] and told["trial"]["failed"] is None
    assert told["trial"]["basis"] == "target's schema"
    assert told["target"] == {"catalogue_digest": before[1]}
    (folder / BAD.name).write_text(BAD.sql)
    result = CliRunner().invoke(app, ["migrations", "plan", *words])
    told = json.loads(result.stdout)
    assert (result.exit_code, told["verdict"], told["trial"]["failed"]) == (1, "FAILED", BAD.name)
    assert told["trial"]["failed_statement"] == {"line": 1, "text": BAD.sql.rstrip(";")}
    assert told["trial"]["applied"] == [PENDING.name] and 'column "nope"' in told["trial"]["error"]
    password = target.split(":")[2].split("@")[0]
    assert password not in result.output
    assert fingerprint(target) == before


@pytest.mark.parametrize("trial", ["postgresql://127.0.0.1:1/x", None])
def test_an_equal_ledger_needs_no_trial(database: StateStore, tmp_path: Path, trial: str | None) -> None:
    target = database.state.database_url("prod")
    folder = tmp_path / "services" / "cards" / "migrations"
    folder.mkdir(parents=True)
    only = migration("1 cards only", "select 1;")
    (folder / only.name).write_text(only.sql)
    if trial is not None:
        deploy(target, (only,))
    more = [] if trial is None else ["--trial-url", trial]
    words = ["--checkout", str(tmp_path), "--database-url", target, *more]
    result = CliRunner().invoke(app, ["migrations", "plan", *words])
    assert result.exit_code == 0 and result.stdout.startswith("PASSED: ") and "nothing pending" in result.stdout
