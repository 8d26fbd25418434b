"""The whole plan: lint, ledger, migrator, trial and the target afterwards, each judged and put together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from namecard_release.domain.gates import Verdict
from namecard_release.domain.linting import Finding, Level
from namecard_release.domain.migrations import LedgerRow, TargetReading, TrialResult, plan_migrations
from namecard_release.domain.planning import (
    LINTED_FILES,
    build_plan,
    choose_linted,
    drop_known,
    explain_no_trial,
    find_refused,
    judge_findings,
    judge_ledger,
    judge_tried,
    judge_untouched,
    refuse_escapes,
)
from tests.domain.cases import CARDS, TITLE, USERS, file, phase, row

PASSED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN
FILES = (file(USERS), file(CARDS))
BEHIND = plan_migrations(FILES, (row(USERS),))
ALL_PENDING = plan_migrations(FILES, ())
DRIFT = plan_migrations(FILES, (row(TITLE),))


def finding(name: str, level: Level = Level.ERROR, rule: str = "delete-without-where") -> Finding:
    return Finding(file(name).path, 3, rule, level, "no where")


@pytest.mark.parametrize(
    ("findings", "known", "verdict", "words"),
    [
        ((), True, PASSED, "1 pending files are clean"),
        ((finding(CARDS),), True, FAILED, f"services/cards/migrations/{CARDS}:3: delete-without-where: no where"),
        ((finding(CARDS, Level.WARNING),), True, PASSED, "1 findings to look at"),
        ((finding(USERS),), True, PASSED, "1 findings to look at"),
        ((finding(USERS), finding(CARDS)), True, FAILED, CARDS),
        ((finding(CARDS),), False, UNKNOWN, "does not tell whether these are applied"),
        ((finding(CARDS, Level.WARNING),), False, PASSED, ""),
    ],
)
def test_only_errors_in_pending_files_count(
    findings: tuple[Finding, ...], known: bool, verdict: Verdict, words: str
) -> None:
    judged = judge_findings(findings, FILES, BEHIND, ledger_known=known)
    assert judged.verdict is verdict and words in judged.reason
    assert "create-users" not in judged.reason or verdict is PASSED


@pytest.mark.parametrize(
    ("findings", "known", "refused"),
    [
        ((finding(CARDS, rule="own-transaction"),), (), 1),
        ((finding(CARDS, rule="own-transaction"),), (CARDS,), 0),
        ((finding(CARDS, rule="own-transaction"), finding(USERS, rule="own-transaction")), (CARDS,), 1),
        ((finding(CARDS),), (), 0),
    ],
)
def test_escapes_are_refused_unless_known(findings: tuple[Finding, ...], known: tuple[str, ...], refused: int) -> None:
    assert len(find_refused(findings, FILES, known)) == refused


def test_only_the_escapes_of_known_files_are_left_out() -> None:
    known, other = finding(CARDS, rule="own-transaction"), finding(USERS, rule="own-transaction")
    assert drop_known((known, other, finding(CARDS)), FILES, (CARDS,)) == (other, finding(CARDS))


@pytest.mark.parametrize(
    ("sql", "chosen"),
    [
        ("alter table t add column committed text;", False),
        ("alter table t add column a text;\nCOMMIT;", True),
        ("do $$ begin null; end $$;", True),
        ("/* x */commit/* y */", True),
        ("\\connect other", True),
        ("call work();", True),
        ("start transaction", True),
        ("", False),
    ],
)
def test_of_many_files_those_are_linted_first_that_could_leave(sql: str, chosen: bool) -> None:
    one = replace(file(USERS), sql=sql)
    many = (one, *[replace(file(CARDS), sql="")] * LINTED_FILES)
    assert (one in choose_linted(many)) is chosen
    assert choose_linted(many[:LINTED_FILES]) == many[:LINTED_FILES]


def test_a_refusal_names_file_and_line() -> None:
    judged = refuse_escapes((finding(CARDS, rule="own-transaction"),))
    assert judged.verdict is FAILED and "before any connection, for it would leave the transaction" in judged.reason
    assert f"{CARDS}:3: no where" in judged.reason


READ, RUNNING = TargetReading((row(USERS),)), TargetReading((row(USERS),), migrator_running=True)


@pytest.mark.parametrize(
    ("plan", "target", "unread", "verdicts", "words"),
    [
        (BEHIND, READ, "", [PASSED], "1 pending"),
        (BEHIND, RUNNING, "", [PASSED, UNKNOWN], "a migrator run is in progress"),
        (ALL_PENDING, None, "", [PASSED], "against an empty ledger: no target was named"),
        (ALL_PENDING, None, "timed out", [UNKNOWN], "the target's ledger was not read: timed out"),
        (DRIFT, READ, "", [FAILED], "applied on the target but not in this release"),
        (DRIFT, RUNNING, "", [FAILED, UNKNOWN], "applied on the target"),
        # What is wrong without any ledger stays wrong when it was not read.
        (plan_migrations(FILES, (), ()), None, "timed out", [FAILED], "bundle holds no migration"),
    ],
)
def test_the_ledger_is_judged(
    plan: object, target: TargetReading | None, unread: str, verdicts: list[Verdict], words: str
) -> None:
    phases = judge_ledger(plan, target, unread)  # type: ignore[arg-type]
    assert [one.verdict for one in phases] == verdicts
    assert words in "; ".join(one.reason for one in phases)


@pytest.mark.parametrize(
    ("plan", "target", "escapes", "missing", "why"),
    [
        (BEHIND, READ, (), None, None),
        (BEHIND, None, (), None, None),
        (BEHIND, READ, (), "no server", "no server"),
        (BEHIND, RUNNING, (), None, "a migrator run is in progress on the target"),
        (DRIFT, READ, (), None, "the files do not fit the ledger or the bundle"),
        (BEHIND, READ, (finding(CARDS),), None, "a pending file would leave the transaction"),
    ],
)
def test_what_stands_against_a_trial(
    plan: object, target: TargetReading | None, escapes: tuple[Finding, ...], missing: str | None, why: str | None
) -> None:
    assert explain_no_trial(plan, target, escapes, missing) == why  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "running", "digest", "verdict"),
    [
        ((row(USERS),), False, "abc", PASSED),
        ((row(USERS), row(CARDS)), False, "abc", UNKNOWN),
        ((row(USERS),), True, "abc", UNKNOWN),
        ((row(USERS),), False, "other", UNKNOWN),
    ],
)
def test_a_target_that_moved_is_planned_again(
    rows: tuple[LedgerRow, ...], running: bool, digest: str, verdict: Verdict
) -> None:
    before = TargetReading((row(USERS),), False, "abc")
    assert judge_untouched(before, TargetReading(rows, running, digest), "").verdict is verdict


def test_a_target_that_is_gone_afterwards_is_unknown() -> None:
    judged = judge_untouched(READ, None, "timed out")
    assert judged.verdict is UNKNOWN and "timed out" in judged.reason


@pytest.mark.parametrize(
    ("trial", "verdicts"),
    [
        (None, []),
        (TrialResult((CARDS,), seconds=2.0), [PASSED]),
        (TrialResult(failed=CARDS), [FAILED]),
        (TrialResult(unread="no server"), [UNKNOWN]),
    ],
)
def test_a_trial_is_a_phase_where_one_was_needed(trial: TrialResult | None, verdicts: list[Verdict]) -> None:
    assert [one.verdict for one in judge_tried(trial)] == verdicts


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [((PASSED, PASSED), PASSED), ((PASSED, UNKNOWN), UNKNOWN), ((UNKNOWN, FAILED), FAILED), ((), UNKNOWN)],
)
def test_a_plan_is_as_good_as_its_worst_phase(verdicts: tuple[Verdict, ...], whole: Verdict) -> None:
    made = build_plan([phase(f"p{n}", verdict) for n, verdict in enumerate(verdicts)], BEHIND)
    assert made.verdict is whole
    if whole is PASSED:
        assert made.reason == "because; because"
