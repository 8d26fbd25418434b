"""The audit trail in both databases: it grows with each decision, and only grows, and what was done to it is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from namecard_release.domain.approvals import Approval
from namecard_release.domain.audit import START, AuditEntry, AuditEvent
from namecard_release.domain.gates import Verdict
from namecard_release.domain.pauses import Pause
from namecard_release.domain.promotion import Hold, Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action, Decision
from namecard_release.domain.waivers import Waiver
from namecard_release.errors import PermanentError, RefusedError
from namecard_release.ledger.sql_ledger import SqlLedger

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
A = "a" * 40
P = PromotionPhase
PROMOTION = Promotion("p-1", "staging", A, PromotionKind.PROMOTION, P.REQUESTED, "ada", "wanted", NOW, NOW, "run-1")
_BUT_N = "at, actor, action, subject, environment, reason, details, previous, hash"
HOLD = Hold("staging", A, "rolled back: ünd 'so'", "bob", NOW)


def _resume(ledger: SqlLedger) -> None:
    ledger.move("p-1", P.HELD, LATER, "unread", by="automation")
    ledger.move("p-1", P.REQUESTED, LATER, "resumed by eve", by="eve", run_id="run-2")


def _override(ledger: SqlLedger) -> None:
    ledger.move("p-1", P.REQUESTED, LATER, freeze_override="outage")


def _accept(ledger: SqlLedger) -> None:
    event = AuditEvent(LATER, "ada", "schema risk accepted", "p-1", "staging", "known")
    ledger.move("p-1", P.GATED, LATER, "no gates", events=(event,))


def _waive(ledger: SqlLedger) -> None:
    ledger.waive(Waiver("quality", A, None, "ada", "flake", NOW, LATER))
    ledger.revoke_waivers("quality", A, None, "bob", NOW)


def _approve(ledger: SqlLedger) -> None:
    ledger.approve(Approval("staging", A, "cy", "fine", NOW, LATER))
    ledger.revoke_approvals("staging", A, "CY", "bob", "no", NOW)


def _pause(ledger: SqlLedger) -> None:
    ledger.pause(Pause("staging", "audit", "ada", NOW))
    ledger.resume("staging", "bob", "done", LATER)


def _hold(ledger: SqlLedger) -> None:
    ledger.hold(HOLD)
    ledger.hold(replace(HOLD, reason="again"))
    ledger.release_hold("staging", A, "ada", LATER, "fixed")
    ledger.release_hold("staging", A, "ada", LATER, "fixed")


@pytest.mark.parametrize(
    ("do", "told"),
    [
        (lambda ledger: None, []),
        (lambda ledger: ledger.open_promotion(PROMOTION), []),
        (lambda ledger: ledger.move("p-1", P.GATED, LATER, "passed"), []),
        (lambda ledger: ledger.move("p-1", P.FAILED, LATER, "lint"), [("ada", "promotion FAILED", "lint")]),
        (_resume, [("automation", "promotion HELD", "unread"), ("eve", "promotion resumed", "resumed by eve")]),
        (
            lambda ledger: ledger.move("p-1", P.REQUESTED, LATER, "w", by="automation", waiting="1 of 2"),
            [("automation", "promotion waits", "1 of 2")],
        ),
        (_override, [("ada", "promotion freeze overridden", "outage")]),
        (_accept, [("ada", "schema risk accepted", "known")]),
        (
            lambda ledger: [ledger.record_decision("p-1", Decision(Action.HALT, why), NOW) for why in ("first", "no")],
            [("automation", "decided HALT", "first")],
        ),
        (_hold, [("bob", "hold placed", HOLD.reason), ("ada", "hold released", "fixed")]),
        (_waive, [("ada", "gate waived", "flake"), ("bob", "waiver revoked", "")]),
        (_approve, [("cy", "approved", "fine"), ("bob", "approval revoked", "no")]),
        (_pause, [("ada", "automation paused", "audit"), ("bob", "automation resumed", "done")]),
        (lambda ledger: ledger.resume("staging", "bob", "", LATER), []),
    ],
)
def test_each_decision_is_told_once(
    ledger: SqlLedger, do: Callable[[SqlLedger], object], told: list[tuple[str, str, str]]
) -> None:
    ledger.open_promotion(PROMOTION)
    do(ledger)
    found = [(e.actor, e.action, e.reason) for e in reversed(ledger.audit_entries())]
    assert found == [("ada", "promotion requested", "wanted"), *told]
    assert ledger.verify_audit().verdict is Verdict.PASSED


def test_a_refused_change_tells_nothing(ledger: SqlLedger) -> None:
    ledger.open_promotion(replace(PROMOTION, phase=P.ROLLED_BACK))
    with pytest.raises(RefusedError):
        ledger.move("p-1", P.SUCCEEDED, LATER)
    assert len(ledger.audit_entries()) == 1


def _fill(ledger: SqlLedger) -> None:
    ledger.open_promotion(PROMOTION)
    ledger.hold(HOLD)
    ledger.waive(Waiver("quality", A, None, "ada", "flake", NOW, LATER))
    ledger.move("p-1", P.FAILED, LATER, "lint")


def test_entries_are_listed_newest_first_and_by_environment(ledger: SqlLedger) -> None:
    _fill(ledger)
    assert [e.n for e in ledger.audit_entries()] == [4, 3, 2, 1]
    assert [e.n for e in ledger.audit_entries("staging", 2)] == [4, 2]
    assert ledger.audit_entries("prod") == ()
    first = ledger.audit_entries()[-1]
    assert (first.at, first.previous) == ("2026-03-02T09:00:00.123456+00:00", START)
    assert json.loads(first.details) == {"release": A, "run": "run-1"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET reason = 'x' WHERE n = 2",
        "UPDATE audit SET n = 9 WHERE n = 4",
        "DELETE FROM audit WHERE n = 4",
        "DELETE FROM audit",
        "INSERT INTO audit SELECT * FROM audit WHERE n = 2",
    ],
)
def test_the_database_itself_refuses_all_but_growth(ledger: SqlLedger, statement: str) -> None:
    _fill(ledger)
    with pytest.raises(PermanentError), ledger.writing() as connection:
        connection.execute(text(statement))
    told = ledger.verify_audit()
    assert (told.verdict, told.entries) == (Verdict.PASSED, 4)


def test_sqlite_replaces_and_postgresql_truncates_nothing(ledger: SqlLedger) -> None:
    _fill(ledger)
    sqlite = ledger._engine.dialect.name == "sqlite"
    columns = ", ".join(field.name for field in fields(AuditEntry))
    replacing = f"INSERT OR REPLACE INTO audit ({columns}) SELECT {columns} FROM audit WHERE n = 2"
    with pytest.raises(PermanentError, match="append-only"), ledger.writing() as connection:
        connection.execute(text(replacing if sqlite else "TRUNCATE audit"))
    assert ledger.verify_audit().verdict is Verdict.PASSED


def _tamper(ledger: SqlLedger, *statements: str, **values: Any) -> None:
    """Change the trail as somebody with the database's password could."""
    with ledger.writing() as connection:
        if connection.dialect.name == "sqlite":
            for name in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_no_change"))
        for statement in statements:
            connection.execute(text(statement), values)


