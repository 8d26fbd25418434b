"""Whether a rollback healed its environment: by probes, and by the metrics of the alarms that still fire.

An alarm goes on firing over its window when all is well again, so it is not asked itself. Reading is elsewhere.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from namecard_release.domain.alarms import AlarmAction, AlarmReading, AlarmRule, AlarmState, find_rule
from namecard_release.domain.gates import Phase, Verdict

METRICS = "metrics since the rollback"
_MINUTE = timedelta(minutes=1)
_COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "at least"),
    "GreaterThanThreshold": (operator.gt, "more than"),
    "LessThanOrEqualToThreshold": (operator.le, "at most"),
    "LessThanThreshold": (operator.lt, "less than"),
}


@dataclass(frozen=True)
class AlarmMetric:
    """An alarm's own metric over a span, by its own statistic and period: `points` of (UTC, value), oldest first.

    It breaches with `needed` of the newest `periods` points across `threshold`. `unread` says why there are none.
    """

    name: str
    metric: str
    statistic: str
    comparison: str
    threshold: float
    needed: int
    periods: int
    points: tuple[tuple[datetime, float], ...] = ()
    unread: str = ""


def measured_from(deployed_at: datetime) -> datetime:
    """Give the first whole minute after a deploy: AWS counts by the minute, and the deploy's own holds both codes."""
    floor = deployed_at.replace(second=0, microsecond=0)
    return floor if floor == deployed_at else floor + _MINUTE


def find_lagging(
    baseline: Sequence[AlarmReading], left: Sequence[AlarmReading], rules: Mapping[str, AlarmRule]
) -> tuple[AlarmReading, ...]:
    """List the alarms that a rollback is to silence: they decide, fired when it began, and not for older trouble.

    `baseline` is the rollback's, `left` that of the release it left: what fired before that one stands for neither.
    """
    older = {reading.arn for reading in left if reading.state is AlarmState.ALARM}
    firing = (r for r in baseline if r.state is AlarmState.ALARM and r.arn not in older and not r.children)
    return tuple(r for r in firing if find_rule(r.name, rules).action is AlarmAction.ROLL_BACK)


def judge_recovery(probes: Sequence[Phase], lagging: int, metrics: Sequence[AlarmMetric]) -> tuple[Phase, ...]:
    """Judge a rollback: healthy needs good probes and no metric that breaches since the rollback.

    `lagging` is how many alarms were to be measured. Without a datapoint (no traffic) the probes alone decide, and the
    phase says so; a metric that was not read is UNKNOWN, one that breaches FAILED.
    """
    return (*probes, _judge_metrics(lagging, metrics))


def _judge_metrics(lagging: int, metrics: Sequence[AlarmMetric]) -> Phase:
    if not lagging:
        return Phase(METRICS, Verdict.PASSED, "no alarm was to be silenced: the probes alone decide")
    breaching = [told for metric in metrics if (told := _tell_breach(metric)) is not None]
    if breaching:
        return Phase(METRICS, Verdict.FAILED, f"still breaching: {'; '.join(breaching)}")
    unread = [f"{metric.name}: {metric.unread}" for metric in metrics if metric.unread]
    if len(metrics) < lagging:
        unread.append(f"{lagging - len(metrics)} of {lagging} alarms were not told")
    if unread:
        return Phase(METRICS, Verdict.UNKNOWN, f"not read: {'; '.join(unread)}")
    silent = [metric.name for metric in metrics if not metric.points]
    if len(silent) == len(metrics):
        return Phase(METRICS, Verdict.PASSED, f"no datapoints of {', '.join(silent)} yet: the probes alone decide")
    beside = f", no datapoints of {', '.join(silent)}" if silent else ""
    return Phase(METRICS, Verdict.PASSED, f"{len(metrics) - len(silent)} read, none breaching{beside}")


def _tell_breach(metric: AlarmMetric) -> str | None:
    if metric.unread or metric.comparison not in _COMPARISONS:
        return None
    crosses, words = _COMPARISONS[metric.comparison]
    hits = [point for point in metric.points[-metric.periods :] if crosses(point[1], metric.threshold)]
    if len(hits) < metric.needed:
        return None
    at, value = hits[-1]
    what = f"{metric.statistic} of {metric.metric} is {value:g} at {at:%H:%M} UTC"
    return f"{metric.name}: {what}, {words} {metric.threshold:g} in {len(hits)} periods"
