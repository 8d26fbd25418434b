"""When something was last seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from namecard_release.ledger.sql_ledger import SqlLedger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_the_last_heartbeat_counts_and_each_name_has_its_own(ledger: SqlLedger) -> None:
    assert ledger.last_beat("alarm sensor") is None
    ledger.beat("alarm sensor", NOW)
    ledger.beat("other", NOW - timedelta(days=1))
    ledger.beat("alarm sensor", NOW + timedelta(seconds=10))
    assert ledger.last_beat("alarm sensor") == NOW + timedelta(seconds=10)
    assert ledger.last_beat("other") == NOW - timedelta(days=1)
    ledger.forget_beat("other")
    ledger.forget_beat("never seen")
    assert ledger.last_beat("other") is None and ledger.last_beat("alarm sensor") is not None
