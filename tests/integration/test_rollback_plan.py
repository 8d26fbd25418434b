"""`rollback --plan-only` over a real repository, SQLite ledger, assembly store and PostgreSQL; nothing is launched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from typer.testing import CliRunner, Result

from namecard_release.adapters.assembly_store import FileAssemblyStore
from namecard_release.adapters.git import GitRepository
from namecard_release.cli.main import app
from namecard_release.domain.promotion import Hold, Promotion
from namecard_release.ledger.open import open_ledger
from namecard_release.sandbox.processes import free_port
from namecard_release.sandbox.seed import SeededRepository, seed_repository
from namecard_release.sandbox.settings_file import to_toml
from namecard_release.sandbox.state import StateStore
from namecard_release.settings import load_settings
from tests.adapters.assemblies import write_assembly
from tests.domain.cases import T0, promotion

TABLE = """drop table if exists public.schema_migrations; create table public.schema_migrations (
name text primary key, checksum text not null, applied_at timestamptz not null default now(),
execution_ms integer not null, batch_id text, app_version text)"""
TITLE = "2026-02-02T0900__cards__add-job-title.sql"
DROP = "2026-02-16T0900__cards__drop-job-title.sql"


@dataclass
class Desk:
    """A settings file with all that it names, and the command line over it."""

    folder: Path
    seeded: SeededRepository
    url: str

    @property
    def settings(self) -> Path:
        return self.folder / "namecard-release.toml"

    def write(self, url: str) -> None:
        """Write the settings with a database; nobody listens where Dagster is said to be."""
        one = {"account": "000000000000", "stack_suffix": "staging", "context": "staging", "key": "staging"}
        table = {
            "platform": {"repository": str(self.seeded.path)},
            "dagster": {"url": f"http://127.0.0.1:{free_port()}"},
            "environments": {"staging": {**one, "database_url": url}},
        }
        self.settings.write_text(to_toml(table))

    def deploy(self, letter: str, minutes: int) -> Promotion:
        """Make the ledger, the store and the database what a verified promotion leaves behind."""
        settings = load_settings(self.settings)
        sha = self.seeded[letter]
        files = GitRepository(str(self.seeded.path), settings.paths.work).migration_files(sha)
        folder = write_assembly(self.folder / f"cdk.out.{letter}")
        bundle = folder / "asset.migrator" / "migrations"
        for path in bundle.glob("*.sql"):
            path.unlink()
        for file in files:
            (bundle / file.name).write_text(file.sql)
        kept = FileAssemblyStore(settings.paths.store).put(folder, sha, "staging", f"inputs-{letter}", T0)
        made = replace(promotion(sha), id=f"staging-{letter}", assembly=kept.digest)
        moment = T0 + timedelta(minutes=minutes)
        made = replace(made, requested_at=moment, updated_at=moment, deployed_at=moment)
        with closing(psycopg2.connect(self.url)) as link, link, link.cursor() as session:
            for file in files:
                row = (file.name, file.checksum, sha)
                session.execute(
                    "insert into public.schema_migrations (name, checksum, execution_ms, app_version)"
                    " values (%s, %s, 1, %s) on conflict do nothing",
                    row,
                )
        return open_ledger(settings.paths.ledger_url).open_promotion(made)

    def call(self, *words: str) -> Result:
        """Run the program."""
        words = ("rollback", "--env", "staging", "--plan-only", "--settings", str(self.settings), *words)
        return CliRunner().invoke(app, words)

    def plan(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Give the exit code and what was printed as JSON."""
        done = self.call("--json", *words)
        return done.exit_code, json.loads(done.stdout)


@pytest.fixture
def desk(database: StateStore, tmp_path: Path) -> Iterator[Desk]:
    url = database.state.database_url("dev")
    with closing(psycopg2.connect(url)) as link, link, link.cursor() as session:
        session.execute(TABLE)
    desk = Desk(tmp_path, seed_repository(tmp_path / "platform"), url)
    desk.write(url)
    yield desk
    with closing(psycopg2.connect(url)) as link, link, link.cursor() as session:
        session.execute("drop table public.schema_migrations")


