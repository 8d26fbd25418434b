"""The cells of the crash matrix: which process is killed at which moment of which change. Playing them is `play`'s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

    CODE_SERVER is where the sensors run. ANSWER is a connection that is reset when AWS has heard the request and
    answers. MACHINE is the run's process and all of Dagster's at once, as when the power goes.
    """

    WORKER = "run worker"
    CDK = "cdk"
    DAEMON = "daemon"
    RUN_SERVER = "run server"
    CODE_SERVER = "code server"
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
        """A name for the test's report, the same in every play."""
        return f"{self.change}: {self.moment.step}, {self.moment.when}: {self.victim}"


B, D, A = When.BEFORE, When.DURING, When.AFTER
# The stack that holds migrator and code was seen in progress, where its migrator waits for the platform's lock.
DEPLOYING = "run.cloud.stack_statuses.NameCardApi.UPDATE_IN_PROGRESS"
BEFORE_DEPLOY = "run.deployer.deploy.before"

# The daemon's, between the queue and the run server; during: the run server was asked and has not answered.
_PROMOTION_LAUNCH = (
    Moment("launch", B, "launch.promotion.before"),
    Moment("launch", D, "launch.promotion.asking"),
    Moment("launch", A, "launch.promotion.after"),
)
_ROLLBACK_LAUNCH = (
    Moment("launch", B, "launch.rollback.before"),
    Moment("launch", D, "launch.rollback.asking"),
    Moment("launch", A, "launch.rollback.after"),
)
# A release brought to its environment, whichever way it goes.
_DEPLOY = (
    Moment("baseline", B, "run.cloud.alarms.before"),
    Moment("baseline", A, "run.cloud.alarms.after"),
    Moment("intent", A, "run.ledger.move.DEPLOYING.after"),
    Moment("deploy", B, BEFORE_DEPLOY),
    Moment("deploy", D, DEPLOYING),
    Moment("deploy", A, "run.deployer.deploy.after"),
    Moment("outcome", A, "run.ledger.move.VERIFYING.after"),
    Moment("verification", D, "run.cloud.functions.before"),
    Moment("probes", D, "run.prober.probe.after"),
)
# In the order in which a promotion's run comes to them, its gates remembered.
_PROMOTION = (
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
    *_DEPLOY,
    Moment("verification", A, "run.ledger.record_gate.verification.after"),
    Moment("probes", A, "run.ledger.record_gate.health_probes.after"),
    Moment("bake's begin", A, "run.ledger.move.BAKING.after"),
)
# The sensor's, in the code server, which the daemon drives.
_BAKE = (
    # Of whatever is watched just then: this release's bake, or what the one before it left.
    Moment("watch", D, "watch.cloud.alarms.before"),
    Moment("bake's decision", B, "watch.ledger.record_decision.PROCEED.before"),
    Moment("bake's decision", A, "watch.ledger.record_decision.PROCEED.after"),
    Moment("bake's end", A, "watch.ledger.move.SUCCEEDED.after"),
)
_ROLLBACK = (
    Moment("plan", B, "run.ledger.history.before"),
    Moment("plan", A, "run.ledger.open_promotion.before"),
    Moment("request", A, "run.ledger.open_promotion.after"),
    Moment("admission", A, "run.ledger.move.GATED.after"),
    Moment("lease", A, "run.ledger.take_lease.after"),
    Moment("fast path", B, "run.switch.read.before"),
    Moment("fast path's intent", A, "run.ledger.intend_steps.after"),
    Moment("fast path", D, "run.switch.take.after"),
    Moment("fast path", A, "run.ledger.record_gate.fast_path.after"),
    *_DEPLOY,
    Moment("probes", A, "run.ledger.record_gate.health_probes.after"),
    Moment("verified", A, "run.ledger.move.VERIFYING.verified.after"),
    Moment("hold", A, "run.ledger.hold.after"),
    Moment("release left", A, "run.ledger.move.ROLLED_BACK.after"),
    Moment("end", A, "run.ledger.move.SUCCEEDED.after"),
)
_DECISION = (
    Moment("decision", B, "watch.ledger.record_decision.ROLL_BACK.before"),
    Moment("decision", A, "watch.ledger.record_decision.ROLL_BACK.after"),
)
MOMENTS: Mapping[Change, Sequence[Moment]] = {
    Change.PROMOTION: (*_PROMOTION_LAUNCH, *_PROMOTION, *_BAKE),
    Change.ROLLBACK: (*_ROLLBACK_LAUNCH, *_ROLLBACK),
    Change.AUTOMATIC: (*_DECISION, *_ROLLBACK_LAUNCH),
}
# The calls of AWS; a cut in any other step finds no connection that is used.
_CALLS = ("baseline", "fast path", "deploy", "verification", "watch", "bake's decision", "decision")
_POWER = ("run.ledger.record_gate.assembly.after", DEPLOYING, "run.cloud.functions.before")
_LOST = ("run.cloud.alarms.before", "run.cloud.functions.before", BEFORE_DEPLOY)
# What ends a run uses up one of the three times that it is resumed by itself.
_RESUMED = 3
_NOT_LAUNCHED = ((When.BEFORE, Victim.DAEMON), (When.DURING, Victim.RUN_SERVER))


