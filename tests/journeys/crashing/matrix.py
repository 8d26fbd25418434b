"""The cells of the crash matrix: which process is killed at which moment of which change. Playing them is `play`'s."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest


class Change(StrEnum):
    """What happens to the environment while something is killed."""

    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    AUTOMATIC = "automatic rollback"


class Victim(StrEnum):
    """What is killed: a process by SIGKILL, or every connection between the pipeline and AWS by a reset.

    ANSWER is a connection that is reset when AWS has heard the request and answers. MACHINE is the run's process and
    all of Dagster's at once, as when the power goes.
    """

    WORKER = "run worker"
    CDK = "cdk"
    DAEMON = "daemon"
    CONNECTION = "connection"
    ANSWER = "answer"
    MACHINE = "machine"


class When(StrEnum):
    """Where in a step."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True)
class Moment:
    """A moment of a step, and the trap that a process of the pipeline meets there.

    What is after one step and before the next, with nothing in between that anybody outside could see, is one moment.
    """

    step: str
    when: When
    trap: str


@dataclass(frozen=True)
class Cell:
    """One cell: at a moment of a change, a victim."""

    change: Change
    moment: Moment
    victim: Victim

    @property
    def name(self) -> str:
        """A name for the test's report."""
        return f"{self.moment.step}, {self.moment.when}: {self.victim}"


B, D, A = When.BEFORE, When.DURING, When.AFTER
# The stack that holds migrator and code was seen in progress, where its migrator waits for the platform's lock.
DEPLOYING = "run.cloud.stack_statuses.NameCardApi.UPDATE_IN_PROGRESS"
BEFORE_DEPLOY = "run.deployer.deploy.before"

# In the order in which a promotion's run comes to them, its gates remembered.
PROMOTION = (
    Moment("source", B, "run.repository.resolve.before"),
    Moment("source", D, "run.ledger.open_promotion.after"),
    Moment("source", A, "run.ledger.record_gate.source.after"),
    Moment("quality", D, "run.ledger.record_gate.quality.before"),
    Moment("quality", A, "run.ledger.record_gate.quality.after"),
    Moment("launch readiness", D, "run.ledger.record_gate.launch_readiness.before"),
    Moment("launch readiness", A, "run.ledger.record_gate.launch_readiness.after"),
    Moment("synthetic monitor", D, "run.ledger.record_gate.synthetic_monitor.before"),
    Moment("synthetic monitor", A, "run.ledger.record_gate.synthetic_monitor.after"),
    Moment("migration plan", D, "run.ledger.record_gate.migration_plan.before"),
    Moment("migration plan", A, "run.ledger.record_gate.migration_plan.after"),
    Moment("assembly", D, "run.ledger.record_gate.assembly.before"),
    Moment("assembly", A, "run.ledger.record_gate.assembly.after"),
    Moment("admission", B, "run.ledger.move.GATED.before"),
    Moment("admission", A, "run.ledger.move.GATED.after"),
    Moment("lease", A, "run.ledger.queue_lease.after"),
    Moment("rollback verdict", D, "run.ledger.record_gate.rollback_verdict.before"),
    Moment("baseline", B, "run.cloud.alarms.before"),
    Moment("baseline", A, "run.cloud.alarms.after"),
    Moment("intent", A, "run.ledger.move.DEPLOYING.after"),
    Moment("deploy", B, BEFORE_DEPLOY),
    Moment("deploy", D, DEPLOYING),
    Moment("deploy", A, "run.deployer.deploy.after"),
    Moment("outcome", A, "run.ledger.move.VERIFYING.after"),
    Moment("verification", D, "run.cloud.functions.before"),
    Moment("probes", D, "run.prober.probe.after"),
    Moment("verification", A, "run.ledger.record_gate.verification.after"),
    Moment("probes", A, "run.ledger.record_gate.health_probes.after"),
    Moment("bake's begin", A, "run.ledger.move.BAKING.after"),
)
# The sensor's, which the daemon drives.
BAKE = (
    # Of whatever is watched just then: this release's bake, or what the one before it left.
    Moment("watch", D, "watch.cloud.alarms.before"),
    Moment("bake's decision", B, "watch.ledger.record_decision.PROCEED.before"),
    Moment("bake's decision", A, "watch.ledger.record_decision.PROCEED.after"),
    Moment("bake's end", A, "watch.ledger.move.SUCCEEDED.after"),
)
ROLLBACK = (
    Moment("plan", B, "run.ledger.history.before"),
    Moment("plan", A, "run.ledger.open_promotion.before"),
    Moment("request", A, "run.ledger.open_promotion.after"),
    Moment("admission", A, "run.ledger.move.GATED.after"),
    Moment("lease", A, "run.ledger.take_lease.after"),
    Moment("fast path", B, "run.switch.read.before"),
    Moment("fast path's intent", A, "run.ledger.intend_steps.after"),
    Moment("fast path", D, "run.switch.take.after"),
    Moment("fast path", A, "run.ledger.record_gate.fast_path.after"),
    Moment("baseline", B, "run.cloud.alarms.before"),
    Moment("baseline", A, "run.cloud.alarms.after"),
    Moment("intent", A, "run.ledger.move.DEPLOYING.after"),
    Moment("deploy", B, BEFORE_DEPLOY),
    Moment("deploy", D, DEPLOYING),
    Moment("deploy", A, "run.deployer.deploy.after"),
    Moment("outcome", A, "run.ledger.move.VERIFYING.after"),
    Moment("verification", D, "run.cloud.functions.before"),
    Moment("probes", D, "run.prober.probe.after"),
    Moment("probes", A, "run.ledger.record_gate.health_probes.after"),
    Moment("verified", A, "run.ledger.move.VERIFYING.verified.after"),
    Moment("hold", A, "run.ledger.hold.after"),
    Moment("release left", A, "run.ledger.move.ROLLED_BACK.after"),
    Moment("end", A, "run.ledger.move.SUCCEEDED.after"),
)
DECISION = (
    Moment("decision", B, "watch.ledger.record_decision.ROLL_BACK.before"),
    Moment("decision", A, "watch.ledger.record_decision.ROLL_BACK.after"),
)
# The calls of AWS; a cut in any other step finds no connection that is used.
_CALLS = ("baseline", "fast path", "deploy", "verification", "watch", "bake", "decision")
_POWER = ("run.ledger.record_gate.assembly.after", DEPLOYING, "run.cloud.functions.before")
_LOST = ("run.cloud.alarms.before", "run.cloud.functions.before", BEFORE_DEPLOY)


