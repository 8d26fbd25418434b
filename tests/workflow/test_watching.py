"""The watch of a deployed release and the rollback, over the fakes."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import CommandOutcome
from namecard_release.domain.messages import Channel, MessageKind
from namecard_release.domain.promotion import Hold, Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action, Decision
from namecard_release.errors import RefusedError
from namecard_release.ledger.open import make_engine
from namecard_release.ledger.outbox import SqlOutbox
from namecard_release.workflow.deploying import deploy_release
from namecard_release.workflow.leasing import hold_lease
from namecard_release.workflow.paging import page_stopped
from namecard_release.workflow.pipeline import StoppedError
from namecard_release.workflow.promoting import Request, check_entry, open_promotion
from namecard_release.workflow.rolling_back import finish_rollback, load_target, plan_rollback, refuse_unsafe
from namecard_release.workflow.verifying import verify_release
from namecard_release.workflow.watching import Watch, find_fallback, find_watched, look
from tests.fakes.world import FIRST, SECOND, A, B, C, World, migration
from tests.workflow.test_promotion import Stage

# What it does is known only when it runs, so nobody can say whether A runs after it.
HIDDEN = migration(SECOND.name, "do $$ begin execute current_setting('x.y'); end $$;")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Make a stage on which B succeeded after A, and C bakes."""
    world = World(tmp_path)
    world.files[B] = world.files[C] = (FIRST, HIDDEN)
    stage = Stage(world, world.pipeline())
    for number, release in enumerate((A, B)):
        stage.promote(release, f"run-{number}")
        world.pass_time(61)
        assert watch(stage).decision.action is Action.PROCEED
    stage.promote(C, "run-c")
    return stage


def watch(stage: Stage) -> Watch:
    """Look once at the one promotion that is watched."""
    (promotion,) = find_watched(stage.pipeline)
    return look(stage.pipeline, promotion, find_fallback(stage.pipeline, promotion))


def test_a_bake_waits_then_succeeds(stage: Stage) -> None:
    assert watch(stage).decision.action is Action.WAIT
    stage.world.pass_time(61)
    seen = watch(stage)
    assert (seen.decision.action, seen.fresh) == (Action.PROCEED, True)
    assert stage.phase(seen.promotion) is PromotionPhase.SUCCEEDED
    assert find_watched(stage.pipeline) == ()


def test_a_breach_rolls_back_to_the_last_good_release_once(stage: Stage) -> None:
    stage.world.pass_time(5)
    alarm = stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    first, second = watch(stage), watch(stage)
    assert (first.decision.action, first.decision.to, first.decision.arns) == (Action.ROLL_BACK, B, (alarm.arn,))
    assert first.fresh and not second.fresh
    assert second.decision == first.decision


def test_a_bake_is_watched_however_many_promotions_were_asked_for_since(stage: Stage) -> None:
    (baking,) = find_watched(stage.pipeline)
    for number in range(250):
        asked = replace(baking, id=f"asked-{number}", phase=PromotionPhase.REQUESTED, code_changed=False)
        stage.pipeline.ledger.open_promotion(replace(asked, deploy_started_at=None, deployed_at=None, bake_until=None))
        stage.pipeline.ledger.move(asked.id, PromotionPhase.FAILED, stage.pipeline.clock.now(), "gates failed")
    assert find_watched(stage.pipeline) == (baking,)
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    assert (watch(stage).decision.action, watch(stage).decision.to) == (Action.ROLL_BACK, B)


def test_unread_alarms_hold_the_bake_and_roll_nothing_back(stage: Stage) -> None:
    stage.world.unreachable.add("alarms")
    stage.world.pass_time(600)
    seen = watch(stage)
    assert (seen.decision.action, seen.fresh) == (Action.WAIT, False)
    assert "CloudWatch did not answer" in seen.decision.reason


