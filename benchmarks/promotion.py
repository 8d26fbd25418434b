"""A promotion's time outside the tools it calls, as a share of the whole.

The whole is from the run's creation in Dagster (the request) to the ledger's BAKING. The tools are the platform's own
commands, `cdk deploy` and the HTTP probes. Each becomes an interval on one time line:

- a command: its gate's start plus the seconds of the phases before it; in gate `source` counted back from the gate's
  end, for the checkout comes first there. Git, the trial of migrations and the reading of ledgers count as ours;
- `cdk deploy`: its own seconds, as the run's metadata tells them, counted back from the move to VERIFYING;
- the probes: side by side, so the slowest one's seconds from the move to VERIFYING.

Gates run side by side, so the intervals are united before they are summed: what no interval covers is the pipeline's
own time (Dagster's starts and events, checkouts, digests, AWS reads, the ledger). The stretches of it are listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bench import ENVIRONMENT, Bench
from benchmarks.runs import RunTimes, read_run
from namecard_release.domain.evidence import REUSED_FROM
from namecard_release.domain.gates import GateResult
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.workflow.verifying import PROBES_GATE, VERIFICATION_GATE

_OURS = frozenset({"checkout", "ledger", "trial"})
_WORTH_TELLING_SECONDS = 0.05


@dataclass(frozen=True)
class Interval:
    """Something that ran from `start` to `end`, in epoch seconds."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Gap:
    """A stretch in which no tool ran, between which two."""

    seconds: float
    after: str
    before: str


@dataclass(frozen=True)
class Share:
    """One promotion: seconds in all, in tools and outside them, and the share of the last in the first."""

    release: str
    seconds: float
    tools_seconds: float
    outside_seconds: float
    share: float
    gaps: tuple[Gap, ...]


def measure_share(bench: Bench, promotion: Promotion) -> Share:
    """Measure a promotion that has come to BAKING."""
    run = read_run(bench, promotion.run_id)
    results = bench.pipeline.ledger.gates(promotion.release, ENVIRONMENT)
    own = [result for result in results if result.run_id == promotion.run_id]
    verifying = bench.moment_of(promotion, PromotionPhase.VERIFYING)
    tools = [*_gate_tools(own), *_deploy_tools(own, run, verifying)]
    return judge_share(promotion.release[:8], run.created, bench.moment_of(promotion, PromotionPhase.BAKING), tools)


def judge_share(release: str, begun: float, ended: float, tools: Sequence[Interval]) -> Share:
    """Find what the tools leave uncovered between two moments."""
    gaps = find_gaps(begun, ended, tools)
    whole, outside = ended - begun, sum(gap.seconds for gap in gaps)
    told = tuple(
        Gap(round(gap.seconds, 3), gap.after, gap.before) for gap in gaps if gap.seconds >= _WORTH_TELLING_SECONDS
    )
    return Share(
        release, round(whole, 3), round(whole - outside, 3), round(outside, 3), round(outside / whole, 4), told
    )


def find_gaps(begun: float, ended: float, tools: Sequence[Interval]) -> list[Gap]:
    """List the stretches between two moments that no interval covers, in order."""
    gaps: list[Gap] = []
    reached, after = begun, "request"
    for tool in sorted(tools, key=lambda one: one.start):
        start, end = min(tool.start, ended), min(tool.end, ended)
        if start > reached:
            gaps.append(Gap(start - reached, after, tool.name))
        if end > reached:
            reached, after = end, tool.name
    return [*gaps, Gap(ended - reached, after, "baking")] if ended > reached else gaps


def gate_intervals(result: GateResult) -> list[Interval]:
    """Put a gate's commands on the time line, one after another."""
    ran = [phase for phase in result.phases if phase.seconds]
    total = sum(phase.seconds or 0.0 for phase in ran)
    reached = result.ended_at.timestamp() - total if result.gate == "source" else result.started_at.timestamp()
    placed: list[Interval] = []
    for phase in ran:
        end = reached + (phase.seconds or 0.0)
        placed.append(Interval(f"{result.gate}: {phase.name}", reached, end))
        reached = end
    return [one for one in placed if one.name.rpartition(": ")[2] not in _OURS]


def _gate_tools(results: Sequence[GateResult]) -> list[Interval]:
    # The phases of a result that was re-used took their time in an earlier run.
    ran = [result for result in results if REUSED_FROM not in result.evidence]
    gates = [result for result in ran if result.gate not in (PROBES_GATE, VERIFICATION_GATE)]
    return [interval for result in gates for interval in gate_intervals(result)]


def _deploy_tools(results: Sequence[GateResult], run: RunTimes, verifying: float) -> list[Interval]:
    probes = [p.seconds or 0.0 for r in results if r.gate == PROBES_GATE for p in r.phases]
    slowest = max(probes, default=0.0)
    deploy = run.deploy_seconds or 0.0
    return [
        Interval("cdk deploy", verifying - deploy, verifying),
        Interval("probes", verifying, verifying + slowest),
    ]
