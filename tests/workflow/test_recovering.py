"""A rollback judged by what its alarms measure since then, over the fakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.domain.rollback import Action
from namecard_release.workflow.recovering import RECOVERY_GATE, judge_recovered
from tests.fakes.world import B, C
from tests.workflow.test_post_bake import PAGE, make_stage, watch_on
from tests.workflow.test_promotion import Stage
from tests.workflow.test_watching import pages, roll_back

ERRORS, OLD = "CardsServiceErrorsAlarm", "AuthServiceErrorsAlarm"


def rolled_back(folder: Path, *, old: bool = False) -> tuple[Stage, Promotion, Promotion]:
    """Make a stage on which C broke and was rolled back to B; gives the rollback and what it left."""
    stage = make_stage(folder, PAGE)
    if old:
        stage.world.set_alarm(OLD, AlarmState.ALARM)
    stage.promote(C, "run-c")
    stage.world.set_alarm(ERRORS, AlarmState.ALARM)
    rollback = roll_back(stage)
    left = next(p for p in stage.pipeline.ledger.history("staging") if p.release == C)
    return stage, rollback, left


def judge(stage: Stage, rollback: Promotion, left: Promotion) -> tuple[Verdict, str]:
    """Judge the rollback as its job does; each wait passes the world's time."""
    (phase,) = judge_recovered(stage.pipeline, rollback, left, "run-r", stage.world.pass_time)
    (kept,) = [one for one in stage.pipeline.ledger.gates(B, "staging") if one.gate == RECOVERY_GATE]
    assert (kept.verdict, kept.evidence["promotion"]) == (phase.verdict, rollback.id)
    return phase.verdict, phase.reason


@pytest.mark.parametrize(
    ("values", "verdict", "words"),
    [
        ((), Verdict.PASSED, "the probes alone decide"),
        ((0.0,), Verdict.PASSED, "none breaching"),
        ((0.0, 4.0), Verdict.FAILED, "4"),
    ],
)
def test_what_its_alarms_measure_since_then_decides(
    tmp_path: Path, values: tuple[float, ...], verdict: Verdict, words: str
) -> None:
    stage, rollback, left = rolled_back(tmp_path, old=True)
    stage.world.past.metrics[ERRORS] = values
    stage.world.past.metrics[OLD] = (9.0, 9.0)
    told = judge(stage, rollback, left)
    assert (told[0], words in told[1]) == (verdict, True), told
    # What fired before the release that was left is no measure of the rollback.
    assert stage.world.past.asked_metrics == [(ERRORS,)]


def test_metrics_that_are_not_read_are_asked_for_until_the_deadline(tmp_path: Path) -> None:
    stage, rollback, left = rolled_back(tmp_path)
    stage.world.unreachable.add("metrics")
    begun = stage.world.time
    told = judge(stage, rollback, left)
    assert told == (Verdict.UNKNOWN, "not read: CloudWatch told no metrics")
    assert 600 <= (stage.world.time - begun).total_seconds() < 610


def test_metrics_that_are_read_at_last_decide(tmp_path: Path) -> None:
    stage, rollback, left = rolled_back(tmp_path)
    stage.world.unreachable.add("metrics")

    def wait(seconds: float) -> None:
        stage.world.unreachable.clear()

    (phase,) = judge_recovered(stage.pipeline, rollback, left, "run-r", wait)
    assert phase.verdict is Verdict.PASSED and len(stage.world.past.asked_metrics) == 2


def test_a_rollback_that_no_alarm_asked_for_measures_nothing(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, PAGE)
    stage.promote(C, "run-c")
    rollback = roll_back(stage)
    (phase,) = judge_recovered(stage.pipeline, rollback, None, "run-r", stage.world.pass_time)
    assert (phase.verdict, stage.world.past.asked_metrics) == (Verdict.PASSED, [])


def test_after_the_rollback_the_watch_asks_the_metrics_while_the_alarm_cannot_tell(tmp_path: Path) -> None:
    stage, rollback, _ = rolled_back(tmp_path)
    stage.world.past.metrics[ERRORS] = (0.0,)
    stage.world.pass_time(120)
    assert watch_on(stage).decision.action is Action.WAIT
    stage.world.past.metrics[ERRORS] = (0.0, 3.0)
    stage.world.pass_time(60)
    seen = watch_on(stage)
    assert (seen.promotion.id, seen.decision.action, seen.fresh) == (rollback.id, Action.HALT, True)
    assert "still breaching: CardsServiceErrorsAlarm" in seen.decision.reason
    assert stage.phase(rollback) is PromotionPhase.SUCCEEDED and len(pages(stage)) == 1


@pytest.mark.parametrize("ending", ["metrics", "alarm"])
def test_the_watch_takes_nothing_unread_for_a_breach_and_ends_when_the_alarm_is_ok(tmp_path: Path, ending: str) -> None:
    stage, _, _ = rolled_back(tmp_path)
    stage.world.pass_time(120)
    if ending == "metrics":
        stage.world.unreachable.add("metrics")
    else:
        stage.world.set_alarm(ERRORS, AlarmState.OK)
        stage.world.past.metrics[ERRORS] = (3.0,)
    assert watch_on(stage).decision.action is Action.WAIT
    asked = len(stage.world.past.asked_metrics)
    assert watch_on(stage).decision.action is Action.WAIT
    assert len(stage.world.past.asked_metrics) - asked == (1 if ending == "metrics" else 0)