def test_a_breach_on_a_newer_schema_halts(stage: Stage, tmp_path: Path) -> None:
    world = World(tmp_path / "other")
    other = Stage(world, world.pipeline())
    world.files[B] = (FIRST, HIDDEN)
    other.promote(A, "run-1")
    world.pass_time(61)
    watch(other)
    other.promote(B, "run-2")
    world.pass_time(5)
    world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    seen = watch(other)
    assert seen.decision.action is Action.HALT
    assert "UNKNOWN" in seen.decision.reason and "add-colour" in seen.decision.reason
    assert other.phase(seen.promotion) is PromotionPhase.HELD


def test_failed_probes_after_the_deploy_are_watched_and_rolled_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    stage = Stage(world, world.pipeline())
    stage.promote(B, "run-1")
    world.pass_time(61)
    watch(stage)
    world.sick.add("cards")
    with pytest.raises(StoppedError):
        stage.promote(C, "run-2")
    seen = watch(stage)
    assert (seen.decision.action, seen.decision.to) == (Action.ROLL_BACK, B)


def roll_back(stage: Stage, to: str | None = None) -> Promotion:
    """Roll back as the job does, to the end."""
    plan = plan_rollback(stage.pipeline, "staging", to)
    refuse_unsafe(plan, accepted=False)
    request = Request("staging", plan.target.release, PromotionKind.ROLLBACK, "sensor", "alarm", "run-r", "run-r")
    rollback = open_promotion(stage.pipeline, request)
    rollback = stage.pipeline.ledger.move(rollback.id, PromotionPhase.GATED, stage.world.time, "no gates")
    with hold_lease(stage.pipeline, "staging", rollback.id, force=True) as beat:
        assembly = load_target(stage.pipeline, plan)
        rollback, _ = deploy_release(stage.pipeline, rollback, assembly, beat, print, lambda _: None)
        files = stage.pipeline.repository.migration_files(assembly.release)
        deployed = verify_release(stage.pipeline, rollback, assembly, files)
    assert {phase.verdict for phase in (*deployed.verification, *deployed.probes)} == {"PASSED"}
    ledger = stage.pipeline.ledger
    ledger.move(rollback.id, PromotionPhase.VERIFYING, stage.world.time, verified=True)
    finish_rollback(stage.pipeline, rollback, plan.source, "alarm")
    found = ledger.promotion(rollback.id)
    assert found is not None
    return found


def test_a_rollback_holds_what_it_left_and_runs_no_command(stage: Stage) -> None:
    before = list(stage.world.ran)
    rollback = roll_back(stage)
    assert rollback.phase is PromotionPhase.SUCCEEDED
    assert stage.world.deployed == B
    assert stage.world.ran == before
    left = [p for p in stage.pipeline.ledger.history("staging") if p.release == C]
    assert [p.phase for p in left] == [PromotionPhase.ROLLED_BACK]
    assert [(h.release, h.reason) for h in stage.pipeline.ledger.holds("staging")] == [(C, "rolled back: alarm")]


def test_the_next_rollback_does_not_go_back_to_what_was_rolled_back(stage: Stage) -> None:
    roll_back(stage)
    plan = plan_rollback(stage.pipeline, "staging", None)
    assert plan.target.release == A
    assert plan.safety.safety is Safety.UNKNOWN
    with pytest.raises(RefusedError, match="UNKNOWN"):
        refuse_unsafe(plan, accepted=False)
    refuse_unsafe(plan, accepted=True)


@pytest.mark.parametrize("to", [C, "d" * 40])
def test_a_release_that_runs_or_never_did_is_no_target(stage: Stage, to: str) -> None:
    with pytest.raises(RefusedError, match="cannot go back"):
        plan_rollback(stage.pipeline, "staging", to)


def test_a_deploy_that_failed_leaves_the_baking_release_watched(stage: Stage) -> None:
    (baking,) = find_watched(stage.pipeline)
    stage.world.files["e" * 40] = stage.world.files[C]
    stage.world.deploy_outcome = CommandOutcome(("cdk",), 1, 2.0, ("RunMigrations failed",))
    stage.world.statuses = ["UPDATE_ROLLBACK_COMPLETE"]
    with pytest.raises(StoppedError):
        stage.promote("e" * 40, "run-e")
    assert stage.phase(baking) is PromotionPhase.BAKING
    assert [p.id for p in find_watched(stage.pipeline)] == [baking.id]


