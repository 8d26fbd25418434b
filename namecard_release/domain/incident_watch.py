"""What an alarm's reading means for incidents: a new breach, the end of one, or nothing. Reading is not done here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.incident import Breach, Incident, Severity

# The same change of state is told by a poll and by a push with moments that differ a little; no alarm can come and go
# in less than its shortest evaluation, ten seconds.
SAME_BREACH = timedelta(seconds=5)


class Meaning(StrEnum):
    """What a reading says about its alarm."""

    NOTHING_NEW = "nothing_new"
    BEGAN = "began"
    BEGAN_AGAIN = "began_again"
    ENDED = "ended"


def judge_reading(reading: AlarmReading, last: Breach | None) -> Meaning:
    """Judge a reading by the last breach that is known of its alarm.

    INSUFFICIENT_DATA and UNREAD say nothing: they begin no breach and end none. What is older than what is known is
    stale: a push that was delivered late, or twice.
    """
    if reading.state is AlarmState.OK:
        ends = last is not None and last.ended_at is None and reading.since >= last.since
        return Meaning.ENDED if ends else Meaning.NOTHING_NEW
    if reading.state is not AlarmState.ALARM:
        return Meaning.NOTHING_NEW
    if last is None:
        return Meaning.BEGAN
    if reading.since <= last.since + SAME_BREACH:
        return Meaning.NOTHING_NEW
    if last.ended_at is None:
        # It was OK in between, and nobody saw it.
        return Meaning.BEGAN_AGAIN
    return Meaning.BEGAN if reading.since >= last.ended_at else Meaning.NOTHING_NEW


@dataclass(frozen=True)
class ResolvePolicy:
    """How long all of an incident's alarms must be OK before it is resolved by itself; which people alone resolve."""

    after_ok: timedelta = timedelta(minutes=15)
    people_resolve: frozenset[Severity] = frozenset({Severity.SEV1, Severity.SEV2})


def explain_recovery(
    incident: Incident,
    breaches: Sequence[Breach],
    readings: Mapping[str, AlarmReading],
    now: datetime,
    policy: ResolvePolicy,
) -> str | None:
    """Say why an open incident may be resolved by itself, or None: every alarm of it was read as OK for long enough.

    `readings` are by ARN, as read just now: an alarm that is not among them, or has no data, is unknown, not healthy.
    """
    if incident.severity in policy.people_resolve or not breaches:
        return None
    ends = [breach.ended_at for breach in breaches]
    if any(end is None for end in ends):
        return None
    states = {breach.arn: readings.get(breach.arn) for breach in breaches}
    if any(one is None or one.state is not AlarmState.OK for one in states.values()):
        return None
    last = max(end for end in ends if end is not None)
    if now - last < policy.after_ok:
        return None
    return f"every alarm of it has been OK for {policy.after_ok.total_seconds() / 60:g} min"
