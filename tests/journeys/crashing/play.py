"""One change of the environment played with kills in it, and what has to be true afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

from jobs.promote import promote_job_name
from jobs.rollback import ROLLBACK_JOB
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.release import short
from namecard_release.domain.rollback import Action
from namecard_release.errors import RefusedError
from namecard_release.workflow.leasing import LEASE_SECONDS
from tests.journeys.crashing.ground import Ground, wait_for
from tests.journeys.crashing.killing import PATIENCE_SECONDS, Caught, kill
from tests.journeys.crashing.matrix import BEFORE_DEPLOY, DEPLOYING, Cell, Change
from tests.journeys.crashing.outcome import Outcome

_ENDS = (PromotionPhase.SUCCEEDED, PromotionPhase.HELD, PromotionPhase.ROLLED_BACK)
# What the shipped settings promise.
RECOVERY_SECONDS = 60.0


@dataclass
class _Played:
    """A change under way: the promotion's id, the job whose runs are killed, and the kills with their recovery."""

    promotion: str
    job: str
    kills: list[tuple[Cell, float]]


def play(ground: Ground, cells: Sequence[Cell], good: str, new: str) -> list[Outcome]:
    """Play cells of one change in one go: the release `new` is promoted over `good`, or left for it.

    AssertionError when it does not end resumed or HELD, when anything was deployed twice, or a decision was lost.
    """
    change = cells[0].change
    # What a cell before this one left armed is none of its.
    ground.traps.clear()
    _stand_on(ground, new if change is Change.ROLLBACK else good, good, new)
    before = ground.updates()
    begun = datetime.now(UTC)
    if change is not Change.AUTOMATIC:
        _arm(ground, cells)
    played = _launch(ground, change, good, new)
    with _alarm(ground, played, cells) if change is Change.AUTOMATIC else nullcontext():
        try:
            _kill_all(ground, played, list(cells))
        finally:
            ground.let_migrator_go()
        ended = wait_for(lambda: _ended(ground, played.promotion, change), PATIENCE_SECONDS, "the end of the change")
    wait_for(lambda: ground.is_idle() or None, 60, "the end of all runs")
    deploys = _most_deploys(ground, before)
    _check(ground, change, ended, begun, good, new, deploys)
    return [Outcome(cell, str(ended.phase), seconds, deploys) for cell, seconds in played.kills]


@contextmanager
def _alarm(ground: Ground, played: _Played, cells: Sequence[Cell]) -> Iterator[None]:
    """Have an alarm fire once the promotion verifies, its traps armed only now: the promotion is launched as well."""
    wait_for(lambda: _at_least_verifying(ground, played.promotion), PATIENCE_SECONDS, "the promotion verifies")
    _arm(ground, cells)
    with ground.alarm_firing("ErrorsAlarm"):
        yield


def _kill_all(ground: Ground, played: _Played, left: list[Cell]) -> None:
    """Kill the victims of all cells as the change comes to their moments."""
    while left:
        trap, pid = wait_for(lambda: _next_met(ground, left), PATIENCE_SECONDS, f"a process at {left[0].moment.trap}")
        if trap == BEFORE_DEPLOY and any(cell.moment.trap == DEPLOYING for cell in left):
            ground.hold_migrator()
        found = next((cell for cell in left if cell.moment.trap == trap), None)
        if found is None:
            ground.traps.free(trap)
            continue
        left.remove(found)
        played.kills.append((found, kill(Caught(ground, found, pid, played.job, left))))


def _stand_on(ground: Ground, wanted: str, good: str, new: str) -> None:
    """Bring the environment to a release without any kill, and lift the hold that a rollback left."""
    _lift_hold(ground, new)
    history = ground.ledger.history(ground.environment)
    running = next((p for p in history if p.code_changed and p.phase is not PromotionPhase.ROLLED_BACK), None)
    if running is None or running.release != wanted:
        words = ("rollback",) if wanted == good and running is not None else ("promote", "--commit", wanted)
        ground.call(words[0], "--env", ground.environment, *words[1:], "--reason", "the ground of the matrix", "--wait")
        if wanted == good:
            _lift_hold(ground, new)
    wait_for(lambda: ground.is_idle() or None, 60, "the end of all runs")