def test_a_deploy_with_an_unknown_end_is_watched_and_shown(stage: Stage) -> None:
    stage.world.files["e" * 40] = stage.world.files[C]
    stage.world.deploy_outcome = CommandOutcome(("cdk",), None, 2.0)
    stage.world.statuses = ["UPDATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_FAILED"]
    with pytest.raises(StoppedError):
        stage.promote("e" * 40, "run-e")
    (watched,) = find_watched(stage.pipeline)
    assert (watched.release, watched.phase) == ("e" * 40, PromotionPhase.FAILED)
    stage.world.pass_time(5)
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    assert watch(stage).decision.action is Action.ROLL_BACK


def test_an_unread_schema_waits_and_then_rolls_back(stage: Stage) -> None:
    stage.world.pass_time(5)
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    stage.world.unreachable.add("database")
    seen = watch(stage)
    assert (seen.decision.action, seen.fresh) == (Action.WAIT, False)
    assert "did not answer" in seen.decision.reason
    stage.world.unreachable.clear()
    assert watch(stage).decision.action is Action.ROLL_BACK


def test_an_unread_schema_holds_a_breach_until_the_deadline_whoever_looks(stage: Stage) -> None:
    stage.world.pass_time(5)
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    stage.world.unreachable.add("database")
    for seconds, action in ((0, Action.WAIT), (598, Action.WAIT), (2, Action.HALT)):
        stage.world.pass_time(seconds)
        seen = watch(Stage(stage.world, stage.world.pipeline()))
        assert seen.decision.action is action, seen.decision
    assert "unread for 600 s" in seen.decision.reason
    assert stage.phase(seen.promotion) is PromotionPhase.HELD
    assert [key for key, _ in pages(stage)] == ["held"]


@pytest.mark.parametrize(("readable", "action"), [(True, Action.ROLL_BACK), (False, Action.HALT)])
def test_a_breach_waits_for_the_schema_though_its_alarm_is_ok_again(
    stage: Stage, readable: bool, action: Action
) -> None:
    stage.world.unreachable.add("database")
    stage.world.pass_time(5)
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    for state in (AlarmState.ALARM, AlarmState.OK, AlarmState.OK):
        stage.world.set_alarm("CardsErrorsAlarm", state)
        assert watch(stage).decision.action is Action.WAIT
        stage.world.pass_time(200)
    if readable:
        stage.world.unreachable.clear()
    assert watch(stage).decision.action is action


def pages(stage: Stage) -> list[tuple[str, str]]:
    """Give what people were asked for, oldest first: the key and the reason."""
    entries = reversed(stage.pipeline.ledger.audit_entries("staging"))
    return [(str(json.loads(entry.details)["key"]), entry.reason) for entry in entries if entry.action == "page"]


def test_an_alarm_that_decides_nothing_asks_for_people_once(stage: Stage) -> None:
    stage.world.pass_time(5)
    alarm = stage.world.set_alarm("DbConnectionsAlarm", AlarmState.ALARM)
    for _ in range(3):
        assert watch(Stage(stage.world, stage.world.pipeline())).decision.action is Action.WAIT
    assert pages(stage) == [(alarm.arn, "DbConnectionsAlarm fires in staging while cccccccc is watched")]


def test_a_page_is_queued_once_with_a_stable_key(stage: Stage) -> None:
    stage.world.unreachable.add("alarms")
    stage.world.pass_time(661)
    seen = watch(stage)
    for _ in range(2):
        page_stopped(stage.pipeline, replace(seen.promotion, phase=PromotionPhase.HELD, reason="again"))
    with closing(SqlOutbox(make_engine(stage.pipeline.settings.paths.ledger_url))) as outbox:
        (queued,) = outbox.messages(10)
    message = queued.message
    assert (message.kind, message.channel, message.subject) == (MessageKind.PAGE, Channel.PAGERDUTY, seen.promotion.id)
    assert message.title.startswith("promotion of cccccccc to staging is HELD: 600 s after the bake")
    assert message.key.startswith(f"page {seen.promotion.id} ")


