"""Whether what must always run still does, judged by when it was last seen. Being seen is recorded elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from namecard_release.domain.gates import Phase, Verdict
from namecard_release.domain.promotion import Promotion

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


def name_run(run_id: str) -> str:
    """Name a run's own heart-beat."""
    return f"run {run_id}"


def find_silent(
    promotions: Sequence[Promotion], beats: Mapping[str, datetime | None], now: datetime, limit_seconds: float
) -> tuple[Promotion, ...]:
    """List the promotions that a run works on which gave its last sign of life (`beats`, by run) too long ago.

    A run that never gave one has not begun, or has ended: it is not judged.
    """
    working = ((p, beats.get(p.run_id)) for p in promotions if p.is_worked_on)
    return tuple(p for p, seen in working if seen is not None and (now - seen).total_seconds() > limit_seconds)


def _ago(seconds: float) -> str:
    if seconds < 10:
        return "just now"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