def cells() -> Iterator[Cell]:
    """Give every cell that is played."""
    for change, moments in MOMENTS.items():
        yield from (Cell(change, moment, victim) for victim in Victim for moment in moments if _dies(victim, moment))


def _dies(victim: Victim, moment: Moment) -> bool:
    """Tell whether a victim has anything to do with a moment, or would be killed at another one's as well."""
    in_run, deploys = moment.trap.startswith("run."), moment.step == "deploy" and moment.when is not When.AFTER
    return {
        Victim.WORKER: in_run,
        Victim.CDK: deploys,
        Victim.DAEMON: True,
        Victim.RUN_SERVER: True,
        Victim.CODE_SERVER: moment.trap.startswith("watch."),
        Victim.CONNECTION: moment.step.startswith(_CALLS),
        Victim.ANSWER: moment.trap in _LOST,
        Victim.MACHINE: moment.trap in _POWER,
    }[victim]


def groups() -> list[list[Cell]]:
    """Put the cells together that are played in one change, promotions and rollbacks taking turns.

    What ends a run happens three times in a change, the next time to the run that resumes; what a run survives happens
    again and again. Each change stands where the one before it ended.
    """
    forth = [group for change in (Change.PROMOTION, Change.AUTOMATIC) for group in _grouped(change)]
    back = _grouped(Change.ROLLBACK)
    return [group for pair in zip_longest(forth, back) for group in pair if group]


def _grouped(change: Change) -> list[list[Cell]]:
    # In the order of the moments, for a run that resumes does not come to what is behind it.
    own = sorted((c for c in cells() if c.change is change), key=lambda cell: MOMENTS[change].index(cell.moment))
    ending = [cell for cell in own if _ends_run(cell)]
    rounds = -(-len(ending) // _RESUMED)
    by_run = [ending[n::rounds] for n in range(rounds)]
    alone = [[cell] for cell in own if _is_launched_otherwise(cell)]
    left = [cell for cell in own if not _ends_run(cell) and not _is_launched_otherwise(cell)]
    return [*by_run, *alone, *(group for v in Victim if (group := [c for c in left if c.victim is v]))]


def _ends_run(cell: Cell) -> bool:
    """Tell whether a run ends by it: its process dies, or it never gets one."""
    launch = cell.moment.step == "launch" and (cell.moment.when, cell.victim) in _NOT_LAUNCHED
    return cell.victim in (Victim.WORKER, Victim.MACHINE) or launch


def _is_launched_otherwise(cell: Cell) -> bool:
    """Tell whether a launch goes on without the daemon, or in the usual way, so that nothing is like it afterwards."""
    return cell.moment.step == "launch" and cell.moment.when is not When.AFTER and not _ends_run(cell)
