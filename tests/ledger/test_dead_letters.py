"""The journal of dead letters, on both databases: claims, settling, presuming, recalling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from namecard_release.domain.dead_letter_plans import JournalEntry, JournalState
from namecard_release.domain.dead_letters import BodyFormat, DeadLetter, replay_key
from namecard_release.ledger.sql_ledger import SqlLedger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LETTER = DeadLetter("m-1", "{}", BodyFormat.RAW, "{}", "digest", NOW, request_id="r-1", carries_mark=True)
ENTRY = JournalEntry(
    *("dev", "m-1", replay_key("dev", LETTER), "digest", "auth", "auth-fn", "r-1", "TypeError", "why"),
    *(JournalState.INTENDED, "object", 1, True),
    sent_at=NOW,
    intended_at=NOW,
    settled_at=None,
    run_id="run",
)


def test_an_entry_is_read_as_it_was_written(ledger: SqlLedger) -> None:
    assert ledger.intend([ENTRY]) == {"m-1"}
    assert ledger.entries("dev") == (ENTRY,)
    assert ledger.entries("prod") == ()


def test_what_may_be_tried_again_is_claimed_by_the_next_run(ledger: SqlLedger) -> None:
    ledger.intend([ENTRY])
    again = replace(ENTRY, run_id="later", archive="another", intended_at=NOW + timedelta(minutes=5))
    assert ledger.intend([again]) == {"m-1"}
    assert ledger.entries("dev") == (again,)


@pytest.mark.parametrize("state", [JournalState.SENT, JournalState.FILED, JournalState.QUARANTINED])
def test_what_was_dealt_with_is_nobodys_again(ledger: SqlLedger, state: JournalState) -> None:
    done = replace(ENTRY, state=state)
    ledger.intend([done])
    other = replace(ENTRY, message_id="m-2")
    assert ledger.intend([replace(ENTRY, run_id="later"), other]) == {"m-2"}
    assert done in ledger.entries("dev")


def test_nothing_is_intended_for_nothing(ledger: SqlLedger) -> None:
    assert ledger.intend([]) == frozenset()
    ledger.settle("dev", [], NOW)


def test_a_settled_replay_is_sent(ledger: SqlLedger) -> None:
    ledger.intend([ENTRY, replace(ENTRY, message_id="m-2"), replace(ENTRY, message_id="m-1", environment="prod")])
    ledger.settle("dev", ["m-1"], NOW)
    states = {one.message_id: (one.state, one.settled_at) for one in ledger.entries("dev")}
    assert states == {"m-1": (JournalState.SENT, NOW), "m-2": (JournalState.INTENDED, None)}
    assert ledger.entries("prod")[0].state is JournalState.INTENDED


def test_only_the_old_that_cannot_have_expired_are_presumed_sent(ledger: SqlLedger) -> None:
    minute = timedelta(minutes=1)
    entries = [
        replace(ENTRY, message_id="old", intended_at=NOW - 10 * minute),
        replace(ENTRY, message_id="young", intended_at=NOW),
        replace(ENTRY, message_id="expired", intended_at=NOW - 10 * minute, sent_at=NOW - timedelta(days=9)),
        replace(ENTRY, message_id="filed", intended_at=NOW - 10 * minute, state=JournalState.FILED),
    ]
    ledger.intend(entries)
    assert ledger.presume("dev", NOW - 5 * minute, NOW - timedelta(days=7), NOW) == 1
    assert [one.message_id for one in ledger.entries("dev", state="PRESUMED_SENT")] == ["old"]


def test_a_letter_is_recalled_by_id_by_key_and_by_content(ledger: SqlLedger) -> None:
    bare = replace(LETTER, message_id="m-9", request_id="r-9", carries_mark=False)
    ledger.intend([ENTRY, replace(ENTRY, message_id="m-2", carried=False, replay_key="nr-other")])
    known = ledger.recall("dev", [LETTER, replace(LETTER, message_id="m-3"), bare, replace(LETTER, request_id="x")])
    assert known["m-1"].own == ENTRY
    assert known["m-3"].own is None and [one.message_id for one in known["m-3"].kin] == ["m-1"]
    assert "m-2" in {one.message_id for one in known["m-9"].kin}
    assert ledger.recall("prod", [LETTER]) == {}


@pytest.mark.parametrize("carried", [True, False])
def test_no_letter_makes_the_whole_journal_be_looked_through(ledger: SqlLedger, carried: bool) -> None:
    searches = _searches_of(ledger, lambda: ledger.recall("dev", [replace(LETTER, carries_mark=carried)]))
    sought = {"message_id", "replay_key"} | (set() if carried else {"digest"})
    assert sought == {name for name in ("message_id", "replay_key", "digest") if any(name in one for one in searches)}
    assert all("environment" in one and any(name in one for name in sought) for one in searches), searches


def test_no_entry_makes_the_whole_journal_be_looked_through(ledger: SqlLedger) -> None:
    searches = _searches_of(ledger, lambda: ledger.entries("dev", key="m-1"))
    assert len(searches) == 3
    assert all("message_id" in one or "replay_key" in one for one in searches), searches


def _searches_of(ledger: SqlLedger, call: Callable[[], object]) -> list[str]:
    """Give how the database finds the rows of what a call asks: a line for each index or table that it looks into."""
    asked: list[tuple[str, Any]] = []
    ledger.intend([replace(ENTRY, message_id=f"f-{n}", replay_key=f"nr-f{n}", digest=f"f{n}") for n in range(3000)])
    ledger.intend(
        [replace(ENTRY, message_id=f"b-{n}", replay_key=f"nr-b{n}", digest=f"b{n}", carried=False) for n in range(3000)]
    )

    def note(_c: object, _u: object, statement: str, words: Any, *_: object) -> None:
        asked.append((statement, words))

    event.listen(ledger._engine, "before_cursor_execute", note)
    call()
    event.remove(ledger._engine, "before_cursor_execute", note)
    statement, words = next(one for one in asked if one[0].lower().lstrip().startswith("select"))
    postgresql = ledger._engine.dialect.name == "postgresql"
    with ledger._engine.connect() as connection:
        # PostgreSQL gathers figures of its tables by itself, in a while; nobody does so for a ledger on SQLite.
        connection.exec_driver_sql("analyze" if postgresql else "select 1")
        explained = "explain " if postgresql else "explain query plan "
        lines = [str(row[-1]) for row in connection.exec_driver_sql(explained + statement, words)]
    shown = ("Index Cond", "Seq Scan") if postgresql else ("dead_letters",)
    return [line for line in lines if any(one in line for one in shown)]


def test_entries_are_found_by_key_message_and_state(ledger: SqlLedger) -> None:
    ledger.intend([ENTRY, replace(ENTRY, message_id="m-2", replay_key="nr-2", state=JournalState.FILED)])
    assert [one.message_id for one in ledger.entries("dev", key="nr-2")] == ["m-2"]
    assert [one.message_id for one in ledger.entries("dev", key="m-1")] == ["m-1"]
    assert [one.message_id for one in ledger.entries("dev", state="FILED")] == ["m-2"]
    assert len(ledger.entries("dev", limit=1)) == 1
