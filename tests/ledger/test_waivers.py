"""Waivers kept whole, found by release, and revoked without being lost."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from namecard_release.domain.waivers import Waiver
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.sql_ledger import SqlLedger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RELEASE = "a" * 40
PLAIN = Waiver("quality", RELEASE, None, "ada", "known flake", NOW, NOW + timedelta(hours=2))
FULL: dict[str, Any] = {
    "gate": "launch_readiness",
    "release": "b" * 40,
    "environment": "prod",
    "actor": "Ada Lovelace <ada@example.org>",
    "reason": "two\nlines, ünd 'quotes'; drop table waivers; 🚀",
    "since": NOW - timedelta(microseconds=1),
    "expires_at": NOW + timedelta(days=7),
    "revoked_at": NOW + timedelta(hours=1),
    "revoked_by": "bob",
}


def test_the_table_of_fields_is_whole() -> None:
    assert FULL.keys() == {field.name for field in fields(Waiver)} - {"id"}


@pytest.mark.parametrize(
    "waiver",
    [PLAIN, *(replace(PLAIN, **{name: value}) for name, value in FULL.items()), Waiver(**FULL)],
    ids=["plain", *FULL, "full"],
)
def test_every_field_comes_back(ledger: SqlLedger, url: str, waiver: Waiver) -> None:
    kept = ledger.waive(waiver)
    assert (kept, kept.id) == (waiver, 1)
    again = open_ledger(url)
    assert again.waivers(waiver.release) == (waiver,)
    again.close()


def test_waivers_are_listed_newest_first_and_by_release(ledger: SqlLedger) -> None:
    for release in (RELEASE, "b" * 40, RELEASE):
        ledger.waive(replace(PLAIN, release=release))
    assert [w.id for w in ledger.waivers()] == [3, 2, 1]
    assert [w.id for w in ledger.waivers(RELEASE)] == [3, 1]
    assert ledger.waivers("c" * 40) == ()


def test_revoking_ends_what_is_in_force_there_and_nothing_else(ledger: SqlLedger) -> None:
    own = [ledger.waive(PLAIN), ledger.waive(replace(PLAIN, expires_at=NOW + timedelta(days=1)))]
    others = [
        replace(PLAIN, environment="staging"),
        replace(PLAIN, gate="launch_readiness"),
        replace(PLAIN, release="b" * 40),
        replace(PLAIN, expires_at=NOW + timedelta(minutes=1)),
        replace(PLAIN, revoked_at=NOW, revoked_by="cy"),
    ]
    for other in others:
        ledger.waive(other)
    at = NOW + timedelta(hours=1)
    revoked = ledger.revoke_waivers("quality", RELEASE, None, "bob", at)
    assert sorted(w.id or 0 for w in revoked) == [w.id for w in own]
    assert {(w.revoked_at, w.revoked_by) for w in revoked} == {(at, "bob")}
    kept = [w for w in reversed(ledger.waivers()) if w.id not in [o.id for o in own]]
    assert kept == others
    assert ledger.revoke_waivers("quality", RELEASE, None, "bob", at) == ()
    assert len(ledger.revoke_waivers("quality", RELEASE, "staging", "bob", at)) == 1
