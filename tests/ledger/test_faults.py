"""Faults between us and the ledger's database, and a target's: retried when nothing was kept, else read back."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event, make_url, text

from namecard_release.adapters.target_database import PostgresTarget
from namecard_release.domain.promotion import Hold, Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action, Decision
from namecard_release.errors import PermanentError, ReleaseError, TransientError
from namecard_release.ledger import keeping
from namecard_release.ledger import store as transactions
from namecard_release.ledger.keeping import OutcomeUnknownError
from namecard_release.ledger.open import make_engine, open_ledger
from namecard_release.ledger.sql_ledger import SqlLedger
from namecard_release.time_limits import within
from tests.faults.tcp_proxy import Harm, Tap, tap_before
from tests.ledger.conftest import _new_database

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_HOLD = Hold("staging", "a" * 40, "why", "ada", NOW)
_DECISION = Decision(Action.ROLL_BACK, "in ALARM", "b" * 40)


def _promotion(id_: str) -> Promotion:
    return Promotion(
        id=id_,
        environment="staging",
        release="a" * 40,
        kind=PromotionKind.PROMOTION,
        phase=PromotionPhase.REQUESTED,
        actor="ada",
        reason="why",
        requested_at=NOW,
        updated_at=NOW,
    )


@pytest.fixture(scope="module")
def tap(server: str) -> Iterator[Tap]:
    with tap_before(make_url(server).port or 5432) as tap:
        yield tap


@pytest.fixture
def ledger(server: str, migrated_database: str, tap: Tap) -> Iterator[SqlLedger]:
    """A ledger whose database is reached through the proxy, with a promotion in it."""
    tap.heal()
    url = make_url(_new_database(server, migrated_database)).set(host="127.0.0.1", port=tap.port)
    made = SqlLedger(make_engine(url.render_as_string(hide_password=False)), lambda: NOW)
    made.open_promotion(_promotion("p"))
    yield made
    tap.heal()
    made.close()


# What is written, and what tells that it is there, once.
WRITES: dict[str, tuple[Callable[[SqlLedger], object], Callable[[SqlLedger], int]]] = {
    "decision": (lambda to: to.record_decision("p", _DECISION, NOW), lambda to: int(to.decision("p") == _DECISION)),
    "move": (
        lambda to: to.move("p", PromotionPhase.GATED, NOW, "gates passed").phase,
        lambda to: [phase for _, phase, _ in to.moves("p")].count(PromotionPhase.GATED),
    ),
    "hold": (lambda to: to.hold(_HOLD), lambda to: len(to.holds("staging"))),
    "lease": (lambda to: to.take_lease("staging", "p", 30).token, lambda to: 1),
    "beat": (lambda to: to.beat("sensor", NOW), lambda to: int(to.last_beat("sensor") == NOW)),
}
_RESULTS = {"decision": True, "move": PromotionPhase.GATED, "hold": True, "lease": 1, "beat": None}
_POINTS = {
    "connecting": (Harm.REFUSED, b""),
    "reading": (Harm.RESET_BEFORE, b"SELECT"),
    "committing, not done": (Harm.RESET_BEFORE, b"COMMIT"),
    "committing, done": (Harm.RESET_AFTER, b"COMMIT"),
    "slow": (Harm.SLOW, b"COMMIT"),
}


@pytest.mark.parametrize("point", _POINTS)
@pytest.mark.parametrize("what", WRITES)
def test_a_write_that_meets_a_fault_is_kept_exactly_once(ledger: SqlLedger, tap: Tap, what: str, point: str) -> None:
    write, count = WRITES[what]
    if point == "connecting":
        ledger.close()
    tap.plan(*_POINTS[point], times=1)
    assert write(ledger) == _RESULTS[what]
    assert count(ledger) == 1
    assert ledger.verify_audit().verdict == "PASSED"


@pytest.mark.parametrize("what", WRITES)
def test_a_write_without_an_end_is_told_in_time_and_kept_once_when_it_is_repeated(
    ledger: SqlLedger, tap: Tap, what: str
) -> None:
    write, count = WRITES[what]
    tap.plan(Harm.SILENT, b"COMMIT")
    started = time.monotonic()
    with within(0.4), pytest.raises(TransientError) as caught:
        write(ledger)
    assert time.monotonic() - started < 5
    assert len(str(caught.value).splitlines()) <= 2
    tap.heal()
    write(ledger)
    assert count(ledger) == 1


def test_a_commit_whose_end_cannot_be_read_back_is_not_repeated(
    ledger: SqlLedger, tap: Tap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "READ_BACK_SECONDS", 0.1)
    monkeypatch.setattr(SqlLedger, "_ask_status", lambda *_: None)
    tap.plan(Harm.RESET_AFTER, b"COMMIT", times=1)
    with pytest.raises(OutcomeUnknownError, match="not known whether"):
        ledger.hold(_HOLD)
    assert tap.met == 1 and len(ledger.holds("staging")) == 1


def test_a_transaction_whose_client_is_gone_keeps_its_locks_for_a_time_only(ledger: SqlLedger) -> None:
    with ledger.reading() as connection:
        assert connection.execute(text("show idle_in_transaction_session_timeout")).scalar() == "30s"


def test_a_database_that_stays_away_is_told(ledger: SqlLedger, tap: Tap) -> None:
    ledger.close()
    tap.plan(Harm.REFUSED)
    started = time.monotonic()
    with pytest.raises(TransientError, match="the ledger does not answer"):
        ledger.history()
    assert 2 < time.monotonic() - started < 15
    assert tap.met >= 5


@pytest.mark.parametrize(
    ("harm", "word"), [(Harm.REFUSED, b""), (Harm.RESET_BEFORE, b"select"), (Harm.SILENT, b"select")]
)
def test_a_target_that_is_not_read_is_told_in_time(server: str, tap: Tap, harm: Harm, word: bytes) -> None:
    url = make_url(server).set(drivername="postgresql", host="127.0.0.1", port=tap.port)
    target = PostgresTarget(url.render_as_string(hide_password=False))
    tap.plan(harm, word)
    for ask in (target.rows, target.read, target.catalogue):
        started = time.monotonic()
        with within(0.4), pytest.raises(TransientError) as caught:
            ask()
        told = str(caught.value)
        assert time.monotonic() - started < 5 and len(told.splitlines()) == 1
        assert (make_url(server).password or "no password") not in told
    tap.heal()
    assert target.rows() == ()


def test_a_sqlite_ledger_that_is_locked_for_a_moment_is_written(
    migrated_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{_copied(migrated_file, tmp_path)}"
    ledger, other = open_ledger(url), open_ledger(url)
    # This one does not wait for the file by itself; what is tried while another has it is tried again.
    event.listen(ledger._engine, "connect", lambda connection, _: connection.execute("pragma busy_timeout=0"))
    ledger.close()
    with other._writer.connect() as connection:
        busy = connection.begin()
        monkeypatch.setattr(keeping, "_PAUSES", (1.0,))
        released: list[float] = []
        monkeypatch.setattr(keeping, "sleep", lambda seconds: (released.append(seconds), busy.rollback()))
        assert ledger.hold(_HOLD)
        assert released == [1.0]
    ledger.close()
    other.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_sqlite_ledger_that_may_not_be_written_is_told(migrated_file: Path, tmp_path: Path) -> None:
    file = _copied(migrated_file, tmp_path)
    file.chmod(stat.S_IRUSR)
    with pytest.raises(PermanentError, match="readonly"):
        open_ledger(f"sqlite:///{file}").hold(_HOLD)


def test_a_full_disk_is_told_and_keeps_nothing(migrated_file: Path, tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{_copied(migrated_file, tmp_path)}")
    with ledger._engine.connect() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar()
        connection.exec_driver_sql(f"pragma max_page_count={pages}")
        big = Hold("staging", "a" * 40, "x" * 200_000, "ada", NOW)
    with pytest.raises(ReleaseError, match="full") as caught:
        ledger.hold(big)
    assert isinstance(caught.value, PermanentError) and "free" in str(caught.value)
    assert ledger.holds() == ()
    ledger.close()


def _copied(file: Path, folder: Path) -> Path:
    made = folder / "ledger.sqlite"
    made.write_bytes(file.read_bytes())
    return made
