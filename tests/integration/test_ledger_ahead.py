"""Back to a release whose migrator knows fewer files than the ledger: the platform's own migrator, our checks after."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import RealDictCursor

from namecard_release.adapters.target_database import PostgresTarget
from namecard_release.domain.gates import Verdict
from namecard_release.domain.health import Expectation, Reality, judge_reality
from namecard_release.domain.migrations import MigrationFile, plan_migrations
from namecard_release.sandbox.state import StateStore
from tests.integration.targets import migration, run

ENGINE = Path(__file__).parents[2] / "namecard_release/sandbox/platform/services/shared/src/migrations/engine.ts"
USERS = migration("1 auth users", "create schema auth; create table auth.users (id int);")
TITLE = migration("2 cards title", "alter table auth.users add column title text;")
NEWER, EARLIER = (USERS, TITLE), (USERS,)


@pytest.fixture
def target(database: StateStore) -> Iterator[str]:
    url = database.state.database_url("dev")
    run(url, "create database ahead_target")
    yield url.replace("/namecard_dev", "/ahead_target")
    run(url, "drop database ahead_target with (force)")


def write(folder: Path, files: tuple[MigrationFile, ...]) -> Path:
    folder.mkdir()
    for file in files:
        (folder / file.name).write_text(file.sql, encoding="utf-8")
    return folder


def migrate(url: str, folder: Path, version: str) -> dict[str, Any]:
    """Run the platform's migrator over a folder, each of its queries on a real connection."""
    node = Path(sys.executable).with_name("node")
    harness = Path(__file__).with_name("migrator_client.mjs")
    words = [str(node), "--no-warnings", str(harness), str(ENGINE), str(folder), version]
    with (
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
        closing(psycopg2.connect(url)) as link,
    ):
        link.autocommit = True
        assert process.stdin is not None and process.stdout is not None
        for line in process.stdout:
            asked: dict[str, Any] = json.loads(line)
            if "text" not in asked:
                return asked
            process.stdin.write(json.dumps(answer(link, asked["text"], asked.get("values"))) + "\n")
            process.stdin.flush()
    raise AssertionError("the migrator ended without a word")


def answer(link: Any, text: str, values: list[object] | None) -> dict[str, Any]:
    with link.cursor(cursor_factory=RealDictCursor) as session:
        try:
            if values is None:
                session.execute(text)
            else:
                session.execute(re.sub(r"\$\d+", "%s", text), values)
        except psycopg2.Error as error:
            return {"error": str(error)}
        rows = [dict(row) for row in session.fetchall()] if session.description else []
        return {"rows": json.loads(json.dumps(rows, default=str))}


def judge(files: tuple[MigrationFile, ...], url: str, *, ahead: bool) -> Verdict:
    expected = Expectation((), files, (), ledger_ahead_is_fine=ahead)
    phases = judge_reality(expected, Reality((), PostgresTarget(url).rows(), {}, ()))
    return next(phase.verdict for phase in phases if phase.name == "schema")


def test_the_migrator_of_an_earlier_release_leaves_a_newer_ledger_alone_and_the_rollback_verifies(
    target: str, tmp_path: Path
) -> None:
    newer, earlier = write(tmp_path / "newer", NEWER), write(tmp_path / "earlier", EARLIER)
    assert migrate(target, newer, "n") == {"result": {"discovered": 2, "applied": [USERS.name, TITLE.name]}}
    before = PostgresTarget(target).read()
    assert migrate(target, earlier, "m") == {"result": {"discovered": 1, "applied": []}}
    after = PostgresTarget(target).read()
    assert (after.rows, after.catalogue_digest, after.migrator_running) == (before.rows, before.catalogue_digest, False)
    assert judge(EARLIER, target, ahead=True) is Verdict.PASSED
    # For a promotion the same ledger is drift.
    assert judge(EARLIER, target, ahead=False) is Verdict.FAILED
    plan = plan_migrations(EARLIER, after.rows, [USERS.name], ledger_ahead_is_fine=True)
    assert (plan.verdict, plan.unexpected, plan.pending) == (Verdict.PASSED, (TITLE.name,), ())
    # Forward again: what is applied already is not run twice.
    assert migrate(target, newer, "n") == {"result": {"discovered": 2, "applied": []}}


def test_the_migrators_checksum_is_ours_and_a_changed_file_stops_it(target: str, tmp_path: Path) -> None:
    odd = migration("1 auth odd", "select 'Zoë, \N{GRINNING FACE}';\r\n-- done")
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / odd.name).write_bytes(odd.sql.encode())
    migrate(target, folder, "n")
    assert [(row.name, row.checksum) for row in PostgresTarget(target).rows()] == [(odd.name, odd.checksum)]
    (folder / odd.name).write_text("select 2;")
    assert "Checksum mismatch" in migrate(target, folder, "n")["error"]
