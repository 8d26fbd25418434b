"""The watch of a release that succeeded, over the fakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.domain.rollback import Action
from namecard_release.workflow.watching import Watch, find_fallback, find_watched, find_watched_after_bake, look
from namecard_release.workflow.watching import look_after_bake as look_on
from tests.fakes.world import A, B, C, World
from tests.workflow.test_promotion import Stage
from tests.workflow.test_watching import pages, roll_back

HOUR = 3600.0
ROLL_BACK: dict[str, object] = {"post_bake": {"hours": 1, "action": "roll_back"}}
PAGE: dict[str, object] = {"post_bake": {"hours": 1}}


def make_stage(folder: Path, own: dict[str, object]) -> Stage:
    """Make a stage on which B succeeded after A, under a policy."""
    world = World(folder, own={"staging": own})
    world.files[B] = world.files[A]
    stage = Stage(world, world.pipeline())
    for number, release in enumerate((A, B)):
        stage.promote(release, f"run-{number}")
        world.pass_time(61)
        (baking,) = find_watched(stage.pipeline)
        assert look(stage.pipeline, baking, find_fallback(stage.pipeline, baking)).decision.action is Action.PROCEED
    return stage


def watch_on(stage: Stage) -> Watch:
    """Look once at the one promotion that is watched after its bake, with a pipeline of its own."""
    pipeline = stage.world.pipeline()
    (promotion,) = find_watched_after_bake(pipeline)
    return look_on(pipeline, promotion)


def test_quiet_it_is_watched_until_the_hours_are_over(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, PAGE)
    seen = watch_on(stage)
    assert (seen.promotion.release, seen.decision.action) == (B, Action.WAIT)
    assert find_watched(stage.pipeline) == ()
    stage.world.pass_time(HOUR)
    assert find_watched_after_bake(stage.pipeline) == ()


def test_it_is_not_watched_where_the_policy_says_no_hours(tmp_path: Path) -> None:
    assert find_watched_after_bake(make_stage(tmp_path, {"post_bake": {"hours": 0}}).pipeline) == ()


def test_a_breach_asks_for_people_once_and_the_release_stays(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, PAGE)
    stage.world.pass_time(600)
    alarm = stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    seen = watch_on(stage)
    assert (seen.decision.action, seen.fresh, seen.decision.arns) == (Action.HALT, True, (alarm.arn,))
    assert stage.phase(seen.promotion) is PromotionPhase.SUCCEEDED
    assert find_watched_after_bake(stage.pipeline) == ()
    assert stage.pipeline.ledger.post_bake_decision(seen.promotion.id) == seen.decision
    assert [key for key, _ in pages(stage)] == ["after the bake"]
    assert stage.pipeline.ledger.moves(seen.promotion.id)[-1][2] == f"HALT after the bake: {seen.decision.reason}"
    assert look_on(stage.pipeline, seen.promotion).fresh is False


def test_a_breach_rolls_back_once_where_the_policy_says_so(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, ROLL_BACK)
    stage.world.pass_time(600)
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    first, second = watch_on(stage), watch_on(stage)
    assert (first.decision.action, first.decision.to, first.fresh) == (Action.ROLL_BACK, A, True)
    # Asked for until it begins: whoever decided may have died before.
    assert (second.decision, second.fresh) == (first.decision, False)
    assert stage.pipeline.ledger.verify_audit().verdict is Verdict.PASSED


def test_a_flap_or_an_alarm_that_waits_is_nothing(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, ROLL_BACK)
    stage.world.set_alarm("CardsLatencyAlarm", AlarmState.ALARM)
    stage.world.pass_time(59)
    assert watch_on(stage).decision.action is Action.WAIT
    stage.world.set_alarm("CardsLatencyAlarm", AlarmState.OK)
    stage.world.pass_time(30)
    assert watch_on(stage).decision.action is Action.WAIT
    stage.world.set_alarm("CardsLatencyAlarm", AlarmState.ALARM)
    stage.world.pass_time(60)
    assert watch_on(stage).decision.action is Action.ROLL_BACK


@pytest.mark.parametrize("dark", ["unreachable", "INSUFFICIENT_DATA"])
def test_what_is_not_read_rolls_nothing_back(tmp_path: Path, dark: str) -> None:
    stage = make_stage(tmp_path, ROLL_BACK)
    if dark == "unreachable":
        stage.world.unreachable.add("alarms")
    else:
        stage.world.set_alarm("CardsErrorsAlarm", AlarmState.INSUFFICIENT_DATA)
    stage.world.pass_time(1800)
    seen = watch_on(stage)
    assert (seen.decision.action, seen.fresh) == (Action.WAIT, False)


def test_the_schema_stays_unread_until_the_deadline(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, ROLL_BACK)
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    stage.world.unreachable.add("database")
    assert watch_on(stage).decision.action is Action.WAIT
    stage.world.pass_time(600)
    assert watch_on(stage).decision.action is Action.HALT


def test_an_alarm_that_only_asks_for_people_is_paged_after_the_bake_too(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, ROLL_BACK)
    alarm = stage.world.set_alarm("DbConnectionsAlarm", AlarmState.ALARM)
    assert watch_on(stage).decision.action is Action.WAIT
    assert [key for key, _ in pages(stage)] == [alarm.arn]


def test_a_newer_promotion_ends_the_watch(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, ROLL_BACK)
    stage.promote(C, "run-c")
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    assert find_watched_after_bake(stage.pipeline) == ()
    assert [p.release for p in find_watched(stage.pipeline)] == [C]


def test_after_a_rollback_the_alarm_that_caused_it_counts_only_once_it_was_ok(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, PAGE)
    stage.promote(C, "run-c")
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    rollback = roll_back(stage)
    # Its window still holds the failures of before: the probes have said that the rollback is healthy.
    assert (rollback.phase, rollback.release) == (PromotionPhase.SUCCEEDED, B)
    for state, action in ((None, Action.WAIT), (AlarmState.OK, Action.WAIT), (AlarmState.ALARM, Action.HALT)):
        stage.world.pass_time(400)
        if state is not None:
            stage.world.set_alarm("CardsErrorsAlarm", state)
        seen = watch_on(stage)
        assert (seen.promotion.id, seen.decision.action) == (rollback.id, action)
    assert "a rollback is never rolled back" in seen.decision.reason