@pytest.mark.parametrize("name", [field.name for field in fields(AuditEntry)])
def test_a_change_of_any_column_of_a_middle_entry_is_found(ledger: SqlLedger, name: str) -> None:
    _fill(ledger)
    (row,) = [entry for entry in ledger.audit_entries() if entry.n == 2]
    old = getattr(row, name)
    new = 77 if name == "n" else old[:-1] + chr(ord(old[-1]) ^ 1)
    _tamper(ledger, f"UPDATE audit SET {name} = :new WHERE n = 2", new=new)
    told = ledger.verify_audit()
    assert (told.verdict, told.first_bad) == (Verdict.FAILED, 2)


@pytest.mark.parametrize(
    ("statements", "first_bad"),
    [
        (["DELETE FROM audit WHERE n = 2"], 2),
        (["DELETE FROM audit WHERE n = 4"], 4),
        (["DELETE FROM audit"], 1),
        (["UPDATE audit SET environment = NULL WHERE n = 2"], 2),
        ([f"UPDATE audit SET n = {new} WHERE n = {old}" for old, new in ((2, 99), (3, 2), (99, 3))], 2),
        ([f"INSERT INTO audit SELECT 5, {_BUT_N} FROM audit WHERE n = 4"], 5),
        (["UPDATE audit_head SET n = 3"], 4),
        (["UPDATE audit_head SET hash = 'x'"], 4),
        (["DELETE FROM audit_head"], 5),
        # The last entry and its note both: the promotion's own end still knows it.
        (
            [
                "DELETE FROM audit WHERE n = 4",
                "UPDATE audit_head SET n = 3, hash = (SELECT hash FROM audit WHERE n = 3)",
            ],
            None,
        ),
    ],
)
def test_what_was_done_to_the_trail_is_found(ledger: SqlLedger, statements: list[str], first_bad: int | None) -> None:
    _fill(ledger)
    _tamper(ledger, *statements)
    told = ledger.verify_audit()
    assert (told.verdict, told.first_bad) == (Verdict.FAILED, first_bad)


