"""A watch that did not look for a while: what the alarms did meanwhile counts, over the fakes and the real ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.domain.rollback import Action
from namecard_release.workflow.watching import Watch, find_fallback, find_watched, look
from tests.fakes.world import A, B, World
from tests.workflow.test_post_bake import ROLL_BACK, watch_on
from tests.workflow.test_promotion import Stage
from tests.workflow.test_watching import pages

OK, ALARM = AlarmState.OK, AlarmState.ALARM
ERRORS, LATENCY, DLQ = "CardsServiceErrorsAlarm", "CardsServiceLatencyAlarm", "LambdaDeadLetterQueueAlarm"


def make_stage(folder: Path, **own: object) -> Stage:
    """Make a stage on which B bakes after A succeeded, looked at once."""
    world = World(folder, own={"staging": {"bake_seconds": 300, "unknown_deadline_seconds": 120, **own}})
    world.files[B] = world.files[A]
    stage = Stage(world, world.pipeline())
    stage.promote(A, "run-a")
    world.pass_time(301)
    assert watch(stage).decision.action is Action.PROCEED
    stage.promote(B, "run-b")
    assert watch(stage).decision.action is Action.WAIT
    world.past.asked_history.clear()
    return stage


def watch(stage: Stage) -> Watch:
    """Look once, in a process of its own."""
    pipeline = stage.world.pipeline()
    (promotion,) = find_watched(pipeline)
    return look(pipeline, promotion, find_fallback(pipeline, promotion))


def fire(stage: Stage, name: str, seconds: float) -> None:
    """Let an alarm fire for a while, and be OK again for ten seconds."""
    stage.world.set_alarm(name, ALARM)
    stage.world.pass_time(seconds)
    stage.world.set_alarm(name, OK)
    stage.world.pass_time(10)


def test_looks_that_follow_one_another_ask_for_no_history(tmp_path: Path) -> None:
    stage = make_stage(tmp_path)
    for number in range(20):
        stage.world.set_alarm("AuthServiceLatencyAlarm", OK if number % 2 else ALARM)
        stage.world.pass_time(5)
        assert watch(stage).decision.action is Action.WAIT
    stage.world.pass_time(9)
    assert watch(stage).decision.action is Action.WAIT
    stage.world.pass_time(60)
    assert watch(stage).decision.action is Action.WAIT
    assert stage.world.past.asked_history == []


def test_a_breach_that_came_and_went_unseen_rolls_back(tmp_path: Path) -> None:
    stage = make_stage(tmp_path)
    stage.world.pass_time(20)
    fire(stage, LATENCY, 61)
    seen = watch(stage)
    assert stage.world.past.asked_history == [(LATENCY,)]
    assert (seen.decision.action, seen.decision.to, seen.fresh) == (Action.ROLL_BACK, A, True)
    assert LATENCY in seen.decision.reason and seen.decision.reason.endswith("UTC when nobody looked")


def test_a_flap_that_came_and_went_unseen_is_nothing(tmp_path: Path) -> None:
    stage = make_stage(tmp_path)
    stage.world.pass_time(20)
    fire(stage, LATENCY, 59)
    assert watch(stage).decision.action is Action.WAIT
    stage.world.pass_time(300)
    assert watch(stage).decision.action is Action.PROCEED


def test_an_alarm_of_the_baseline_that_was_ok_unseen_counts_again(tmp_path: Path) -> None:
    world = World(tmp_path, own={"staging": {"bake_seconds": 300}})
    stage = Stage(world, world.pipeline())
    stage.promote(A, "run-a")
    world.pass_time(301)
    watch(stage)
    world.set_alarm(ERRORS, ALARM)
    stage.promote(B, "run-b")
    world.pass_time(20)
    assert watch(stage).decision.action is Action.WAIT
    world.pass_time(20)
    world.set_alarm(ERRORS, OK)
    world.pass_time(5)
    world.set_alarm(ERRORS, ALARM)
    world.pass_time(5)
    assert watch(stage).decision.action is Action.ROLL_BACK


def test_a_history_that_is_not_told_holds_the_bake_until_its_deadline(tmp_path: Path) -> None:
    stage = make_stage(tmp_path)
    stage.world.pass_time(20)
    fire(stage, LATENCY, 30)
    stage.world.unreachable.add("history")
    stage.world.pass_time(300)
    seen = watch(stage)
    assert seen.decision.action is Action.WAIT
    assert "alarms were not watched: between 2026-" in seen.decision.reason
    assert seen.decision.reason.endswith("CloudWatch told no history")
    stage.world.pass_time(60)
    seen = watch(stage)
    assert (seen.decision.action, stage.phase(seen.promotion)) == (Action.HALT, PromotionPhase.HELD)
    assert len(pages(stage)) == 1


def test_a_history_that_is_told_later_is_read_from_where_the_watch_ended(tmp_path: Path) -> None:
    stage = make_stage(tmp_path)
    stage.world.pass_time(20)
    fire(stage, LATENCY, 61)
    stage.world.unreachable.add("history")
    for _ in range(5):
        stage.world.pass_time(2)
        assert watch(stage).decision.action is Action.WAIT
    stage.world.unreachable.clear()
    assert watch(stage).decision.action is Action.ROLL_BACK


def test_reads_that_fail_for_a_while_are_such_a_gap(tmp_path: Path) -> None:
    stage = make_stage(tmp_path)
    stage.world.unreachable.add("alarms")
    for _ in range(4):
        stage.world.pass_time(5)
        assert watch(stage).decision.action is Action.WAIT
    fire(stage, LATENCY, 61)
    stage.world.unreachable.clear()
    assert watch(stage).decision.action is Action.ROLL_BACK


def test_a_breach_unseen_waits_for_a_schema_that_is_not_read_and_is_not_forgotten(tmp_path: Path) -> None:
    stage = make_stage(tmp_path)
    stage.world.pass_time(20)
    fire(stage, LATENCY, 61)
    stage.world.unreachable.add("database")
    for _ in range(3):
        stage.world.pass_time(15)
        seen = watch(stage)
        assert (seen.decision.action, "the schema is" in seen.decision.reason) == (Action.WAIT, True)
    stage.world.unreachable.clear()
    assert watch(stage).decision.action is Action.ROLL_BACK


def test_a_bake_that_ended_unseen_ended_then_and_what_came_later_is_after_the_bake(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, **ROLL_BACK)
    stage.world.pass_time(310)
    fire(stage, LATENCY, 61)
    seen = watch(stage)
    assert (seen.decision.action, stage.phase(seen.promotion)) == (Action.PROCEED, PromotionPhase.SUCCEEDED)
    after = watch_on(stage)
    assert (after.decision.action, after.decision.to) == (Action.ROLL_BACK, A)


def test_people_are_asked_once_for_what_they_missed(tmp_path: Path) -> None:
    stage = make_stage(tmp_path)
    stage.world.pass_time(20)
    fire(stage, DLQ, 30)
    assert watch(stage).decision.action is Action.WAIT
    stage.world.pass_time(20)
    assert watch(stage).decision.action is Action.WAIT
    assert len(pages(stage)) == 1


@pytest.mark.parametrize("later", [1.0, 11.0])
def test_the_first_look_after_a_deploy_begins_at_the_deploy(tmp_path: Path, later: float) -> None:
    world = World(tmp_path, own={"staging": {"bake_seconds": 300}})
    stage = Stage(world, world.pipeline())
    world.set_alarm(ERRORS, ALARM)
    world.set_alarm(ERRORS, OK)
    stage.promote(A, "run-a")
    world.pass_time(later)
    assert watch(stage).decision.action is Action.WAIT
    assert world.past.asked_history == []
