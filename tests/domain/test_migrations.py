"""Migration names, the difference of files and ledger, the trial's verdict, the schema's name."""

from __future__ import annotations

import pytest

from namecard_release.domain.gates import Verdict
from namecard_release.domain.migrations import (
    FailedStatement,
    LedgerRow,
    MigrationFile,
    TrialResult,
    digest_ledger,
    explain_bad_name,
    is_migration_name,
    judge_trial,
    plan_migrations,
    schema_version,
)
from tests.domain.cases import CARDS, TITLE, USERS, file, row

PASSED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN
OTHER = "f" * 64


@pytest.mark.parametrize(
    ("name", "service", "words"),
    [
        (USERS, "auth", None),
        ("2024-02-29T0000__auth__leap-day.sql", "auth", None),
        ("2026-12-31T2359__auth__0-9-a-z.sql", "auth", None),
        ("2026-01-05T0900__name-cards__x.sql", "name-cards", None),
        ("2026-01-05T0900__cards__create-users.sql", "auth", "names the service cards but lies in the folder of auth"),
        ("2026-02-29T0000__auth__no-leap-year.sql", "auth", "is not a minute that exists"),
        ("2026-02-30T0000__auth__x.sql", "auth", "is not a minute that exists"),
        ("2026-13-01T0000__auth__x.sql", "auth", "is not a minute that exists"),
        ("2026-00-01T0000__auth__x.sql", "auth", "is not a minute that exists"),
        ("0000-01-01T0000__auth__x.sql", "auth", "is not a minute that exists"),
        ("2026-01-01T2400__auth__x.sql", "auth", "is not a minute that exists"),
        ("2026-01-01T0060__auth__x.sql", "auth", "is not a minute that exists"),
        ("2026-01-05T09:00__auth__x.sql", "auth", "a name is"),
        ("2026-01-05T09__auth__x.sql", "auth", "a name is"),
        ("2026-1-5T0900__auth__x.sql", "auth", "a name is"),
        ("2026-01-05T0900_auth_x.sql", "auth", "a name is"),
        ("2026-01-05T0900__auth__.sql", "auth", "a name is"),
        ("2026-01-05T0900____x.sql", "auth", "a name is"),
        ("2026-01-05T0900__auth__create_users.sql", "auth", "a name is"),
        ("2026-01-05T0900__auth__Create.sql", "auth", "a name is"),
        ("2026-01-05T0900__Auth__create.sql", "Auth", "a name is"),
        ("2026-01-05T0900__auth__créer.sql", "auth", "a name is"),
        ("2026-01-05T0900__auth__x.SQL", "auth", "a name is"),
        ("2026-01-05T0900__auth__x.sql.bak", "auth", "a name is"),
        ("2026-01-05T0900__auth__x", "auth", "a name is"),
        ("2026-01-05T0900__auth__x.sql\n", "auth", "a name is"),
        (" 2026-01-05T0900__auth__x.sql", "auth", "a name is"),
        ("../2026-01-05T0900__auth__x.sql", "auth", "a name is"),
        ("", "auth", "a name is"),
        # Digits of other scripts are digits to a careless pattern, and sort elsewhere.
        ("\u0662\u0660\u0662\u0666-01-05T0900__auth__x.sql", "auth", "a name is"),
    ],
)
def test_a_name_is_explained(name: str, service: str, words: str | None) -> None:
    told = explain_bad_name(file(name, service))
    assert told is None if words is None else words in (told or ""), told


Names = tuple[str, ...]


@pytest.mark.parametrize(
    ("files", "rows", "pending", "applied"),
    [
        ((), (), (), ()),
        ((file(USERS),), (), (USERS,), ()),
        ((file(USERS),), (row(USERS),), (), (USERS,)),
        ((file(TITLE), file(USERS), file(CARDS)), (row(USERS),), (CARDS, TITLE), (USERS,)),
        # Merged late: it runs although a newer one has run.
        ((file(USERS), file(CARDS), file(TITLE)), (row(USERS), row(TITLE)), (CARDS,), (USERS, TITLE)),
    ],
)
def test_files_that_fit_the_ledger_pass(
    files: tuple[MigrationFile, ...], rows: tuple[LedgerRow, ...], pending: Names, applied: Names
) -> None:
    plan = plan_migrations(files, rows)
    assert (plan.verdict, plan.pending, plan.applied) == (PASSED, pending, applied)
    assert (plan.mismatched, plan.unexpected, plan.misnamed, plan.missing_from_bundle) == ((), (), (), None)
    assert plan.reason == (f"{len(pending)} pending" if pending else "nothing pending")


def test_a_checksum_changed_after_it_was_applied_fails() -> None:
    plan = plan_migrations((file(USERS), file(CARDS)), (row(USERS, OTHER), row(CARDS)))
    assert (plan.verdict, plan.mismatched, plan.applied, plan.pending) == (FAILED, (USERS,), (CARDS,), ())
    assert plan.reason == f"checksum changed after it was applied: {USERS}"
    assert plan_migrations((file(USERS),), (row(USERS, OTHER),), ledger_ahead_is_fine=True).verdict is FAILED


@pytest.mark.parametrize(("fine", "verdict"), [(False, FAILED), (True, PASSED)])
@pytest.mark.parametrize("files", [(file(USERS),), ()])
def test_a_ledger_ahead_is_drift_or_the_normal_state_after_a_rollback(
    fine: bool, verdict: Verdict, files: tuple[MigrationFile, ...]
) -> None:
    rows = (row(TITLE), row(CARDS), *(row(one.name) for one in files))
    plan = plan_migrations(files, rows, ledger_ahead_is_fine=fine)
    assert (plan.verdict, plan.unexpected) == (verdict, (CARDS, TITLE))
    assert ("applied on the target but not in this release" in plan.reason) is not fine