def _lift_hold(ground: Ground, release: str) -> None:
    if any(hold.release == release for hold in ground.ledger.holds(ground.environment)):
        ground.call("holds", "release", "--env", ground.environment, "--commit", release, "--reason", "the next cell")


def _launch(ground: Ground, change: Change, good: str, new: str) -> _Played:
    is_rollback = change is Change.ROLLBACK
    words = ("rollback",) if is_rollback else ("promote", "--commit", new)
    done = ground.sandbox.call(words[0], "--env", ground.environment, *words[1:], "--reason", "crash matrix", "--json")
    assert done.returncode == 0, done.stderr
    run = str(json.loads(done.stdout)["run"])
    kind = PromotionKind.ROLLBACK if is_rollback else PromotionKind.PROMOTION
    job = promote_job_name(ground.environment) if change is Change.PROMOTION else ROLLBACK_JOB
    return _Played(f"{ground.environment}-{kind}-{short(good if is_rollback else new)}-{run[:8]}", job, [])


def _at_least_verifying(ground: Ground, promotion_id: str) -> bool | None:
    found = ground.ledger.promotion(promotion_id)
    return True if found is not None and found.phase in (PromotionPhase.VERIFYING, PromotionPhase.BAKING) else None


def _arm(ground: Ground, cells: Sequence[Cell]) -> None:
    for trap in _traps(cells):
        ground.traps.arm(trap)


def _traps(cells: Sequence[Cell]) -> list[str]:
    """Give what is armed: the cells' own traps, and the one at which the deploy is made to take its time."""
    own = [cell.moment.trap for cell in cells]
    return [BEFORE_DEPLOY, *own] if DEPLOYING in own and BEFORE_DEPLOY not in own else own


def _next_met(ground: Ground, left: Sequence[Cell]) -> tuple[str, int] | None:
    met = ((trap, ground.traps.pid_at(trap)) for trap in _traps(left) if not ground.traps.is_free(trap))
    return next(((trap, pid) for trap, pid in met if pid is not None), None)


def _ended(ground: Ground, promotion_id: str, change: Change) -> Promotion | None:
    found = ground.ledger.promotion(promotion_id)
    wanted = (PromotionPhase.ROLLED_BACK, PromotionPhase.HELD) if change is Change.AUTOMATIC else _ENDS
    return found if found is not None and found.phase in wanted else None


def _most_deploys(ground: Ground, before: dict[str, int]) -> int:
    return max(count - before.get(stack, 0) for stack, count in ground.updates().items())


def _is_free(ground: Ground) -> bool:
    try:
        ground.ledger.take_lease(ground.environment, "crash-matrix", 1.0).release()
    except RefusedError:
        return False
    return True


def _check(
    ground: Ground, change: Change, ended: Promotion, begun: datetime, good: str, new: str, deploys: int
) -> None:
    """Check what has to be true whatever was killed."""
    since = [p for p in ground.ledger.history(ground.environment) if p.requested_at >= begun]
    changes = 2 if change is Change.AUTOMATIC else 1
    assert len(since) == changes, [(p.id, p.phase, p.reason) for p in since]
    assert deploys == changes, f"a stack was deployed {deploys} times in {changes} change(s)"
    assert ground.ledger.verify_audit().verdict is Verdict.PASSED
    # Nobody is left who has the environment; the lease of a run that died after its last write lapses by itself.
    wait_for(lambda: _is_free(ground), LEASE_SECONDS + 5, "the lease of the change is given back or lapses")
    # A person would have to look at one that is HELD: nothing that is killed here asks for that.
    assert ended.phase is not PromotionPhase.HELD, ended.reason
    assert ground.served() == {new if change is Change.PROMOTION else good}
    if change is Change.PROMOTION:
        decision = ground.ledger.decision(ended.id)
        assert decision is not None and decision.action is Action.PROCEED
        return
    left = ground.newest(new)
    assert left is not None and left.phase is PromotionPhase.ROLLED_BACK
    assert new in {hold.release for hold in ground.ledger.holds(ground.environment)}
    if change is Change.AUTOMATIC:
        decision = ground.ledger.decision(ended.id)
        assert decision is not None and decision.action is Action.ROLL_BACK