def test_text_that_is_no_text_is_found_in_sqlite(ledger: SqlLedger) -> None:
    if ledger._engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL takes nothing but UTF-8")
    _fill(ledger)
    _tamper(ledger, "UPDATE audit SET reason = CAST(x'ff' AS TEXT) WHERE n = 3")
    assert ledger.verify_audit().first_bad == 3


def test_a_head_kept_elsewhere_is_asked_for(ledger: SqlLedger) -> None:
    _fill(ledger)
    head = ledger.verify_audit().head
    ledger.release_hold("staging", A, "ada", LATER)
    assert ledger.verify_audit(head).verdict is Verdict.PASSED
    assert ledger.verify_audit("f" * 64).verdict is Verdict.FAILED


def test_nothing_is_decided_off_the_record(ledger: SqlLedger) -> None:
    _tamper(ledger, "DELETE FROM audit_head")
    with pytest.raises(PermanentError, match="audit verify"):
        ledger.hold(HOLD)
    assert ledger.holds() == ()


def test_threads_that_write_at_once_make_one_chain(ledger: SqlLedger) -> None:
    start = Barrier(8)

    def write(number: int) -> None:
        start.wait(timeout=30)
        for turn in range(5):
            ledger.hold(replace(HOLD, release=f"{number}-{turn}"))
            ledger.open_promotion(replace(PROMOTION, id=f"p-{turn}"))
            ledger.move(f"p-{turn}", P.FAILED if number % 2 else P.HELD, NOW, "why")
            ledger.move(f"p-{turn}", P.REQUESTED if number % 2 else P.HELD, NOW, "again")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_patient(write), range(8)))
    entries = ledger.audit_entries()
    assert [e.n for e in reversed(entries)] == list(range(1, len(entries) + 1))
    assert ledger.verify_audit().verdict is Verdict.PASSED


def _patient(write: Callable[[int], None]) -> Callable[[int], None]:
    def _write(number: int) -> None:
        try:
            write(number)
        except RefusedError:
            # Another one's move came first; the trail must be whole all the same.
            return

    return _write


def test_processes_that_write_at_once_make_one_chain(ledger: SqlLedger, url: str, race: Any) -> None:
    race(url, [("audit", str(number)) for number in range(4)])
    entries = ledger.audit_entries()
    assert [e.n for e in reversed(entries)] == list(range(1, 41))
    told = ledger.verify_audit()
    assert (told.verdict, told.entries) == (Verdict.PASSED, 40)
