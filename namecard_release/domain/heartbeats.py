"""Whether what must always run still does, judged by when it was last seen. Being seen is recorded elsewhere."""

from __future__ import annotations

from datetime import datetime

from namecard_release.domain.gates import Phase, Verdict

ALARM_SENSOR = "alarm sensor"


def describe_seen(name: str, seen: datetime | None, now: datetime) -> str:
    """Say when something was last seen, in words for a person."""
    if seen is None:
        return f"the {name} was never seen"
    return f"the {name} was last seen {_ago((now - seen).total_seconds())}"


def judge_seen(name: str, seen: datetime | None, now: datetime, limit_seconds: float) -> Phase:
    """Judge a heart-beat: one older than the limit, or none at all, is UNKNOWN, for nobody watches then.

    A moment a little ahead of `now` is another machine's clock and counts as just seen.
    """
    told = describe_seen(name, seen, now)
    if seen is not None and (now - seen).total_seconds() <= limit_seconds:
        return Phase(name, Verdict.PASSED, told)
    advice = f"see that Dagster's daemon runs and that the sensor is on (limit {limit_seconds:.0f} s)"
    return Phase(name, Verdict.UNKNOWN, f"{told}: {advice}")


def _ago(seconds: float) -> str:
    if seconds < 10:
        return "just now"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
