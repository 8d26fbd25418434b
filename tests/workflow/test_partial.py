"""One of two stacks failed: what stands where is told, and the way back converges both, or asks for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from namecard_release.domain.gates import CommandOutcome
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.readiness import StackStatus
from namecard_release.domain.rollback import Action, Decision
from namecard_release.workflow.pipeline import StoppedError
from namecard_release.workflow.watching import find_fallback, find_watched, look
from tests.fakes.world import START, A, B, World
from tests.workflow.test_fast_path import roll_back
from tests.workflow.test_promotion import Stage

P = PromotionPhase
U, R = "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"
FAILED_CDK = CommandOutcome(
    ("cdk",), 1, 9.0, ("NameCardApi-staging failed: the resource AuthServiceFunction is in a bad way",)
)


@dataclass
class Stacks:
    """Two stacks of which a deploy may change one; everything else is the world's."""

    world: World
    inner: Any
    now: dict[str, tuple[str, datetime]] = field(
        default_factory=lambda: dict.fromkeys(("NameCardDb-staging", "NameCardApi-staging"), (U, START))
    )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def stack_statuses(self, stacks: Sequence[str]) -> tuple[StackStatus, ...]:
        """Give each stack's own status."""
        return tuple(StackStatus(name, *self.now[name]) for name in stacks)

    def settle(self, **statuses: str) -> None:
        """Let a deploy end: the stacks named were changed."""
        for name, status in statuses.items():
            self.now[f"NameCard{name}-staging"] = (status, self.world.time + timedelta(seconds=1))


def stage_of(folder: Path) -> tuple[Stage, Stacks]:
    """Make a stage on which A baked well, and whose stacks have statuses of their own."""
    world = World(folder)
    stage = Stage(world, world.pipeline())
    stage.promote(A, "run-a")
    world.pass_time(61)
    assert watch(stage).action is Action.PROCEED
    site = stage.pipeline.site("staging")
    stacks = Stacks(world, site.cloud)
    stage.pipeline = replace(stage.pipeline, site=lambda _: replace(site, cloud=stacks))
    return stage, stacks


def watch(stage: Stage) -> Decision:
    (promotion,) = find_watched(stage.pipeline)
    return look(stage.pipeline, promotion, find_fallback(stage.pipeline, promotion)).decision


def fail(stage: Stage, stacks: Stacks, **statuses: str) -> Promotion:
    """Promote B, whose deploy fails and leaves these statuses."""
    stage.world.during_deploy = lambda: stacks.settle(**statuses)
    stage.world.deploy_outcome = FAILED_CDK
    with pytest.raises(StoppedError):
        stage.promote(B, "run-b")
    stage.world.during_deploy = lambda: stacks.settle(Db=U, Api=U)
    stage.world.deploy_outcome = CommandOutcome(("cdk",), 0, 1.0)
    stage.world.deploys.clear()
    return stage.pipeline.ledger.history("staging")[0]


@pytest.mark.parametrize("api", [{"Api": R}, {}])
def test_the_way_back_converges_both_stacks(tmp_path: Path, api: dict[str, str]) -> None:
    stage, stacks = stage_of(tmp_path)
    failed = fail(stage, stacks, Db=U, **api)
    told = f"Api-staging {'was put back' if api else 'is untouched'}"
    assert (failed.phase, failed.code_changed) == (P.FAILED, True)
    assert "NameCardDb-staging is new" in failed.reason and told in failed.reason and "bad way" in failed.reason
    decision = watch(stage)
    assert (decision.action, decision.to) == (Action.ROLL_BACK, A)
    assert decision.reason.startswith("partly deployed: NameCardDb-staging is new")
    before = dict(stacks.now)
    rollback = roll_back(stage)
    assert rollback.phase is P.SUCCEEDED
    assert all(status == U and moment > before[name][1] for name, (status, moment) in stacks.now.items())
    left = stage.pipeline.ledger.promotion(failed.id)
    assert left is not None and left.phase is P.ROLLED_BACK
    assert [hold.release for hold in stage.pipeline.ledger.holds("staging")] == [B]


def test_old_stacks_alone_are_no_reason_to_go_back(tmp_path: Path) -> None:
    stage, stacks = stage_of(tmp_path)
    failed = fail(stage, stacks, Api=R)
    assert (failed.phase, failed.code_changed) == (P.FAILED, False)
    assert "NameCardDb-staging is untouched" in failed.reason
    assert not any(promotion.release == B for promotion in find_watched(stage.pipeline))


def test_a_stack_that_could_not_be_undone_holds_the_way_back_with_its_way_out(tmp_path: Path) -> None:
    stage, stacks = stage_of(tmp_path)
    failed = fail(stage, stacks, Db=U, Api="UPDATE_ROLLBACK_FAILED")
    assert (failed.phase, failed.code_changed) == (P.FAILED, True)
    assert "continue-update-rollback --stack-name NameCardApi-staging" in failed.reason
    # What runs there nobody knows, so a breach decides; traffic is healed although no deploy may begin.
    stage.world.deployed = B
    with pytest.raises(StoppedError, match="continue-update-rollback"):
        roll_back(stage)
    rollback = stage.pipeline.ledger.history("staging")[0]
    assert (rollback.kind, rollback.phase, stage.world.deploys) == (PromotionKind.ROLLBACK, P.HELD, [])
    assert len(stage.world.switch.taken) == 6


def test_a_rollback_that_changed_one_stack_asks_for_people(tmp_path: Path) -> None:
    stage, stacks = stage_of(tmp_path)
    fail(stage, stacks, Db=U, Api=R)
    assert watch(stage).action is Action.ROLL_BACK
    stage.world.during_deploy = lambda: stacks.settle(Db=U, Api=R)
    stage.world.deploy_outcome = FAILED_CDK
    with pytest.raises(StoppedError, match="NameCardDb-staging is new"):
        roll_back(stage)
    decision = watch(stage)
    assert decision.action is Action.HALT and decision.reason.endswith("a rollback is never rolled back")
    rollback = stage.pipeline.ledger.history("staging")[0]
    assert rollback.phase is P.HELD and "NameCardApi-staging was put back" in rollback.reason
