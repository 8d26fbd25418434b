"""A release promoted to the next environment beside its first promotion: both walls without the deploy, and the parts.

A wall is from the run's creation in Dagster to the ledger's BAKING. The deploy is what lies between the ledger's
DEPLOYING and VERIFYING, `cdk deploy` that is; it is another one in each environment, and taken out of both walls.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.bench import Bench, open_bench, tell
from benchmarks.report import Target, at_most, describe_machine
from benchmarks.runs import RunTimes, read_run
from namecard_release.domain.evidence import REUSED_FROM
from namecard_release.domain.gates import GateResult
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.errors import ReleaseError
from namecard_release.sandbox import stack

RELEASE = "B"
SECOND = "prod"
_LIMIT = 0.1
_MOMENTS = (PromotionPhase.GATED, PromotionPhase.DEPLOYING, PromotionPhase.VERIFYING, PromotionPhase.BAKING)
_ENDS = (PromotionPhase.SUCCEEDED, PromotionPhase.ROLLED_BACK, PromotionPhase.HELD)


@dataclass(frozen=True)
class Gate:
    """One gate of a promotion: how long it took in this run, and whether an earlier check stood for it."""

    seconds: float
    reused: bool
    reason: str


@dataclass(frozen=True)
class Wall:
    """One promotion in seconds: all of it, the deploy, the rest, what of it comes before the deploy, and its parts."""

    environment: str
    seconds: float
    deploy_seconds: float
    without_deploy: float
    until_deploy: float
    parts: Mapping[str, float]
    gates: Mapping[str, Gate]


@dataclass(frozen=True)
class Report:
    """Both promotions, the ratio of what they take without their deploys, and the machine's load before and after.

    `ratio_until_deploy` leaves out what follows the deploy as well: verification and probes, new in each environment.
    """

    first: Wall
    second: Wall
    ratio: Target
    ratio_until_deploy: float
    machine: Mapping[str, str]
    load: tuple[float, float]
    disturbed: Sequence[str]


def main() -> int:
    """Measure and print one JSON object. Exit codes: 0 when measured (whatever the ratio says), 1 otherwise."""
    # Asked to stop, it still takes its sandbox down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="namecard-bench-", ignore_cleanup_errors=True) as folder:
            root = Path(folder) / "sandbox"
            try:
                report = measure(open_bench(stack.up(root, tell)))
            finally:
                stack.down(root, purge=True)
    except ReleaseError as error:
        print(f"error: the second promotion was not measured: {error}", file=sys.stderr)
        return 1
    print(json.dumps(asdict(report), indent=2))
    return 0


def measure(bench: Bench) -> Report:
    """Promote a release that is new to the sandbox to one environment, then to the next one."""
    load = os.getloadavg()[0]
    first = _promote(bench)
    second = _promote(replace(bench, environment=SECOND))
    loads = (round(load, 2), round(os.getloadavg()[0], 2))
    ratio = at_most(second.without_deploy / first.without_deploy, _LIMIT)
    until = round(second.until_deploy / first.until_deploy, 3)
    return Report(first, second, ratio, until, describe_machine(), loads, bench.disturbed)


def _promote(bench: Bench) -> Wall:
    run_id = bench.launch(RELEASE)
    wall = measure_wall(bench, bench.wait_for(run_id, PromotionPhase.BAKING, *_ENDS))
    tell(f"{bench.environment}: {wall.without_deploy:.1f} s without the deploy")
    ended = bench.wait_for(run_id, *_ENDS)
    if ended.phase is not PromotionPhase.SUCCEEDED:
        # The bake was disturbed after what is measured; the next environment asks for a healthy one.
        bench.disturbed.append(f"{bench.environment}: {ended.reason}")
        bench.promote(RELEASE)
    return wall


def measure_wall(bench: Bench, promotion: Promotion) -> Wall:
    """Measure a promotion that has come to BAKING. Raises PermanentError for one that ended before."""
    run = read_run(bench, promotion.run_id)
    moments = {phase: bench.moment_of(promotion, phase) for phase in _MOMENTS}
    results = bench.pipeline.ledger.gates(promotion.release, promotion.environment)
    own = [result for result in results if result.run_id == promotion.run_id]
    return judge_wall(promotion.environment, run, moments, own)


def judge_wall(
    environment: str, run: RunTimes, moments: Mapping[PromotionPhase, float], results: Sequence[GateResult]
) -> Wall:
    """Split a promotion's time by the moments (epoch seconds) at which it came to its phases."""
    gated, deploying, verifying, baking = (moments[phase] for phase in _MOMENTS)
    parts = {
        "run to first step": run.first_step - run.created,
        "source and gates": gated - run.first_step,
        "before the deploy": deploying - gated,
        "verification and probes": baking - verifying,
    }
    return Wall(
        environment,
        round(baking - run.created, 3),
        round(verifying - deploying, 3),
        round(sum(parts.values()), 3),
        round(deploying - run.created, 3),
        {name: round(seconds, 3) for name, seconds in parts.items()},
        {result.gate: describe(result) for result in results},
    )


def describe(result: GateResult) -> Gate:
    """Tell how a gate got its result."""
    return Gate(round(result.seconds, 3), REUSED_FROM in result.evidence, result.reason)


if __name__ == "__main__":
    sys.exit(main())