@pytest.mark.parametrize(
    ("files", "misnamed"),
    [
        ((file(USERS, "cards"),), (USERS,)),
        ((file(USERS), file("2026-02-30T0000__auth__x.sql")), ("2026-02-30T0000__auth__x.sql",)),
        ((file(USERS), file(USERS)), (USERS,)),
        ((file(USERS), file(USERS), file(USERS)), (USERS, USERS)),
    ],
)
def test_bad_and_double_names_fail(files: tuple[MigrationFile, ...], misnamed: Names) -> None:
    plan = plan_migrations(files, (row(USERS),), ledger_ahead_is_fine=True)
    assert (plan.verdict, plan.misnamed) == (FAILED, misnamed)
    assert "bad or double file names" in plan.reason


@pytest.mark.parametrize(
    ("bundle", "missing", "verdict"),
    [
        (None, None, PASSED),
        ((USERS, CARDS), (), PASSED),
        ((CARDS, USERS), (), PASSED),
        ((), (USERS, CARDS), FAILED),
        ((CARDS,), (USERS,), FAILED),
        ((USERS,), (CARDS,), FAILED),
    ],
)
def test_a_bundle_lacks_nothing(bundle: Names | None, missing: Names | None, verdict: Verdict) -> None:
    plan = plan_migrations((file(USERS), file(CARDS)), (row(USERS),), bundle)
    assert (plan.missing_from_bundle, plan.verdict) == (missing, verdict)


def test_an_empty_bundle_of_a_release_without_migrations_lacks_nothing() -> None:
    assert plan_migrations((), (), ()).verdict is PASSED


def test_a_bundle_with_no_migrations_is_told_clearly() -> None:
    plan = plan_migrations((file(USERS),), (row(USERS),), ())
    assert plan.verdict is FAILED
    told = "the migrator's bundle holds no migration, so that a deploy would be green and apply nothing; it lacks"
    assert plan.reason == f"{told}: {USERS}"


def test_a_longer_bundle_lacks_nothing_either() -> None:
    assert plan_migrations((file(USERS),), (), (USERS, CARDS)).missing_from_bundle == ()


def test_every_problem_is_told_at_once() -> None:
    files = (file(USERS), file(CARDS), file("x.sql"))
    plan = plan_migrations(files, (row(USERS, OTHER), row(TITLE)), (USERS,))
    assert plan.verdict is FAILED
    assert plan.reason == (
        f"bad or double file names: x.sql; checksum changed after it was applied: {USERS}; "
        f"applied on the target but not in this release: {TITLE}; "
        f"missing from the migrator's bundle: {CARDS}, x.sql"
    )


@pytest.mark.parametrize(
    ("trial", "verdict", "words"),
    [
        (TrialResult(applied=(USERS, CARDS), seconds=0.14), PASSED, "2 files applied to a throw-away database in 0.1"),
        (TrialResult(), PASSED, "0 files"),
        (TrialResult(basis="migrations alone: no luck"), PASSED, "in 0.0 s (migrations alone: no luck)"),
        (
            TrialResult(failed=CARDS, error="bad", failed_statement=FailedStatement(7, "alter\n  table")),
            FAILED,
            f"{CARDS} line 7, alter table: bad",
        ),
        (
            TrialResult(failed=CARDS, error="bad", failed_statement=FailedStatement(7, "x" * 300)),
            FAILED,
            f"{CARDS} line 7, {'x' * 200}...: bad",
        ),
        (TrialResult(applied=(USERS,), failed=CARDS, error="relation exists"), FAILED, f"{CARDS}: relation exists"),
        (TrialResult(failed=CARDS), FAILED, "failed without a message"),
        (TrialResult(unread="no server"), UNKNOWN, "no trial: no server"),
        (TrialResult(applied=(USERS,), unread="server went away"), UNKNOWN, "no trial: server went away"),
        (TrialResult(failed=CARDS, error="bad", unread="could not drop"), FAILED, f"{CARDS}: bad"),
    ],
)
def test_a_trial_is_judged(trial: TrialResult, verdict: Verdict, words: str) -> None:
    found, reason = judge_trial(trial)
    assert (found, words in reason) == (verdict, True), reason


@pytest.mark.parametrize(
    ("rows", "version"),
    [
        ((), None),
        ((row(USERS),), USERS),
        ((row(TITLE), row(USERS), row(CARDS)), TITLE),
    ],
)
def test_the_schema_is_named_by_its_newest_migration(rows: tuple[LedgerRow, ...], version: str | None) -> None:
    assert schema_version(rows) == version


@pytest.mark.parametrize(
    ("rows", "same"),
    [
        ((row(CARDS), row(USERS)), True),
        ((row(USERS),), False),
        ((row(USERS), row(CARDS, OTHER)), False),
        ((), False),
    ],
)
def test_a_ledger_is_digested_by_names_and_checksums(rows: tuple[LedgerRow, ...], same: bool) -> None:
    assert (digest_ledger(rows) == digest_ledger((row(USERS), row(CARDS)))) is same


@pytest.mark.parametrize(
    ("name", "told"),
    [(USERS, True), ("2026-01-05T0900__cards__x.SQL", False), ("x.sql", False), (f"{USERS}.bak", False), ("", False)],
)
def test_a_migration_is_known_by_its_name(name: str, told: bool) -> None:
    assert is_migration_name(name) is told
