"""The one object that is printed: figures, how they compare with their targets, on what they were measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.alarm import Reaction
from benchmarks.bench import Spread, spread
from benchmarks.promotion import Share
from benchmarks.rollback import Rollback
from benchmarks.runbook import Chain


@dataclass(frozen=True)
class Target:
    """A figure beside what it should be: at least or at most the limit."""

    value: float
    limit: float
    at_least: bool
    met: bool


def at_least(value: float, limit: float) -> Target:
    """Compare a figure with its lower limit."""
    return Target(round(value, 3), limit, True, value >= limit)


def at_most(value: float, limit: float) -> Target:
    """Compare a figure with its upper limit."""
    return Target(round(value, 3), limit, False, value <= limit)


@dataclass(frozen=True)
class RollbackReport:
    """From C back to B in seconds: by this pipeline, by cdk alone, by the runbook; and where ours went."""

    ours: Spread
    bare: Spread
    runbook: Chain
    runbook_over_ours: float
    ours_over_bare: float
    ours_parts: Mapping[str, float]


@dataclass(frozen=True)
class PromotionReport:
    """The share of a promotion outside its tools: of a release new to the pipeline, and promoted again."""

    share: float
    first: Share
    again_median_share: float
    again: Sequence[Share]


@dataclass(frozen=True)
class AlarmReport:
    """From ALARM to the rollback run's first step, and each rollback."""

    seconds: Spread
    each: Sequence[Reaction]


@dataclass(frozen=True)
class StatusReport:
    """Seconds of `namecard-release status`, and of an interpreter that does nothing."""

    seconds: float
    spread: Spread
    python_alone: Spread


@dataclass(frozen=True)
class Report:
    """Everything that was measured in one run; `load` is the machine's load average before and after.

    `disturbed` are promotions that a latency alarm took back without a failing request: the machine was too busy.
    """

    rollback: RollbackReport
    promotion: PromotionReport
    alarm_to_rollback: AlarmReport
    status_seconds: StatusReport
    targets: Mapping[str, Target]
    machine: Mapping[str, str]
    load: tuple[float, float]
    disturbed: Sequence[str]
    seconds: float


def report_rollback(ours: Sequence[Rollback], bare: Sequence[float], chain: Chain) -> RollbackReport:
    """Compare the three ways by their medians."""
    own, alone = spread([one.seconds for one in ours]), spread(list(bare))
    names = ("ask_to_run", "run_to_first_step", "first_step_to_deploy", "deploy", "cdk", "verify", "told_after")
    parts = {name: round(median(getattr(one, name) or 0.0 for one in ours), 3) for name in names}
    return RollbackReport(
        own, alone, chain, round(chain.seconds / own.median, 2), round(own.median / alone.median, 2), parts
    )


def report_promotion(first: Share, again: Sequence[Share]) -> PromotionReport:
    """Put the first promotion of a release beside the later ones."""
    return PromotionReport(first.share, first, round(median(one.share for one in again), 4), again)


def report_alarm(each: Sequence[Reaction]) -> AlarmReport:
    """Sum up the rollbacks by the sensor."""
    return AlarmReport(spread([one.alarm_to_first_step for one in each]), each)


def judge_targets(rollback: RollbackReport, alarm: AlarmReport, status: StatusReport) -> Mapping[str, Target]:
    """Compare every figure that has a target with it."""
    return {
        "rollback.runbook_over_ours": at_least(rollback.runbook_over_ours, 5.0),
        "rollback.ours_over_bare": at_most(rollback.ours_over_bare, 1.5),
        "alarm_to_rollback.median": at_most(alarm.seconds.median, 3.0),
        "status_seconds": at_most(status.seconds, 0.5),
    }


def describe_machine() -> Mapping[str, str]:
    """Tell what it was measured on."""
    return {"cores": str(os.cpu_count()), "system": platform.system(), "python": platform.python_version()}
