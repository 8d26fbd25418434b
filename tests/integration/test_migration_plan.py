"""The plan against a real PostgreSQL: every state of a ledger, the target untouched, nothing connected to too early."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import pytest

from namecard_release.adapters.migration_files import read_checkout
from namecard_release.adapters.sql.linter import PostgresLinter
from namecard_release.adapters.target_database import PostgresTarget
from namecard_release.adapters.trial import PostgresTrial
from namecard_release.domain.gates import Verdict
from namecard_release.domain.linting import Finding, Level
from namecard_release.domain.migrations import FailedStatement, MigrationFile, TargetReading
from namecard_release.domain.planning import ReleasePlan
from namecard_release.sandbox import processes
from namecard_release.sandbox.state import StateStore
from namecard_release.workflow.planning import PlanPorts, plan_files
from tests.integration.targets import deploy, fingerprint, migration, run

PASSED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN
SANDBOX = Path(__file__).parents[2] / "namecard_release" / "sandbox"
USERS = migration("1 auth users", 'create schema auth; create table auth."User" (id int primary key, mail text);')
SEED = migration("2 auth seed", "insert into auth.\"User\" values (1, 'ada'), (2, 'ada');")
CARDS = migration(
    "3 cards cards", 'create table public."Card" (owner int references auth."User"); insert into "Card" values (1);'
)
FILES = (USERS, SEED, CARDS)
MISMATCHED = MigrationFile(USERS.name, "auth", "f" * 64, USERS.path, USERS.sql)


@pytest.fixture(scope="module")
def trial_url(database: StateStore) -> str:
    return database.state.database_url("test")


@pytest.fixture
def target(database: StateStore) -> Iterator[str]:
    """A database of its own on the same server."""
    url = database.state.database_url("dev")
    run(url, "create database plan_target")
    yield url.replace("/namecard_dev", "/plan_target")
    run(url, "drop database plan_target with (force)")


def plan(target: str | None, trial: str | None, files: Sequence[MigrationFile] = FILES, **more: Path) -> ReleasePlan:
    named = None if target is None else PostgresTarget(target, **more)
    return plan_files(PlanPorts(PostgresLinter(), PostgresTrial(trial), named), files)


@pytest.mark.parametrize(
    ("applied", "files", "verdict", "pending", "words"),
    [
        pytest.param((), FILES, PASSED, FILES, "3 files applied to a throw-away database", id="empty"),
        pytest.param(FILES, FILES, PASSED, (), "nothing pending", id="equal"),
        pytest.param((USERS, SEED), FILES, PASSED, (CARDS,), "target's schema", id="behind"),
        pytest.param(FILES, (USERS, SEED), FAILED, (), "applied on the target but not in this release", id="ahead"),
        pytest.param((USERS,), (MISMATCHED, SEED), FAILED, (SEED,), "checksum changed", id="mismatched"),
    ],
)
def test_each_state_of_the_ledger_gives_its_plan_and_leaves_the_target_untouched(
    target: str,
    trial_url: str,
    applied: tuple[MigrationFile, ...],
    files: tuple[MigrationFile, ...],
    verdict: Verdict,
    pending: tuple[MigrationFile, ...],
    words: str,
) -> None:
    if applied:
        deploy(target, applied)
    before = fingerprint(target)
    made = plan(target, trial_url, files)
    assert (made.verdict, made.ledger.pending) == (verdict, tuple(f.name for f in pending)), made.reason
    assert words in made.reason
    assert made.target is not None and made.target.catalogue_digest == before[1]
    assert fingerprint(target) == before
    assert (made.trial is None) == (not pending)
    if verdict is PASSED and made.trial is not None:
        assert made.trial.basis == "target's schema" and made.trial.applied == made.ledger.pending


def test_a_migrators_run_in_progress_holds_and_its_lock_stays_free_to_take(target: str, trial_url: str) -> None:
    deploy(target, (USERS,))
    before = fingerprint(target)
    with closing(psycopg2.connect(target)) as other, other.cursor() as session:
        # Another pair, another form of the same number, and another database's lock are nobody's run.
        session.execute("select pg_advisory_lock(1867, 2402), pg_advisory_lock((1867::bigint << 32) + 2401)")
        assert plan(target, trial_url).verdict is PASSED
        session.execute("select pg_advisory_lock(1867, 2401)")
        made = plan(target, trial_url)
        assert made.verdict is UNKNOWN and "a migrator run is in progress" in made.reason
        assert made.trial is not None and made.trial.unread == "a migrator run is in progress on the target"
        assert made.ledger.pending == (SEED.name, CARDS.name)
    assert fingerprint(target) == before
    assert run(target, "select pg_try_advisory_lock(1867, 2401)") == [(True,)]


def test_a_target_that_is_not_reached_is_unknown_and_tried_from_the_migrations_alone(trial_url: str) -> None:
    nobody = f"postgresql://u:s3cret@127.0.0.1:{processes.free_port()}/x"
    made = plan(nobody, trial_url)
    assert made.verdict is UNKNOWN and made.target is None and "was not read" in made.reason
    assert made.trial is not None and made.trial.applied == tuple(file.name for file in FILES)
    assert made.trial.basis.startswith("migrations alone: PostgreSQL at 127.0.0.1:") and "s3cret" not in str(made)


def test_no_target_is_an_empty_ledger_and_says_so(trial_url: str) -> None:
    made = plan(None, trial_url)
    assert made.verdict is PASSED and "no target was named" in made.reason
    assert made.trial is not None and made.trial.basis == "migrations alone: no target was named"
    assert plan(None, None).verdict is UNKNOWN
    assert plan(None, None, ()).verdict is PASSED


@pytest.fixture
def release_f(tmp_path: Path) -> tuple[MigrationFile, ...]:
    shutil.copytree(SANDBOX / "platform", tmp_path / "f", ignore=shutil.ignore_patterns("node_modules"))
    for release in ("b", "f"):
        shutil.copytree(SANDBOX / "releases" / release, tmp_path / "f", dirs_exist_ok=True)
    return read_checkout(tmp_path / "f")


def test_release_f_fails_the_trial_with_its_statement_and_leaves_the_target_untouched(
    target: str, trial_url: str, release_f: tuple[MigrationFile, ...]
) -> None:
    *applied, unique = release_f
    deploy(target, applied)
    before = fingerprint(target)
    made = plan(target, trial_url, release_f)
    assert made.verdict is FAILED and made.trial is not None and made.trial.basis == "target's schema"
    assert made.trial.failed == unique.name and "could not create unique index" in (made.trial.error or "")
    statement = 'alter table cards."Card" add constraint "Card_company_key" unique ("company")'
    assert made.trial.failed_statement == FailedStatement(3, statement)
    assert f"{unique.name} line 3, {statement}" in made.reason
    assert [(one.line, one.rewrites) for one in made.trial.statements] == [(1, ())]
    assert fingerprint(target) == before


def test_a_pending_file_finds_the_rows_of_the_applied_ones(
    target: str, trial_url: str, release_f: tuple[MigrationFile, ...]
) -> None:
    files = release_f[:-1]
    deploy(target, files[:3])
    # A user's row on the target is never copied.
    run(target, 'insert into cards."Card" ("ownerId", "fullName") select id, email from auth."AuthUser"')
    count = 'select count(*) from cards."Card"'
    check = f"do $$ begin if ({count}) <> 3 then raise 'a row of the target'; end if; end $$;"
    made = plan(target, trial_url, (*files, migration("1 cards count", check, month=12)))
    assert made.verdict is PASSED, made.reason


def test_a_target_that_changes_meanwhile_is_planned_again(target: str, trial_url: str) -> None:
    class Restless(PostgresTarget):
        def read(self) -> TargetReading:
            reading = super().read()
            run(target, "create table if not exists meanwhile ()")
            return reading

    ports = PlanPorts(PostgresLinter(), PostgresTrial(trial_url), Restless(target))
    made = plan_files(ports, FILES)
    assert made.verdict is UNKNOWN and "changed meanwhile: plan again" in made.reason


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (None, "no pg_dump at"),
        ("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'", "pg_dump 9 is older than the server's"),
        ("#!/bin/sh\necho 'pg_dump (PostgreSQL) 99.1'; [ $1 = --version ]", "99.1"),
    ],
)
def test_without_a_fitting_pg_dump_the_trial_is_of_migrations_alone_and_says_why(
    target: str, trial_url: str, tmp_path: Path, script: str | None, words: str
) -> None:
    deploy(target, (USERS, SEED))
    program = tmp_path / "pg_dump"
    if script is not None:
        program.write_text(script)
        program.chmod(0o700)
    made = plan(target, trial_url, pg_dump=program)
    assert made.verdict is PASSED and made.trial is not None
    assert made.trial.basis.startswith("migrations alone: ") and words in made.trial.basis


@dataclass
class Marked:
    """A linter that finds one escape."""

    escape: MigrationFile
    more: tuple[Finding, ...] = field(default=())

    def lint(self, files: Sequence[MigrationFile]) -> tuple[Finding, ...]:
        return (Finding(self.escape.path, 2, "own-transaction", Level.ERROR, "COMMIT"), *self.more)


@pytest.fixture
def doorbell() -> Iterator[socket.socket]:
    """A port that remembers who knocked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def knocked(doorbell: socket.socket) -> bool:
    try:
        doorbell.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_a_file_with_its_own_commit_is_refused_before_any_connection(doorbell: socket.socket) -> None:
    url = f"postgresql://u:p@127.0.0.1:{doorbell.getsockname()[1]}/x?connect_timeout=1"
    ports = PlanPorts(Marked(SEED), PostgresTrial(url), PostgresTarget(url))
    made = plan_files(ports, FILES)
    assert made.verdict is FAILED and f"{SEED.path}:2: COMMIT" in made.reason
    assert made.trial is not None and made.trial.unread == "nothing was connected to"
    assert not knocked(doorbell)