def test_an_additive_migration_between_is_safe(desk: Desk) -> None:
    desk.deploy("A", 1)
    desk.deploy("B", 2)
    code, told = desk.plan()
    assert (code, told["verdict"], told["between"], told["roll_forward"]) == (0, "SAFE", [TITLE], None)
    assert (told["environment"], told["from"], told["to"]) == ("staging", desk.seeded["B"], desk.seeded["A"])
    assert len(told["assembly"]) == 64
    assert list(told) == [
        *("environment", "from", "to", "verdict", "reason", "between", "reasons", "assembly", "roll_forward")
    ]


def test_a_drop_between_is_unsafe_with_file_line_and_the_way_forward(desk: Desk) -> None:
    desk.deploy("A", 1)
    desk.deploy("B", 2)
    desk.deploy("D", 3)
    code, told = desk.plan("--to", desk.seeded["B"])
    assert (code, told["verdict"], told["between"]) == (1, "UNSAFE", [DROP])
    assert [(one["file"], one["line"]) for one in told["reasons"]] == [(DROP, 1)]
    assert set(told["reasons"][0]) == {"file", "line", "rule", "why"}
    statements = [step["sql"] for step in told["roll_forward"]["steps"] if step["sql"]]
    assert statements == ['alter table "cards"."Card" add column "jobTitle" text;']
    told_plainly = desk.call("--to", desk.seeded["B"])
    assert told_plainly.exit_code == 1
    assert f"{DROP}  1" in told_plainly.stdout and "roll forward: keep the schema" in told_plainly.stdout


def test_the_same_schema_is_safe(desk: Desk) -> None:
    desk.deploy("B", 1)
    desk.deploy("C", 2)
    code, told = desk.plan("--to", desk.seeded["B"])
    assert (code, told["verdict"], told["between"], told["reasons"]) == (0, "SAFE", [], [])


def test_a_database_that_does_not_answer_is_unknown(desk: Desk) -> None:
    desk.deploy("A", 1)
    desk.deploy("B", 2)
    desk.write(f"postgresql://u:s3cret@127.0.0.1:{free_port()}/x")
    code, told = desk.plan()
    assert (code, told["verdict"], told["roll_forward"]) == (3, "UNKNOWN", None)
    assert "cannot be reached" in told["reason"] and "s3cret" not in told["reason"]


def test_a_text_that_was_changed_since_is_unknown(desk: Desk) -> None:
    desk.deploy("A", 1)
    desk.deploy("B", 2)
    with closing(psycopg2.connect(desk.url)) as link, link, link.cursor() as session:
        session.execute("update public.schema_migrations set checksum = 'x' where name = %s", (TITLE,))
    code, told = desk.plan()
    assert (code, told["verdict"], told["reasons"][0]["rule"]) == (3, "UNKNOWN", "checksum-differs")


@pytest.mark.parametrize(
    ("words", "code", "words_told"),
    [
        pytest.param(("--to", "E"), 1, "never verified there", id="never there"),
        pytest.param(("--to", "C"), 1, "it is what runs now", id="what runs"),
        pytest.param(("--to", "B"), 1, "it is held there: it lost cards", id="held"),
        pytest.param(("--to", "0" * 40), 1, "no commit", id="no commit"),
        pytest.param(("--to", "-x"), 2, "starts with '-'", id="no ref"),
        pytest.param(("--env", "moon"), 2, "unknown environment", id="no environment"),
        pytest.param(("--wait",), 2, "launches nothing", id="with --wait"),
    ],
)
def test_what_is_refused_is_told_in_a_line(desk: Desk, words: tuple[str, ...], code: int, words_told: str) -> None:
    desk.deploy("B", 1)
    desk.deploy("C", 2)
    ledger = open_ledger(load_settings(desk.settings).paths.ledger_url)
    ledger.hold(Hold("staging", desk.seeded["B"], "it lost cards", "ada", T0))
    done = desk.call(*words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert words_told in done.stderr and len(done.stderr.strip().splitlines()) <= 2


def test_nothing_is_written(desk: Desk) -> None:
    desk.deploy("A", 1)
    desk.deploy("B", 2)
    ledger = open_ledger(load_settings(desk.settings).paths.ledger_url)
    before = (ledger.history("staging"), ledger.gates(desk.seeded["B"], "staging"), ledger.holds())
    desk.plan()
    assert (ledger.history("staging"), ledger.gates(desk.seeded["B"], "staging"), ledger.holds()) == before
