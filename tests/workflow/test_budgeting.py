"""Latency beside the budgets when a bake ends: recorded, shown, and never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from namecard_release.domain.gates import GateResult, Verdict
from namecard_release.domain.launch import BUDGETS
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.settings import SERVICES
from namecard_release.workflow.budgeting import LATENCY_GATE, compare_latency
from sensors.alarms import watch
from tests.fakes.world import A, World
from tests.workflow.test_promotion import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Make a stage on which A bakes, with fast services."""
    world = World(tmp_path, latencies=dict.fromkeys(SERVICES, (50.0, 200)))
    stage = Stage(world, world.pipeline())
    stage.promote(A)
    return stage


def compare(stage: Stage) -> GateResult:
    """Compare, and give what the ledger kept."""
    (promotion,) = stage.pipeline.ledger.history("staging")
    compare_latency(stage.pipeline, promotion)
    return next(r for r in stage.pipeline.ledger.gates(A, "staging") if r.gate == LATENCY_GATE)


def test_the_end_of_a_bake_records_and_shows_the_comparison(stage: Stage) -> None:
    stage.world.latencies["cards"] = (351.0, 90)
    stage.world.pass_time(61)
    (event,) = watch(stage.pipeline, 0, lambda: 0.0, lambda _: None).events
    shown = event.metadata["latency budget"].value
    assert shown == "FAILED: cards: p95 351 ms, target 350 ms, 90 requests"
    (promotion,) = stage.pipeline.ledger.history("staging")
    assert promotion.phase is PromotionPhase.SUCCEEDED
    (result,) = [r for r in stage.pipeline.ledger.gates(A, "staging") if r.gate == LATENCY_GATE]
    assert (result.verdict, len(result.phases), result.evidence["promotion"]) == (Verdict.FAILED, 6, promotion.id)
    assert watch(stage.pipeline, 0, lambda: 0.0, lambda _: None).events == []


def test_fast_services_pass(stage: Stage) -> None:
    assert (compare(stage).verdict, compare(stage).reason) == (Verdict.PASSED, "6 of 6 phases passed")


@pytest.mark.parametrize(
    ("unreachable", "told"),
    [("latencies", "not read: CloudWatch did not answer"), ("repository", "not read: the repository did not answer")],
)
def test_what_cannot_be_read_is_unknown_and_holds_nothing(stage: Stage, unreachable: str, told: str) -> None:
    stage.world.unreachable.add(unreachable)
    stage.world.pass_time(61)
    assert watch(stage.pipeline, 0, lambda: 0.0, lambda _: None).events
    result = compare(stage)
    assert (result.verdict, result.reason) == (Verdict.UNKNOWN, f"latencies: {told}")
    assert stage.pipeline.ledger.history("staging")[0].phase is PromotionPhase.SUCCEEDED


@pytest.mark.parametrize(("budgets", "told"), [(None, "the release has no launch/budgets.json"), ("[]", "no budget")])
def test_without_budgets_it_is_unknown(stage: Stage, budgets: str | None, told: str) -> None:
    stage.world.launch[BUDGETS] = budgets
    result = compare(stage)
    assert result.verdict is Verdict.UNKNOWN and told in result.reason


def test_too_few_requests_are_unknown(stage: Stage) -> None:
    stage.world.latencies["ocr"] = (9000.0, 3)
    assert (compare(stage).verdict, compare(stage).reason) == (Verdict.UNKNOWN, "ocr: not enough requests: 3 of 20")