def test_alarms_that_stay_unread_ask_for_people_once(stage: Stage) -> None:
    stage.world.unreachable.add("alarms")
    stage.world.pass_time(661)
    assert watch(stage).decision.action is Action.HALT
    ((key, reason),) = pages(stage)
    assert key == "held" and "600 s after the bake" in reason


def test_a_held_release_is_no_target_of_an_automatic_rollback(stage: Stage) -> None:
    stage.pipeline.ledger.hold(Hold("staging", B, "a person said so", "ada", stage.world.time))
    stage.world.pass_time(5)
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    seen = watch(stage)
    assert (seen.decision.action, seen.decision.to) == (Action.HALT, None)


def test_a_rollback_that_was_decided_is_asked_for_until_it_begins_whoever_died(stage: Stage) -> None:
    stage.world.files["e" * 40] = stage.world.files[C]
    stage.world.sick.add("cards")
    with pytest.raises(StoppedError):
        stage.promote("e" * 40, "run-e")
    first = watch(stage)
    assert (first.decision.action, first.fresh) == (Action.ROLL_BACK, True)
    again = watch(Stage(stage.world, stage.world.pipeline()))
    assert (again.decision, again.fresh) == (first.decision, False)


def test_a_resumed_promotion_is_decided_about_anew(stage: Stage) -> None:
    stage.world.unreachable.add("services")
    stage.world.files["e" * 40] = stage.world.files[C]
    with pytest.raises(StoppedError):
        stage.promote("e" * 40, "run-e")
    stage.world.unreachable.clear()
    (held,) = find_watched(stage.pipeline)
    assert held.phase is PromotionPhase.HELD
    ledger = stage.pipeline.ledger
    assert ledger.record_decision(held.id, Decision(Action.HALT, "people were asked"), stage.world.time)
    assert find_watched(stage.pipeline) == ()
    stage.deploy(stage.open("e" * 40, "run-f", root="run-e"))
    stage.world.pass_time(61)
    assert watch(stage).decision.action is Action.PROCEED


def test_a_release_rolled_back_in_staging_is_not_healthy_there(stage: Stage) -> None:
    stage.world.pass_time(61)
    watch(stage)
    assert check_entry(stage.pipeline, "prod", C) is None
    roll_back(stage, B)
    assert "healthy in staging" in (check_entry(stage.pipeline, "prod", C) or "")


def test_alarms_unread_past_the_deadline_halt(stage: Stage) -> None:
    stage.world.unreachable.add("alarms")
    stage.world.pass_time(661)
    seen = watch(stage)
    assert (seen.decision.action, seen.fresh) == (Action.HALT, True)
    assert "600 s after the bake" in seen.decision.reason
    assert stage.phase(seen.promotion) is PromotionPhase.HELD


def test_an_alarm_that_fired_before_counts_once_it_was_ok_whoever_looks(tmp_path: Path) -> None:
    world = World(tmp_path)
    stage = Stage(world, world.pipeline())
    stage.promote(B, "run-b")
    world.pass_time(61)
    watch(stage)
    world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    stage.promote(C, "run-c")
    for state, action in (
        (AlarmState.ALARM, Action.WAIT),
        (AlarmState.INSUFFICIENT_DATA, Action.WAIT),
        (AlarmState.ALARM, Action.WAIT),
        (AlarmState.OK, Action.WAIT),
        (AlarmState.ALARM, Action.ROLL_BACK),
    ):
        world.pass_time(1)
        world.set_alarm("CardsErrorsAlarm", state)
        assert watch(Stage(world, world.pipeline())).decision.action is action
