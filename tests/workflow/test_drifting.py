"""Drift over the fakes: against what the ledger says, before a promotion, in readiness."""

from __future__ import annotations

from pathlib import Path

import pytest

from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.drift import DriftReport, StackDrift, StackDriftStatus
from namecard_release.domain.gates import Verdict, combine_phases
from namecard_release.domain.mitigations import Lever, Mitigation, MitigationKind, MitigationState, Target
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.errors import RefusedError
from namecard_release.workflow.drifting import check_drift, refuse_drift
from namecard_release.workflow.readying import check_readiness
from tests.fakes.switch import NAMES
from tests.fakes.world import A, B, World
from tests.workflow.test_promotion import Stage

P = PromotionPhase


def stage_of(folder: Path, **own: object) -> Stage:
    world = World(folder, own={"staging": dict(own)})
    stage = Stage(world, world.pipeline())
    stage.promote(A)
    return stage


def verdict(report: DriftReport) -> Verdict:
    return combine_phases(report.phases)[0]


def test_the_ledgers_release_is_compared_with_what_runs(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    report = check_drift(stage.pipeline, "staging")
    assert (report.release, verdict(report), report.items) == (A, Verdict.PASSED, ())
    stage.world.switch.running[NAMES[0]] = "by hand"
    stage.world.switch.gone = {"queue"}
    stage.world.switch.drifts = {"NameCardApi-staging": StackDrift("NameCardApi-staging", StackDriftStatus.DRIFTED)}
    report = check_drift(stage.pipeline, "staging")
    assert verdict(report) is Verdict.FAILED
    assert {item.section for item in report.items} == {"code", "dead-letter queue", "CloudFormation"}


def test_what_a_mitigation_made_is_named_and_fails_nothing(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    target = Target("staging", Lever.RESERVED, "auth", "fn", "", NAMES[0])
    kept = (MitigationState.INTENDED, "ada", "why", None, "r", stage.world.time)
    one = Mitigation(0, target, MitigationKind.RESERVED, "throttles", "25", "50", *kept)
    event = AuditEvent(stage.world.time, "ada", "mitigation intended", "mitigation", "staging", "why")
    stage.pipeline.ledger.intend_mitigation(one, event)
    stack, own = "NameCardApi-staging", f"{NAMES[0]} modified at /ReservedConcurrentExecutions"
    stage.world.switch.drifts = {stack: StackDrift(stack, StackDriftStatus.DRIFTED, (own,))}
    report = check_drift(stage.pipeline, "staging")
    assert verdict(report) is Verdict.PASSED
    assert report.items[0].explained == "mitigation 1 (reserved concurrency of auth: 25 -> 50)"
    assert "but for mitigation 1" in report.phases[-1].reason
    other = f"{NAMES[1]} modified at /MemorySize"
    stage.world.switch.drifts = {stack: StackDrift(stack, StackDriftStatus.DRIFTED, (own, other))}
    report = check_drift(stage.pipeline, "staging")
    assert verdict(report) is Verdict.FAILED and "mitigation" not in report.phases[-1].reason


@pytest.mark.parametrize("unreachable", ["switch", "alarms", "queue", "dashboard"])
def test_what_is_unread_is_unknown_and_hides_nothing(tmp_path: Path, unreachable: str) -> None:
    stage = stage_of(tmp_path)
    stage.world.unreachable = {unreachable}
    report = check_drift(stage.pipeline, "staging")
    dark = [phase for phase in report.phases if phase.verdict is Verdict.UNKNOWN]
    assert verdict(report) is Verdict.UNKNOWN and len(dark) == (3 if unreachable == "switch" else 1)


def test_nothing_is_known_without_a_release_or_its_assembly_or_while_one_is_deployed(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    assert [p.name for p in check_drift(stage.pipeline, "dev").phases] == ["ledger"]
    kept = dict(stage.world.assemblies)
    stage.world.assemblies.clear()
    report = check_drift(stage.pipeline, "staging")
    assert ([p.name for p in report.phases], verdict(report)) == (["assembly"], Verdict.UNKNOWN)
    stage.world.assemblies.update(kept)
    moving = stage.open(B, "run-2")
    for phase in (P.GATED, P.DEPLOYING):
        stage.pipeline.ledger.move(moving.id, phase, stage.world.time)
    report = check_drift(stage.pipeline, "staging")
    assert verdict(report) is Verdict.UNKNOWN and moving.id in report.phases[0].reason


@pytest.mark.parametrize(
    ("blocks", "drifts", "override", "refused"),
    [
        (True, True, None, True),
        (True, True, "an emergency", False),
        (True, False, None, False),
        (False, True, None, False),
    ],
)
def test_drift_keeps_a_promotion_out_where_the_policy_says_so(
    tmp_path: Path, blocks: bool, drifts: bool, override: str | None, refused: bool
) -> None:
    stage = stage_of(tmp_path, drift_blocks=blocks)
    if drifts:
        stage.world.switch.running[NAMES[0]] = "by hand"
    promotion: Promotion = stage.open(B, "run-2")
    if override:
        now = stage.world.time
        promotion = stage.pipeline.ledger.move(promotion.id, promotion.phase, now, freeze_override=override)
    if refused:
        with pytest.raises(RefusedError, match=r"(?s)instead of.*drift --env staging"):
            refuse_drift(stage.pipeline, promotion)
        return
    report = refuse_drift(stage.pipeline, promotion)
    assert (report is not None) == blocks
    # What nobody could read keeps nobody out.
    stage.world.unreachable = {"switch"}
    if blocks:
        refuse_drift(stage.pipeline, promotion)


def test_readiness_looks_at_the_code_that_runs(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    told = {phase.name: phase for phase in check_readiness(stage.pipeline, "staging")}
    assert told["code"].verdict is Verdict.PASSED
    stage.world.switch.running[NAMES[0]] = "by hand"
    told = {phase.name: phase for phase in check_readiness(stage.pipeline, "staging")}
    assert told["code"].verdict is Verdict.FAILED and NAMES[0] in told["code"].reason
