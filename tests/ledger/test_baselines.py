"""Long baselines: decoded once while they stay as they are, and never a former one once they changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.ledger.baselines import Baselines, load_json
from namecard_release.ledger.sql_ledger import SqlLedger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def make_baseline(alarms: int, state: AlarmState = AlarmState.OK) -> tuple[AlarmReading, ...]:
    return tuple(AlarmReading(f"Alarm{n:05}", f"arn:aws:cloudwatch:{n}", state, NOW, "as told") for n in range(alarms))


def make_promotion(baseline: tuple[AlarmReading, ...]) -> Promotion:
    kind, phase = PromotionKind.PROMOTION, PromotionPhase.BAKING
    return Promotion(
        *("dev-1", "dev", "a" * 40, kind, phase, "anna", "a release", NOW, NOW), code_changed=True, baseline=baseline
    )


@pytest.mark.parametrize("alarms", [0, 3, 2000])
def test_a_baseline_is_read_as_it_was_written_each_time(ledger: SqlLedger, alarms: int) -> None:
    baseline = make_baseline(alarms)
    ledger.open_promotion(make_promotion(baseline))
    assert [read(ledger) for _ in range(3)] == [baseline] * 3
    assert ledger.standing("dev")[0].baseline == baseline


def test_a_long_baseline_that_changed_is_read_anew(ledger: SqlLedger) -> None:
    ledger.open_promotion(make_promotion(make_baseline(2000)))
    assert read(ledger)[0].state is AlarmState.OK
    changed = make_baseline(2000, AlarmState.ALARM)
    ledger.move("dev-1", PromotionPhase.BAKING, NOW, baseline=changed)
    assert read(ledger) == changed


def test_a_long_baseline_is_made_once_and_the_oldest_are_forgotten() -> None:
    baselines = Baselines()
    many = [[_raw(f"Alarm{n}") for n in range(200)] for _ in range(10)]
    made = [baselines.read(raw) for raw in many]
    assert baselines.read(many[-1]) is made[-1]
    assert baselines.read(many[0]) is not made[0]
    assert baselines.read(many[0]) == made[0]


def test_json_is_decoded_once_when_it_is_long() -> None:
    long = '["' + "x" * 30_000 + '"]'
    assert load_json(long) is load_json(long)
    assert load_json('["x"]') is not load_json('["x"]')
    assert load_json(long.replace("x", "y")) == ["y" * 30_000]


def test_rows_of_earlier_versions_name_no_children() -> None:
    (reading,) = Baselines().read([{k: v for k, v in _raw("A").items() if k != "children"}])
    assert reading == replace(make_baseline(1)[0], name="A", arn="arn")


def _raw(name: str) -> dict[str, object]:
    return {
        **{"name": name, "arn": "arn", "state": "OK", "since": NOW.isoformat(), "reason": "as told"},
        "children": [],
    }


def read(ledger: SqlLedger) -> tuple[AlarmReading, ...]:
    promotion = ledger.promotion("dev-1")
    assert promotion is not None
    return promotion.baseline
