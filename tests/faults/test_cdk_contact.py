"""A deploy whose cdk loses AWS: again where nothing was done, joined where CloudFormation did it, held otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from namecard_release.domain.gates import CommandOutcome
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.workflow.pipeline import StoppedError
from tests.fakes.world import A, World
from tests.workflow.test_promotion import Stage

_TAIL = ("S: deploying... [1/1]", "S failed to deploy", "Throttling: Rate exceeded")
_LOST = CommandOutcome(("cdk",), 1, 60.0, _TAIL)
_REFUSED = CommandOutcome(("cdk",), 1, 20.0, ("ExpiredToken: The security token included in the request is expired",))


def _stage(tmp_path: Path) -> Stage:
    world = World(tmp_path)
    return Stage(world, world.pipeline())


def test_a_cdk_that_loses_aws_before_anything_was_done_is_run_again(tmp_path: Path) -> None:
    stage = _stage(tmp_path)
    stage.world.deploy_outcome = _LOST

    def recover() -> None:
        if stage.world.deploys:
            stage.world.deploy_outcome = CommandOutcome(("cdk",), 0, 8.0)

    stage.world.during_deploy = recover
    assert stage.promote(A).phase is PromotionPhase.BAKING
    assert stage.world.deploys == [A, A] and stage.world.deployed == A


def test_a_cdk_that_keeps_losing_aws_is_held_with_its_words_and_the_old_code(tmp_path: Path) -> None:
    stage = _stage(tmp_path)
    stage.world.deploy_outcome = _LOST
    with pytest.raises(StoppedError, match="lost AWS: Throttling: Rate exceeded"):
        stage.promote(A)
    (promotion,) = stage.pipeline.ledger.history("staging")
    assert (promotion.phase, promotion.code_changed) == (PromotionPhase.HELD, False)
    assert len(stage.world.deploys) > 1


def test_a_cdk_that_was_refused_is_not_run_again(tmp_path: Path) -> None:
    stage = _stage(tmp_path)
    stage.world.deploy_outcome = _REFUSED
    with pytest.raises(StoppedError, match="ExpiredToken"):
        stage.promote(A)
    (promotion,) = stage.pipeline.ledger.history("staging")
    assert promotion.phase is PromotionPhase.FAILED and len(stage.world.deploys) == 1
