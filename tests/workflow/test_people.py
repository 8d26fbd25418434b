"""Pauses and holds as the watch sees them, and freezes at the door, over the fakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.domain.rollback import Action
from namecard_release.errors import MisuseError
from namecard_release.workflow.people import Word, pause_automation, place_hold, resume_automation, why_held
from namecard_release.workflow.promoting import check_entry
from namecard_release.workflow.watching import find_fallback, find_watched, look
from tests.fakes.world import START, B, C, World
from tests.workflow.test_promotion import Stage

WORD = Word("staging", "bob", "an audit", START)


def baking(tmp_path: Path, **staging: object) -> Stage:
    """Make a stage on which B succeeded and C bakes."""
    world = World(tmp_path, own={"staging": staging})
    stage = Stage(world, world.pipeline())
    stage.promote(B, "run-b")
    world.pass_time(61)
    _look(stage)
    stage.promote(C, "run-c")
    world.pass_time(5)
    return stage


def _look(stage: Stage) -> tuple[Action, str]:
    (promotion,) = find_watched(stage.pipeline)
    seen = look(stage.pipeline, promotion, find_fallback(stage.pipeline, promotion))
    return seen.decision.action, seen.decision.reason


@pytest.mark.parametrize(
    ("pauses", "holds", "resumed", "action", "words"),
    [
        (None, False, False, Action.ROLL_BACK, ""),
        ("", False, False, Action.HALT, "people hold staging: automation is paused by bob: an audit"),
        ("2h", False, False, Action.HALT, "people hold staging: automation is paused by bob until 2026-03-02 11:00"),
        ("1m", False, False, Action.ROLL_BACK, ""),
        ("", False, True, Action.ROLL_BACK, ""),
        (None, True, False, Action.HALT, "people hold staging: held by bob: an audit"),
    ],
)
def test_a_breach_halts_while_people_keep_automation_off(
    tmp_path: Path, pauses: str | None, holds: bool, resumed: bool, action: Action, words: str
) -> None:
    stage = baking(tmp_path)
    settings, ledger = stage.pipeline.settings, stage.pipeline.ledger
    if pauses is not None:
        pause_automation(settings, ledger, WORD, pauses)
    if holds:
        place_hold(settings, ledger, WORD, None)
    if resumed:
        resume_automation(settings, ledger, WORD)
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    told = _look(stage)
    assert told[0] is action and words in told[1]
    newest = ledger.history("staging")[0]
    assert newest.phase is (PromotionPhase.HELD if action is Action.HALT else PromotionPhase.BAKING)
    trail = [entry.action for entry in ledger.audit_entries(limit=3)]
    assert trail[0 if action is Action.ROLL_BACK else 2] == f"decided {action}"
    assert (trail[:2] == ["page", "promotion HELD"]) == (action is Action.HALT)


def test_a_bake_ends_well_while_automation_is_paused(tmp_path: Path) -> None:
    stage = baking(tmp_path)
    pause_automation(stage.pipeline.settings, stage.pipeline.ledger, WORD, "")
    stage.world.pass_time(61)
    assert _look(stage)[0] is Action.PROCEED


def test_another_environments_pause_is_not_this_ones(tmp_path: Path) -> None:
    world = World(tmp_path)
    pipeline = world.pipeline()
    pause_automation(pipeline.settings, pipeline.ledger, WORD, "")
    assert why_held(pipeline.ledger, "prod", START) is None
    assert why_held(pipeline.ledger, "staging", START) is not None


@pytest.mark.parametrize(
    ("until", "words"),
    [("soon", "neither a moment"), ("2026-03-02T08:00:00Z", "has passed"), ("2026-03-02T12:00", "names no time zone")],
)
def test_a_pause_until_nonsense_is_misuse(tmp_path: Path, until: str, words: str) -> None:
    pipeline = World(tmp_path).pipeline()
    with pytest.raises(MisuseError, match=words):
        pause_automation(pipeline.settings, pipeline.ledger, WORD, until)
    assert pipeline.ledger.pauses() == ()


@pytest.mark.parametrize(
    ("freeze", "override", "words"),
    [
        ({"cron": "0 8 * * *", "duration_minutes": 120}, None, "staging is frozen by f until 2026-03-02 10:00 UTC"),
        ({"cron": "0 8 * * *", "duration_minutes": 60}, None, None),
        ({"cron": "0 8 * * *", "duration_minutes": 120}, "outage", None),
        ({"cron": "0 16 * * *", "duration_minutes": 120, "timezone": "Asia/Singapore"}, None, "until 2026-03-02 10:00"),
        ({"start": "2026-03-02T08:00:00", "end": "2026-03-02T10:00:00"}, None, "until 2026-03-02 10:00 UTC"),
        ({"start": "2026-03-02T08:00:00", "end": "2026-03-02T10:00:00", "timezone": "Asia/Singapore"}, None, None),
    ],
)
def test_a_freeze_closes_the_door(
    tmp_path: Path, freeze: dict[str, object], override: str | None, words: str | None
) -> None:
    world = World(tmp_path, own={"staging": {"freezes": [{"name": "f", **freeze}]}})
    told = check_entry(world.pipeline(), "staging", B, override)
    assert told is None if words is None else words in (told or "")
