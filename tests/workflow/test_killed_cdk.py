"""A `cdk` that is killed alone: judged by what CloudFormation did, run again where nothing went wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from namecard_release.domain.gates import CommandOutcome
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.domain.readiness import StackStatus
from namecard_release.workflow.pipeline import StoppedError
from tests.fakes.world import B, C
from tests.workflow.test_crashes import RUNS, _copy, _expect, _newest, prepared  # noqa: F401
from tests.workflow.test_promotion import Stage

P = PromotionPhase


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("name", RUNS)
def test_a_cdk_that_is_killed_is_judged_by_what_cloudformation_did(
    prepared: dict[bool, Stage],  # noqa: F811
    tmp_path: Path,
    name: str,
    finished: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work, breached = RUNS[name]
    stage = _copy(prepared[breached], tmp_path / "world")
    port = stage.pipeline.site("staging").cloud
    times = [stage.world.time]

    def statuses(stacks: tuple[str, ...]) -> tuple[StackStatus, ...]:
        return tuple(StackStatus(stack, "UPDATE_COMPLETE", times[-1]) for stack in stacks)

    monkeypatch.setattr(type(port), "stack_statuses", lambda self, stacks: statuses(stacks))

    def finish() -> None:
        if finished:
            stage.world.deploy_outcome = CommandOutcome(("cdk",), 0, 1.0)
            stage.world.during_deploy = lambda: None
            release = B if breached else C
            kept = next(a for a in stage.world.assemblies.values() if a.release == release)
            stage.pipeline.site("staging").deployer.deploy(kept, ())
            times.append(stage.world.time)
        stage.world.deploy_outcome = CommandOutcome(("cdk",), None, 1.0)

    stage.world.during_deploy = finish
    if finished:
        work(stage, stage.pipeline, "run-1")
        _expect(stage, name)
        return
    with pytest.raises(StoppedError, match="cdk deploy"):
        work(stage, stage.pipeline, "run-1")
    assert (_newest(stage).phase, _newest(stage).code_changed) == (P.FAILED, False)


@pytest.mark.parametrize("name", RUNS)
def test_a_cdk_that_is_killed_before_its_work_is_done_is_run_again(
    prepared: dict[bool, Stage],  # noqa: F811
    tmp_path: Path,
    name: str,
) -> None:
    work, breached = RUNS[name]
    stage = _copy(prepared[breached], tmp_path / "world")
    before = len(stage.world.deploys)

    def die_once() -> None:
        stage.world.during_deploy = revive
        stage.world.deploy_outcome = CommandOutcome(("cdk",), None, 1.0)

    def revive() -> None:
        stage.world.deploy_outcome = CommandOutcome(("cdk",), 0, 1.0)

    stage.world.during_deploy = die_once
    work(stage, stage.pipeline, "run-1")
    assert len(stage.world.deploys) - before == 2
    del stage.world.deploys[before]
    _expect(stage, name)


@pytest.mark.parametrize("after", ["UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED"])
@pytest.mark.parametrize("name", RUNS)
def test_a_cdk_that_is_killed_is_not_run_again_on_a_stack_that_failed(
    prepared: dict[bool, Stage],  # noqa: F811
    tmp_path: Path,
    name: str,
    after: str,
) -> None:
    work, breached = RUNS[name]
    stage = _copy(prepared[breached], tmp_path / "world")
    before = len(stage.world.deploys)

    def die() -> None:
        stage.world.deploy_outcome = CommandOutcome(("cdk",), None, 1.0)
        stage.world.statuses = [after]

    stage.world.during_deploy = die
    with pytest.raises(StoppedError, match="cdk deploy"):
        work(stage, stage.pipeline, "run-1")
    assert len(stage.world.deploys) - before == 1
