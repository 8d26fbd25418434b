"""Mitigations killed at every step, over fakes: settled by reading again, made once, undone exactly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from namecard_release.domain.mitigations import Lever, MitigationKind, MitigationState
from namecard_release.errors import RefusedError
from namecard_release.workflow import mitigating
from namecard_release.workflow.mitigating import run_mitigation, settle_all
from tests.fakes.levers import KilledError
from tests.fakes.mitigation_stage import Stage, ask, kill, live

K, S = MitigationKind, MitigationState
Step = Callable[[Stage, pytest.MonkeyPatch], None]


def die_before(stage: Stage, _: pytest.MonkeyPatch) -> None:
    stage.levers.before_write = kill


def die_after(stage: Stage, _: pytest.MonkeyPatch) -> None:
    stage.levers.after_write = kill


def die_at_the_outcome(stage: Stage, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(mitigating, "_end", lambda *_: kill())


KILLS = pytest.mark.parametrize("die", [die_before, die_after, die_at_the_outcome])


def cut(stage: Stage, die: Step, act: Callable[[], object]) -> None:
    """Do something, be killed at it, and live on."""
    with pytest.MonkeyPatch.context() as patch:
        die(stage, patch)
        with pytest.raises(KilledError):
            act()
    live(stage)


@KILLS
def test_a_kill_anywhere_is_resumed_by_the_same_command_and_made_once(stage: Stage, die: Step) -> None:
    cut(stage, die, stage.run)
    assert stage.kept() == [(1, S.INTENDED)]
    done = run_mitigation(stage.pipeline, ask())
    assert done.mitigation is not None and stage.kept() == [(1, S.APPLIED)]
    assert stage.levers.reserved == 50 and stage.levers.written == [(Lever.RESERVED, "25", "50")]
    assert stage.undo() is not None and stage.levers.reserved == 25


@KILLS
def test_a_kill_is_settled_by_whoever_comes_next_with_something_else(stage: Stage, die: Step) -> None:
    cut(stage, die, stage.run)
    stage.run(to="30")
    first = S.FAILED if die is die_before else S.APPLIED
    assert stage.kept() == [(1, first), (2, S.APPLIED)] and stage.levers.reserved == 30


@KILLS
def test_a_kill_while_it_is_undone_is_resumed(stage: Stage, die: Step) -> None:
    stage.run()
    cut(stage, die, stage.undo)
    assert stage.kept() == [(1, S.UNDOING)]
    stage.undo()
    assert stage.kept() == [(1, S.UNDONE)] and stage.levers.reserved == 25
    assert stage.levers.written.count((Lever.RESERVED, "50", "25")) == 1


@KILLS
def test_settling_reads_and_makes_nothing_again(stage: Stage, die: Step) -> None:
    cut(stage, die, stage.run)
    written = list(stage.levers.written)
    (one,) = settle_all(stage.pipeline, "prod")
    assert one.state is (S.FAILED if die is die_before else S.APPLIED)
    assert stage.levers.written == written and settle_all(stage.pipeline, "prod") == ()


def test_a_failover_that_was_killed_is_never_made_again_by_itself(stage: Stage) -> None:
    request = ask(K.FAILOVER, "", service="", playbook="database-connections", confirm="db-1")
    stage.levers.before_write = kill
    with pytest.raises(KilledError):
        run_mitigation(stage.pipeline, request)
    live(stage)
    stage.levers.status = "failing-over"
    with pytest.raises(RefusedError, match="mitigation 1: the cluster is failing over; wait"):
        run_mitigation(stage.pipeline, request)
    stage.levers.status = "available"
    done = run_mitigation(stage.pipeline, request).mitigation
    # The writer was still the old one: the first is written off, and this is a new one, confirmed anew.
    assert done is not None and stage.kept() == [(1, S.FAILED), (2, S.APPLIED)]


def test_half_a_flag_that_is_given_up_is_taken_back_whole(stage: Stage) -> None:
    request = ask(K.FLAG, "on", flag="fallback", service="", playbook="lambda-errors")
    stage.levers.before_write = kill
    with pytest.raises(KilledError):
        run_mitigation(stage.pipeline, request)
    live(stage)
    stage.levers.half = True
    settle_all(stage.pipeline, "prod")
    assert stage.levers.written == [(Lever.FLAG, "unset", "unset")] and stage.kept() == [(1, S.FAILED)]
