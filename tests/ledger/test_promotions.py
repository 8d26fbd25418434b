"""Promotions kept and moved: nothing lost on the way, no move that the domain refuses, no noise."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import Any

import pytest

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.promotion import IN_FLIGHT, Promotion, PromotionKind, PromotionPhase, may_follow
from namecard_release.errors import PermanentError, RefusedError
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.sql_ledger import SqlLedger

P = PromotionPhase
NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)
PLAIN = Promotion("p-1", "staging", "a" * 40, PromotionKind.PROMOTION, P.REQUESTED, "ada", "wanted", NOW, NOW)
READINGS = (
    AlarmReading("CardsErrorsAlarm", "arn:1", AlarmState.ALARM, NOW, 'über "5" \\ \n\u2028'),
    AlarmReading("HttpApiLatencyAlarm", "arn:2", AlarmState.INSUFFICIENT_DATA, LATER),
)
FULL: dict[str, Any] = {
    "id": "p-äöü",
    "environment": "prod",
    "release": "b" * 40,
    "kind": PromotionKind.ROLLBACK,
    "phase": P.BAKING,
    "actor": "Ada Lovelace <ada@example.org>",
    "reason": "first line\nsecond 'line'; drop table promotions; 🚀",
    "requested_at": LATER,
    "updated_at": LATER,
    "run_id": "run-1",
    "assembly": "c" * 64,
    "previous_release": "d" * 40,
    "deploy_started_at": NOW,
    "deployed_at": LATER,
    "bake_until": NOW + timedelta(days=400),
    "ended_at": LATER,
    "schema_version": "2026-01-01T0000__auth__create-users.sql",
    "code_changed": True,
    "verified": True,
    "baseline": READINGS,
    "waiting": "waits for approval of prod: 1 of 2 (ada)",
    "freeze_override": "the outage's fix; 'drop' ü",
    "waived": ("quality WAIVED (FAILED: exit 1) by ada until then: why", "ü\u2028"),
}


def _open(ledger: SqlLedger, **changes: Any) -> Promotion:
    return ledger.open_promotion(replace(PLAIN, **changes))


def test_the_table_of_fields_is_whole() -> None:
    assert FULL.keys() == {field.name for field in fields(Promotion)}


@pytest.mark.parametrize(
    "promotion",
    [PLAIN, *(replace(PLAIN, **{name: value}) for name, value in FULL.items()), Promotion(**FULL)],
    ids=["plain", *FULL, "full"],
)
def test_every_field_comes_back(ledger: SqlLedger, url: str, promotion: Promotion) -> None:
    assert ledger.open_promotion(promotion) == promotion
    again = open_ledger(url)
    assert again.promotion(promotion.id) == promotion
    assert again.history() == (promotion,)
    again.close()


@pytest.mark.parametrize("name", [name for name in FULL if name not in ("id", "phase", "reason", "updated_at")])
def test_a_move_changes_every_field_alone(ledger: SqlLedger, name: str) -> None:
    _open(ledger)
    moved = ledger.move("p-1", P.REQUESTED, NOW, **{name: FULL[name]})
    assert moved == replace(PLAIN, **{name: FULL[name]})
    assert ledger.promotion("p-1") == moved
    assert len(ledger.moves("p-1")) == 2


def test_times_come_back_in_utc(ledger: SqlLedger) -> None:
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    found = _open(ledger, requested_at=tokyo, updated_at=tokyo)
    assert (found.requested_at, found.requested_at.utcoffset()) == (NOW, timedelta(0))


def test_a_time_without_zone_is_not_guessed(ledger: SqlLedger) -> None:
    with pytest.raises(ValueError, match="time zone"):
        _open(ledger, requested_at=NOW.replace(tzinfo=None))


def test_text_that_no_database_takes_is_kept_readable(ledger: SqlLedger) -> None:
    assert _open(ledger, reason="a\0b\udc80c").reason == "a\ufffdb?c"


def test_a_promotion_opened_again_is_the_recorded_one(ledger: SqlLedger) -> None:
    _open(ledger)
    moved = ledger.move("p-1", P.GATED, LATER, "gates passed")
    assert _open(ledger, actor="bob", run_id="run-2") == moved
    assert [phase for _, phase, _ in ledger.moves("p-1")] == [P.REQUESTED, P.GATED]


def test_what_was_only_asked_for_does_not_push_out_what_serves(ledger: SqlLedger) -> None:
    for number in range(6):
        _open(ledger, id=f"p-{number}", requested_at=NOW + timedelta(seconds=number))
    _open(ledger, id="elsewhere", environment="prod", requested_at=LATER)
    for name in ("p-0", "p-1"):
        for phase in (P.GATED, P.DEPLOYING, P.VERIFYING, P.BAKING, P.SUCCEEDED):
            ledger.move(name, phase, LATER, deploy_started_at=NOW)
    for name in ("p-2", "p-3", "p-5"):
        ledger.move(name, P.FAILED, LATER, "gates failed")
    assert [p.id for p in ledger.standing("staging")] == ["p-4", "p-1", "p-0"]
    # The limit is upon what was deployed: what moves is always told.
    assert [p.id for p in ledger.standing("staging", limit=1)] == ["p-4", "p-1"]


def test_moves_of_several_are_those_of_each(ledger: SqlLedger) -> None:
    for name in ("p-1", "p-2", "p-3"):
        _open(ledger, id=name)
    ledger.move("p-2", P.GATED, LATER, "gates passed")
    found = ledger.moves_of(["p-1", "p-2", "p-9"])
    assert found == {"p-1": ledger.moves("p-1"), "p-2": ledger.moves("p-2"), "p-9": ()}
    assert ledger.moves_of([]) == {}


def test_history_is_newest_first_by_environment_and_limited(ledger: SqlLedger) -> None:
    for number, environment in enumerate(("staging", "prod", "staging", "staging")):
        _open(ledger, id=f"p-{number}", environment=environment, requested_at=NOW + timedelta(seconds=number))
    assert [p.id for p in ledger.history()] == ["p-3", "p-2", "p-1", "p-0"]
    assert [p.id for p in ledger.history("staging")] == ["p-3", "p-2", "p-0"]
    assert [p.id for p in ledger.history("staging", limit=2)] == ["p-3", "p-2"]
    assert ledger.history("dev") == ()
    assert ledger.standing("dev") == ()
    assert ledger.promotion("p-9") is None
    assert ledger.moves("p-9") == ()


@pytest.mark.parametrize("current", list(P))
def test_only_moves_that_may_follow_are_made(ledger: SqlLedger, current: PromotionPhase) -> None:
    for wanted in P:
        before = _open(ledger, id=f"{current}-{wanted}", phase=current)
        if may_follow(current, wanted):
            assert ledger.move(before.id, wanted, LATER, "why").phase is wanted
            continue
        with pytest.raises(RefusedError, match=rf"from {current} to {wanted}") as caught:
            ledger.move(before.id, wanted, LATER, "why", verified=True)
        assert "wanted" in str(caught.value)
        assert ledger.promotion(before.id) == before
        assert len(ledger.moves(before.id)) == 1


def test_ends_are_dated_and_give_their_reason_except_success(ledger: SqlLedger) -> None:
    for current, wanted in product(P, P):
        if current is wanted or not may_follow(current, wanted):
            continue
        before = _open(ledger, id=f"{current}-{wanted}", phase=current, ended_at=NOW)
        moved = ledger.move(before.id, wanted, LATER, "because")
        assert moved.updated_at == LATER
        assert moved.ended_at == (None if wanted in IN_FLIGHT else LATER)
        assert moved.reason == ("wanted" if wanted in IN_FLIGHT or wanted is P.SUCCEEDED else "because")
        assert ledger.promotion(before.id) == moved
        assert ledger.moves(before.id)[-1] == (LATER, wanted, "because")


@pytest.mark.parametrize("phase", list(P))
def test_a_repeat_makes_no_noise(ledger: SqlLedger, phase: PromotionPhase) -> None:
    before = _open(ledger, phase=phase, ended_at=None if phase in IN_FLIGHT else NOW, verified=True)
    assert ledger.move("p-1", phase, LATER, before.reason, verified=True, baseline=()) == before
    assert ledger.move("p-1", phase, LATER) == before
    assert len(ledger.moves("p-1")) == 1


def test_the_same_phase_with_changes_is_noted_and_keeps_its_end(ledger: SqlLedger) -> None:
    _open(ledger, phase=P.FAILED, ended_at=NOW)
    moved = ledger.move("p-1", P.FAILED, LATER, "the run was killed", code_changed=True)
    assert (moved.ended_at, moved.updated_at, moved.reason) == (NOW, LATER, "the run was killed")
    assert ledger.moves("p-1")[1:] == ((LATER, P.FAILED, "the run was killed"),)


def test_a_failed_promotion_resumes(ledger: SqlLedger, url: str) -> None:
    _open(ledger, run_id="run-1")
    ledger.move("p-1", P.FAILED, LATER, "the run was killed")
    again = open_ledger(url)
    again.move("p-1", P.REQUESTED, LATER, "resumed by ada", run_id="run-2")
    found = ledger.promotion("p-1")
    assert found is not None
    assert (found.phase, found.ended_at, found.run_id, found.requested_at) == (P.REQUESTED, None, "run-2", NOW)
    assert [phase for _, phase, _ in ledger.moves("p-1")] == [P.REQUESTED, P.FAILED, P.REQUESTED]
    again.close()


@pytest.mark.parametrize("name", ["colour", "id", "Phase"])
def test_a_move_takes_a_promotions_fields_only(ledger: SqlLedger, name: str) -> None:
    _open(ledger)
    with pytest.raises(TypeError, match=name):
        ledger.move("p-1", P.GATED, LATER, **{name: "x"})
    assert ledger.promotion("p-1") == PLAIN


def test_an_unknown_promotion_cannot_move(ledger: SqlLedger) -> None:
    with pytest.raises(PermanentError, match="no promotion p-9"):
        ledger.move("p-9", P.GATED, LATER)


def test_moves_at_once_lose_nothing(ledger: SqlLedger, url: str, race: Any) -> None:
    _open(ledger)
    race(url, [("move", "actor"), ("move", "run_id"), ("move", "schema_version"), ("move", "assembly")])
    found = ledger.promotion("p-1")
    assert found is not None
    assert (found.actor, found.run_id, found.schema_version, found.assembly) == ("9", "9", "9", "9")
    assert len(ledger.moves("p-1")) == 41
