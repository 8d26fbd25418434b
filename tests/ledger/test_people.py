"""Approvals and pauses kept whole, found, and ended without being lost."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from namecard_release.domain.approvals import Approval
from namecard_release.domain.pauses import Pause
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.sql_ledger import SqlLedger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
A = "a" * 40
APPROVAL = Approval("prod", A, "ada", "fine", NOW, NOW + timedelta(hours=24))
PAUSE = Pause("prod", "an audit", "ada", NOW)
FULL_APPROVAL: dict[str, Any] = {
    "environment": "staging",
    "release": "b" * 40,
    "actor": "Ada Lovelace <ada@example.org>",
    "reason": "two\nlines, ünd 'quotes'; 🚀",
    "at": NOW - timedelta(microseconds=1),
    "expires_at": NOW + timedelta(days=7),
    "revoked_at": LATER,
    "revoked_by": "bob",
}
FULL_PAUSE: dict[str, Any] = {
    "environment": "staging",
    "reason": "ünd\n🚀",
    "actor": "Ada <ada@example.org>",
    "since": NOW - timedelta(microseconds=1),
    "until": LATER,
}


def test_the_tables_of_fields_are_whole() -> None:
    assert FULL_APPROVAL.keys() == {field.name for field in fields(Approval)} - {"id"}
    assert FULL_PAUSE.keys() == {field.name for field in fields(Pause)} - {"id", "ended_at", "ended_by"}


@pytest.mark.parametrize(
    "approval",
    [APPROVAL, *(replace(APPROVAL, **{n: v}) for n, v in FULL_APPROVAL.items()), Approval(**FULL_APPROVAL)],
    ids=["plain", *FULL_APPROVAL, "full"],
)
def test_every_field_of_an_approval_comes_back(ledger: SqlLedger, url: str, approval: Approval) -> None:
    kept = ledger.approve(approval)
    assert (kept, kept.id) == (approval, 1)
    again = open_ledger(url)
    assert again.approvals(approval.environment, approval.release) == (approval,)
    again.close()


@pytest.mark.parametrize(
    "pause",
    [PAUSE, *(replace(PAUSE, **{n: v}) for n, v in FULL_PAUSE.items()), Pause(**FULL_PAUSE)],
    ids=["plain", *FULL_PAUSE, "full"],
)
def test_every_field_of_a_pause_comes_back(ledger: SqlLedger, url: str, pause: Pause) -> None:
    kept = ledger.pause(pause)
    assert (kept, kept.id) == (pause, 1)
    again = open_ledger(url)
    assert again.pauses(pause.environment) == (pause,)
    again.close()


def test_approvals_are_found_by_environment_and_release(ledger: SqlLedger) -> None:
    for environment, release in (("prod", A), ("prod", "b" * 40), ("dev", A)):
        ledger.approve(replace(APPROVAL, environment=environment, release=release))
    assert [one.id for one in ledger.approvals()] == [3, 2, 1]
    assert [one.id for one in ledger.approvals("prod")] == [2, 1]
    assert [one.id for one in ledger.approvals("prod", A)] == [1]


def test_revoking_ends_one_persons_approvals_in_force_there_and_nothing_else(ledger: SqlLedger) -> None:
    own = [ledger.approve(APPROVAL), ledger.approve(replace(APPROVAL, actor=" ADA"))]
    others = [
        replace(APPROVAL, actor="bob"),
        replace(APPROVAL, environment="dev"),
        replace(APPROVAL, release="b" * 40),
        replace(APPROVAL, expires_at=NOW + timedelta(minutes=1)),
        replace(APPROVAL, revoked_at=NOW, revoked_by="cy"),
    ]
    for other in others:
        ledger.approve(other)
    revoked = ledger.revoke_approvals("prod", A, "Ada", "eve", "found a fault", LATER)
    assert sorted(one.id or 0 for one in revoked) == [one.id for one in own]
    assert {(one.revoked_at, one.revoked_by) for one in revoked} == {(LATER, "eve")}
    kept = [one for one in reversed(ledger.approvals()) if one.id not in [o.id for o in own]]
    assert kept == others
    assert ledger.revoke_approvals("prod", A, "ada", "eve", "again", LATER) == ()


def test_a_pause_takes_the_place_of_the_one_before_and_is_ended_by_name(ledger: SqlLedger) -> None:
    ledger.pause(PAUSE)
    ledger.pause(replace(PAUSE, environment="dev"))
    longer = ledger.pause(replace(PAUSE, reason="longer", since=LATER))
    assert ledger.pauses("prod") == (longer,)
    assert ledger.resume("prod", "bob", "done", LATER)
    assert not ledger.resume("prod", "bob", "done", LATER)
    assert [one.environment for one in ledger.pauses()] == ["dev"]


def test_a_pause_whose_time_has_passed_is_not_there_to_be_resumed(ledger: SqlLedger) -> None:
    ledger.pause(replace(PAUSE, until=LATER))
    assert not ledger.resume("prod", "bob", "done", LATER)
