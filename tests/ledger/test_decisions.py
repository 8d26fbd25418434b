"""One decision about a promotion and one open hold of a release, whoever races for them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from namecard_release.domain.promotion import Hold, Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action, Decision
from namecard_release.errors import PermanentError
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.sql_ledger import SqlLedger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)
RELEASE = "a" * 40
PROMOTION = Promotion(
    "p-1", "staging", RELEASE, PromotionKind.PROMOTION, PromotionPhase.BAKING, "ada", "wanted", NOW, NOW
)
HOLD = Hold("staging", RELEASE, "rolled back: alarm", "sensor", NOW)


@pytest.mark.parametrize(
    "decision",
    [
        Decision(Action.PROCEED, "bake ended"),
        Decision(Action.HALT, "two\nlines", arns=("arn:1",)),
        Decision(Action.ROLL_BACK, "alarm", "b" * 40, ("arn:1", "arn:ü")),
    ],
)
def test_the_first_decision_stays(ledger: SqlLedger, url: str, decision: Decision) -> None:
    ledger.open_promotion(PROMOTION)
    assert ledger.decision("p-1") is None
    assert ledger.record_decision("p-1", decision, NOW)
    again = open_ledger(url)
    assert not again.record_decision("p-1", Decision(Action.HALT, "other"), LATER)
    assert again.decision("p-1") == decision
    again.close()


def test_waiting_is_not_recorded(ledger: SqlLedger) -> None:
    ledger.open_promotion(PROMOTION)
    with pytest.raises(ValueError, match="WAIT"):
        ledger.record_decision("p-1", Decision(Action.WAIT, "baking"), NOW)


def test_an_unknown_promotion_is_not_taken_for_a_decided_one(ledger: SqlLedger) -> None:
    with pytest.raises(PermanentError, match="no promotion p-9"):
        ledger.record_decision("p-9", Decision(Action.HALT, "why"), NOW)


def test_one_of_several_threads_decides(ledger: SqlLedger) -> None:
    ledger.open_promotion(PROMOTION)
    start = Barrier(8)

    def decide(number: int) -> bool:
        start.wait(timeout=30)
        return ledger.record_decision("p-1", Decision(Action.HALT, f"by {number}"), NOW)

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(decide, range(8)))
    assert won.count(True) == 1
    assert ledger.decision("p-1") == Decision(Action.HALT, f"by {won.index(True)}")


def test_one_of_several_processes_decides(ledger: SqlLedger, url: str, race: Any) -> None:
    ledger.open_promotion(PROMOTION)
    told = race(url, [("decide", str(number)) for number in range(4)])
    assert sorted(told) == ["False", "False", "False", "True"]
    assert ledger.decision("p-1") == Decision(Action.HALT, f"by {told.index('True')}")


def test_a_hold_stays_until_a_person_releases_it(ledger: SqlLedger) -> None:
    ledger.hold(HOLD)
    ledger.hold(Hold("staging", RELEASE, "again", "ada", LATER))
    ledger.hold(Hold("prod", RELEASE, "there too", "ada", LATER))
    assert ledger.holds("staging") == (HOLD,)
    assert [hold.environment for hold in ledger.holds()] == ["staging", "prod"]
    assert ledger.release_hold("staging", RELEASE, "ada", LATER)
    assert not ledger.release_hold("staging", RELEASE, "ada", LATER)
    assert not ledger.release_hold("staging", "b" * 40, "ada", LATER)
    assert [hold.environment for hold in ledger.holds()] == ["prod"]


def test_a_released_hold_may_be_followed_by_another(ledger: SqlLedger) -> None:
    again = Hold("staging", RELEASE, "again", "ada", LATER)
    ledger.hold(HOLD)
    ledger.release_hold("staging", RELEASE, "ada", LATER)
    ledger.hold(again)
    assert ledger.holds() == (again,)


def test_processes_that_hold_at_once_make_one_hold(ledger: SqlLedger, url: str, race: Any) -> None:
    race(url, [("hold", str(number)) for number in range(4)])
    assert len(ledger.holds()) == 1