def groups() -> list[list[Cell]]:
    """Put the cells together that are played in one change, promotions and rollbacks taking turns.

    A run's process is killed twice in a change, the second time the one that resumes; what a run survives is killed
    again and again. Each change stands where the one before it ended.
    """
    forth = [group for change in (Change.PROMOTION, Change.AUTOMATIC) for group in _grouped(change)]
    back = _grouped(Change.ROLLBACK)
    return [group for pair in zip_longest(forth, back) for group in pair if group]


def _grouped(change: Change) -> list[list[Cell]]:
    own = [cell for cell in cells() if cell.change is change]
    if change is Change.AUTOMATIC:
        return [[cell] for cell in own]
    killed = [cell for cell in own if cell.victim is Victim.WORKER]
    half = (len(killed) + 1) // 2
    twice = [[first, *killed[half + n : half + n + 1]] for n, first in enumerate(killed[:half])]
    alone = [[cell] for cell in own if cell.victim in (Victim.CDK, Victim.MACHINE)]
    together = [[c for c in own if c.victim is v] for v in (Victim.DAEMON, Victim.CONNECTION, Victim.ANSWER)]
    return twice + alone + together


def cells() -> Iterator[Cell]:
    """Give every cell that is played."""
    runs = {Change.PROMOTION: PROMOTION, Change.ROLLBACK: ROLLBACK}
    for change, moments in runs.items():
        yield from (Cell(change, moment, Victim.WORKER) for moment in moments)
        watched = (*moments, *BAKE) if change is Change.PROMOTION else moments
        yield from (Cell(change, moment, Victim.DAEMON) for moment in watched)
        calls = [moment for moment in watched if moment.step.startswith(_CALLS) and moment is not BAKE[-1]]
        yield from (Cell(change, moment, Victim.CONNECTION) for moment in calls)
        yield from (Cell(change, moment, Victim.ANSWER) for moment in watched if moment.trap in _LOST)
        deploying = [m for m in moments if m.step.startswith("deploy") and m.when is not When.AFTER]
        yield from (Cell(change, moment, Victim.CDK) for moment in deploying)
        yield from (Cell(change, moment, Victim.MACHINE) for moment in moments if moment.trap in _POWER)
    yield from (Cell(Change.AUTOMATIC, m, victim) for m in DECISION for victim in (Victim.DAEMON, Victim.CONNECTION))
