"""What state an alarm is in, from its points: a pure function with CloudWatch's rules.

Windows roll with the clock instead of being aligned to it, so an alarm reacts within a second and returns
to OK one period after its last breach.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Point = Mapping[str, Any]
Statistic = Callable[[Sequence[Point]], float | None]

COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
}
# Points may arrive a little out of order: the scan goes on this many seconds past a window's start.
_DISORDER_SECONDS = 120.0


@dataclass(frozen=True)
class Judgement:
    """The state an alarm should be in, why, and the value of each window, newest first."""

    state: str
    reason: str
    datapoints: tuple[float | None, ...]


def judge(alarm: Mapping[str, Any], points: Sequence[Point], now: float, statistic: Statistic) -> Judgement | None:
    """Judge one alarm at `now` (epoch seconds); None when nothing may change.

    `statistic` turns the points of one window into the alarm's statistic, None when there is none.
    An alarm whose comparison is not supported is never changed.
    """
    if alarm.get("ComparisonOperator") not in COMPARISONS:
        return None
    values = window_values(alarm, points, now, statistic)
    missing = str(alarm.get("TreatMissingData") or "missing")
    known = [value for value in values if value is not None]
    if not known and missing in ("missing", "ignore"):
        return None if missing == "ignore" else _insufficient(values)
    breaches = [value for value in known if _breaches(alarm, value)]
    absent = len(values) - len(known)
    count = len(breaches) + (absent if missing == "breaching" else 0)
    needed = int(alarm.get("DatapointsToAlarm") or len(values))
    state = "ALARM" if count >= needed else "OK"
    return Judgement(state, _reason(alarm, state, breaches, known, values), values)


def window_values(
    alarm: Mapping[str, Any], points: Sequence[Point], now: float, statistic: Statistic
) -> tuple[float | None, ...]:
    """Return the statistic of each evaluation period before `now`, newest first; None for a period without data."""
    period = float(alarm.get("Period") or 60)
    windows: list[list[Point]] = [[] for _ in range(int(alarm.get("EvaluationPeriods") or 1))]
    reach = period * len(windows)
    for point in reversed(points):
        age = now - float(point["Timestamp"])
        if age >= reach + _DISORDER_SECONDS:
            break
        if age < reach:
            windows[max(0, int(age // period))].append(point)
    return tuple(statistic(window) if window else None for window in windows)


def _breaches(alarm: Mapping[str, Any], value: float) -> bool:
    compare, _ = COMPARISONS[str(alarm["ComparisonOperator"])]
    return compare(value, float(alarm.get("Threshold") or 0))


def _insufficient(values: tuple[float | None, ...]) -> Judgement:
    count = len(values)
    noun = "datapoint was" if count == 1 else "datapoints were"
    return Judgement("INSUFFICIENT_DATA", f"Insufficient Data: {count} {noun} unknown.", values)


def _reason(
    alarm: Mapping[str, Any],
    state: str,
    breaches: Sequence[float],
    known: Sequence[float],
    values: tuple[float | None, ...],
) -> str:
    _, words = COMPARISONS[str(alarm["ComparisonOperator"])]
    if not known:
        return (
            f"Threshold Crossed: no datapoints were received for {len(values)} period(s) and "
            f"{len(values)} missing datapoint(s) were treated as [{_filled(alarm)}]."
        )
    alarming = state == "ALARM"
    shown = (list(breaches) if alarming else [value for value in known if value not in breaches]) or list(known)
    listed = ", ".join(str(value) for value in shown)
    return (
        f"Threshold Crossed: {len(shown)} out of the last {len(values)} datapoints [{listed}] "
        f"{'was' if alarming else 'was not'} {words} the threshold ({float(alarm.get('Threshold') or 0)}) "
        f"(minimum {int(alarm.get('DatapointsToAlarm') or len(values))} datapoint(s) for OK -> ALARM transition)."
    )


def _filled(alarm: Mapping[str, Any]) -> str:
    return "Breaching" if alarm.get("TreatMissingData") == "breaching" else "NonBreaching"
