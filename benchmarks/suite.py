"""The order of the measurements on one sandbox: each leaves what the next one starts from."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from benchmarks.alarm import SERVICES, Reaction, measure_reaction
from benchmarks.bench import Bench, tell
from benchmarks.promotion import Share, measure_share
from benchmarks.report import (
    Report,
    StatusReport,
    describe_machine,
    judge_targets,
    report_alarm,
    report_promotion,
    report_rollback,
)
from benchmarks.rollback import Rollback, deploy_bare, find_kept, roll_back
from benchmarks.runbook import run_chain
from benchmarks.status import measure_status
from namecard_release.domain.assembly import Assembly

ROLLBACKS = 3


def measure(bench: Bench) -> Report:
    """Measure everything. Raises a ReleaseError for the first thing that cannot be measured."""
    begun, load = time.monotonic(), os.getloadavg()[0]
    good = bench.promote("B")
    kept_good = find_kept(bench, good)
    shares: list[Share] = []
    ours, bare, bad = measure_rollbacks(bench, kept_good, shares)
    deploy_bare(bench, bad)
    chain = run_chain(bench, bench.release("B"))
    reactions = [_react(bench, service, shares) for service in SERVICES]
    status, python = measure_status(bench)
    rollback = report_rollback(ours, bare, chain)
    promotion = report_promotion(shares[0], shares[1:])
    alarm, told = report_alarm(reactions), StatusReport(status.median, status, python)
    targets = judge_targets(rollback, alarm, told)
    loads = (round(load, 2), round(os.getloadavg()[0], 2))
    seconds = round(time.monotonic() - begun, 1)
    return Report(rollback, promotion, alarm, told, targets, describe_machine(), loads, bench.disturbed, seconds)


def measure_rollbacks(
    bench: Bench, good: Assembly, shares: list[Share]
) -> tuple[Sequence[Rollback], Sequence[float], Assembly]:
    """Go back from C to B by turns in both ways; every promotion of C on the way is measured as well."""
    ours: list[Rollback] = []
    bare: list[float] = []
    while True:
        bad = bench.promote("C")
        shares.append(_told(measure_share(bench, bad)))
        ours.append(roll_back(bench))
        kept = find_kept(bench, bad)
        deploy_bare(bench, kept)
        bare.append(deploy_bare(bench, good))
        tell(f"ours {ours[-1].seconds:.1f} s, bare {bare[-1]:.1f} s")
        if len(bare) == ROLLBACKS:
            return ours, bare, kept


def _react(bench: Bench, service: str, shares: list[Share]) -> Reaction:
    reaction, promotion = measure_reaction(bench, service)
    shares.append(_told(measure_share(bench, promotion)))
    tell(f"ALARM to first step {reaction.alarm_to_first_step:.2f} s")
    return reaction


def _told(share: Share) -> Share:
    tell(f"promotion of {share.release}: {share.seconds:.1f} s, {share.share:.0%} outside its tools")
    return share
