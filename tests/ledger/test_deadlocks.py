"""Deadlocks and serialization failures of PostgreSQL in the ledger: made again, in time, or told; never half kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest
from sqlalchemy import event, make_url

from namecard_release.domain.promotion import PromotionPhase
from namecard_release.errors import TransientError
from namecard_release.ledger import keeping
from namecard_release.ledger.open import make_engine
from namecard_release.ledger.sql_ledger import SqlLedger
from namecard_release.time_limits import within
from tests.ledger.conftest import _new_database
from tests.ledger.test_faults import _RESULTS, NOW, WRITES, _promotion

DEADLOCK, SERIALIZATION = "40P01", "40001"
# The last thing that each of these writes, after which nothing but the commit follows.
_TABLES = {"decision": "decisions", "move": "promotion_moves", "hold": "holds", "beat": "heartbeats"}


@pytest.fixture
def url(server: str, migrated_database: str) -> str:
    return _new_database(server, migrated_database)


@pytest.fixture
def ledger(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlLedger]:
    """A ledger on PostgreSQL with a promotion in it, which tries again at once."""
    monkeypatch.setattr(keeping, "_PAUSES", (0.01, 0.01, 0.01, 0.01))
    made = SqlLedger(make_engine(url), lambda: NOW)
    made.open_promotion(_promotion("p"))
    yield made
    made.close()


def run(url: str, *statements: str) -> None:
    """Run statements beside the ledger."""
    with closing(psycopg2.connect(url)) as link, link, link.cursor() as session:
        for statement in statements:
            session.execute(statement)


def fail(url: str, table: str, code: str, times: int) -> None:
    """Let the next writes to a table fail with a code; a sequence counts, for no rollback takes that back."""
    run(
        url,
        "create sequence tried",
        f"""create function harm() returns trigger language plpgsql as $$ begin
            if nextval('tried') <= {times} then raise exception 'harmed' using errcode = '{code}'; end if;
            return new; end $$""",
        f"create trigger harm before insert or update on {table} for each row execute function harm()",
    )


def tried(url: str) -> int:
    """Give how often the table was written to."""
    with closing(psycopg2.connect(url)) as link, link.cursor() as session:
        session.execute("select last_value from tried")
        (count,) = session.fetchone() or (0,)
        return int(count)


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("code", [DEADLOCK, SERIALIZATION])
@pytest.mark.parametrize("what", _TABLES)
def test_a_write_that_is_chosen_as_the_victim_is_made_again_and_kept_once(
    ledger: SqlLedger, url: str, what: str, code: str, times: int
) -> None:
    write, count = WRITES[what]
    fail(url, _TABLES[what], code, times)
    assert write(ledger) == _RESULTS[what]
    assert count(ledger) == 1 and tried(url) == times + 1
    assert ledger.verify_audit().verdict == "PASSED"


@pytest.mark.parametrize("code", [DEADLOCK, SERIALIZATION])
def test_a_write_that_is_the_victim_each_time_is_told_and_keeps_nothing(ledger: SqlLedger, url: str, code: str) -> None:
    fail(url, "holds", code, 1_000)
    write, count = WRITES["hold"]
    with pytest.raises(TransientError) as caught:
        write(ledger)
    assert str(caught.value) == "the ledger does not answer: harmed\nsee that its database runs, then try again"
    assert (tried(url), count(ledger)) == (5, 0)
    assert ledger.verify_audit().verdict == "PASSED"


def test_it_is_not_made_again_when_the_time_is_spent(
    ledger: SqlLedger, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_PAUSES", (0.05,) * 100)
    fail(url, "holds", DEADLOCK, 1_000)
    started = time.monotonic()
    with within(0.3), pytest.raises(TransientError):
        WRITES["hold"][0](ledger)
    assert time.monotonic() - started < 3
    assert 1 < tried(url) < 10


def test_a_deadlock_with_another_session_is_survived(ledger: SqlLedger, url: str) -> None:
    run(url, f"alter database {make_url(url).database} set deadlock_timeout = '300ms'")
    ledger.close()
    codes: list[str] = []
    event.listen(ledger._engine, "handle_error", lambda told: codes.append(told.original_exception.pgcode))
    with closing(psycopg2.connect(url)) as link, link.cursor() as other, ThreadPoolExecutor(1) as pool:
        # It waits for longer than the ledger does, so that the ledger is the one to find out.
        other.execute("set deadlock_timeout = '20s'")
        other.execute("select 1 from audit_head for update")
        moving = pool.submit(ledger.move, "p", PromotionPhase.ABORTED, NOW, "stopped", by="ada")
        _wait_for_a_waiter(url)
        other.execute("update promotions set actor = actor where id = 'p'")
        link.rollback()
        assert moving.result(timeout=20).phase is PromotionPhase.ABORTED
    assert codes == [DEADLOCK]
    assert [phase for _, phase, _ in ledger.moves("p")].count(PromotionPhase.ABORTED) == 1
    assert ledger.verify_audit().verdict == "PASSED"


def _wait_for_a_waiter(url: str) -> None:
    with closing(psycopg2.connect(url)) as link, link.cursor() as session:
        link.autocommit = True
        for _ in range(500):
            session.execute(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            )
            if (session.fetchone() or (0,))[0]:
                return
            threading.Event().wait(0.01)
    raise AssertionError("the ledger waits for nothing")
