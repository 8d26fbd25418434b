"""Whether an environment is fit to take a release, from signals read beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.gates import Phase, Verdict


@dataclass(frozen=True)
class StackStatus:
    """A stack's status in CloudFormation's words, None where there is no such stack; the moment of its last change."""

    name: str
    status: str | None
    changed_at: datetime | None = None


# Complete, and nothing is there: a first creation that was undone, a deletion.
_EMPTY = ("ROLLBACK_COMPLETE", "DELETE_COMPLETE")


def judge_stacks(stacks: Sequence[StackStatus]) -> Phase:
    """Judge stacks: a settled, complete one passes, one in progress is unknown, one that failed or is absent fails."""
    bad = [s for s in stacks if s.status is None or "FAILED" in s.status or s.status in _EMPTY]
    if bad:
        return Phase("stacks", Verdict.FAILED, ", ".join(f"{s.name} is {s.status or 'absent'}" for s in bad))
    moving = [s for s in stacks if s not in bad and not (s.status or "").endswith("_COMPLETE")]
    if moving or not stacks:
        told = ", ".join(f"{s.name} is {s.status}" for s in moving) or "no stack was read"
        return Phase("stacks", Verdict.UNKNOWN, told)
    return Phase("stacks", Verdict.PASSED, f"{len(stacks)} stacks settled")


def judge_alarm_states(readings: Sequence[AlarmReading]) -> Phase:
    """Judge alarm states on their own, without a deploy to compare with."""
    firing = [r.name for r in readings if r.state is AlarmState.ALARM]
    if firing:
        return Phase("alarms", Verdict.FAILED, f"in ALARM: {', '.join(firing)}")
    dark = [r.name for r in readings if r.state is not AlarmState.OK]
    if dark or not readings:
        return Phase("alarms", Verdict.UNKNOWN, f"without data: {', '.join(dark) or 'no alarm was read'}")
    return Phase("alarms", Verdict.PASSED, f"{len(readings)} alarms OK")