def test_an_escape_known_to_be_applied_is_shown_and_one_that_is_not_applied_fails_untried(
    target: str, trial_url: str
) -> None:
    deploy(target, (USERS, SEED))
    ports = PlanPorts(Marked(SEED), PostgresTrial(trial_url), PostgresTarget(target))
    made = plan_files(ports, FILES, known_escapes=[SEED.name])
    assert made.verdict is PASSED and len(made.findings) == 1
    ports = PlanPorts(Marked(CARDS), PostgresTrial(trial_url), PostgresTarget(target))
    made = plan_files(ports, FILES, known_escapes=[CARDS.name])
    assert made.verdict is FAILED and made.trial is not None
    assert made.trial.unread == "a pending file would leave the transaction"


def test_a_known_escape_is_run_in_a_trial_of_migrations_alone_and_the_rest_is_measured(trial_url: str) -> None:
    odd = migration("2 auth odd", "create table one (); commit; create table two ();")
    files = (USERS, odd, migration("3 auth more", "alter table two add column a int;"))
    made = plan_files(PlanPorts(Marked(odd), PostgresTrial(trial_url), None), files, known_escapes=[odd.name])
    assert made.verdict is PASSED and made.trial is not None, made.reason
    assert made.trial.applied == tuple(file.name for file in files)
    assert [one.locks for one in made.trial.statements if one.file == files[2].name] == [
        ("public.two AccessExclusiveLock",)
    ]


def test_a_role_that_may_not_make_databases_leaves_the_trial_unread(database: StateStore, trial_url: str) -> None:
    admin = database.state.postgres
    assert admin is not None
    run(admin.admin_url, "create role plain login password 'pw'")
    plain = trial_url.replace(trial_url.split("//")[1].split("@", maxsplit=1)[0], "plain:pw")
    made = plan(None, plain)
    assert made.verdict is UNKNOWN and "permission denied to create database" in made.reason
