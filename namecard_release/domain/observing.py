"""Alarm states moment by moment, as a trace or CloudWatch's history tells their changes. Judging them is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from namecard_release.domain.alarms import AlarmReading, AlarmState, settle_baseline


@dataclass(frozen=True)
class Change:
    """An alarm's new state and the moment at which it came to it (UTC)."""

    at: datetime
    arn: str
    state: AlarmState


@dataclass(frozen=True)
class Observation:
    """The alarms as they stood at a moment, with the baseline as it was settled by then.

    `whole` is True once all that changed at that moment is seen: only then may it be said that all is quiet.
    """

    at: datetime
    baseline: tuple[AlarmReading, ...]
    readings: tuple[AlarmReading, ...]
    whole: bool


def observe(
    baseline: tuple[AlarmReading, ...],
    readings: Sequence[AlarmReading],
    changes: Sequence[Change],
    moments: Iterable[datetime],
) -> Iterator[Observation]:
    """Step through changes and further `moments` in order, from the alarms as they stand before the first of them.

    A moment is seen first as it was before its changes, for what was due by then counts; an alarm that is told to be
    in the state that it is in keeps the moment at which it came to it.
    """
    # One without a state in CloudWatch has no ARN.
    standing = {reading.arn or reading.name: reading for reading in readings}
    by_moment: dict[datetime, list[Change]] = {}
    for change in changes:
        by_moment.setdefault(change.at, []).append(change)
    for moment in sorted({*moments, *by_moment}):
        changed = by_moment.get(moment, ())
        if changed:
            yield Observation(moment, baseline, tuple(standing.values()), whole=False)
        for number, change in enumerate(changed, 1):
            reading = standing[change.arn]
            if reading.state is not change.state:
                standing[change.arn] = replace(reading, state=change.state, since=moment)
            seen = tuple(standing.values())
            baseline = settle_baseline(baseline, seen)
            if number < len(changed):
                yield Observation(moment, baseline, seen, whole=False)
        yield Observation(moment, baseline, tuple(standing.values()), whole=True)
