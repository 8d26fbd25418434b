"""Spans in which nobody read the alarms, and what their history says happened then. Reading it is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from namecard_release.domain.alarms import (
    AlarmAction,
    AlarmAssessment,
    AlarmReading,
    AlarmRule,
    AlarmState,
    AlarmVerdict,
    assess_alarms,
    find_rule,
)
from namecard_release.domain.observing import Change, Observation, observe

# CloudWatch evaluates an alarm every ten seconds at most: in less, none goes to another state and comes back. The
# sensor looks at a bake every 0.25 s, at what succeeded every 5 s, and pauses for 5 s between two ticks.
LONGEST_PAUSE = timedelta(seconds=10)
# Between our clock and CloudWatch's, and between a state's moment and that of its line in the history. Two changes
# of one alarm are twice as far apart.
TOLERANCE = timedelta(seconds=5)
# For so long CloudWatch keeps the history of an alarm (AWS, DescribeAlarmHistory).
HISTORY_KEPT = timedelta(days=30)
# How often it is noted that the alarms were read. What a note lacks is read once more after a crash: no harm.
NOTED_EVERY = timedelta(seconds=2)


@dataclass(frozen=True)
class Gap:
    """A span in which the alarms were not read, or not understood; both ends in UTC."""

    since: datetime
    until: datetime

    def describe(self) -> str:
        """Say it for a person."""
        return f"between {self.since:%Y-%m-%d %H:%M:%S} and {self.until:%H:%M:%S} UTC"


@dataclass(frozen=True)
class Transition:
    """A line of an alarm's history: from which state to which, and when (UTC)."""

    arn: str
    at: datetime
    old: AlarmState
    new: AlarmState


@dataclass(frozen=True)
class Assessed:
    """What the alarms said at a moment of a gap."""

    at: datetime
    assessment: AlarmAssessment


@dataclass(frozen=True)
class Past:
    """What happened in a gap: `quiet` moments in order, then the first `breach`, if there was one.

    `unread` says why nobody knows; `baseline` is settled by all that was seen, `page_by` asked for people.
    """

    baseline: tuple[AlarmReading, ...]
    quiet: tuple[Assessed, ...] = ()
    breach: Assessed | None = None
    page_by: tuple[AlarmReading, ...] = ()
    unread: str | None = None


def find_gap(last_read: datetime | None, deployed_at: datetime | None, now: datetime) -> Gap | None:
    """Find the span before `now` in which changes may have gone unseen, None where no alarm can have come and gone.

    A release is watched from its deploy on; what was read before that was read about another one.
    """
    if deployed_at is None:
        return None
    seen = deployed_at if last_read is None else max(last_read, deployed_at)
    if now - seen <= LONGEST_PAUSE:
        return None
    return Gap(max(seen - TOLERANCE, deployed_at), now)


def find_changed(
    gap: Gap, readings: Sequence[AlarmReading], rules: Mapping[str, AlarmRule]
) -> tuple[AlarmReading, ...]:
    """List the alarms that changed in a gap: of all others the state that is read now is that of the whole span.

    One that is only noted is left out, for nothing follows from it.
    """
    changed = (r for r in readings if r.since >= gap.since and r.state is not AlarmState.UNREAD)
    return tuple(r for r in changed if find_rule(r.name, rules).action is not AlarmAction.NOTE)


def asked_since(gap: Gap, rules: Mapping[str, AlarmRule]) -> datetime:
    """Give the moment from which history is needed: what rose just before the gap may have been sustained in it."""
    return gap.since - timedelta(seconds=max((r.sustain_seconds for r in rules.values()), default=0.0)) - TOLERANCE


def look_back(
    gap: Gap,
    baseline: tuple[AlarmReading, ...],
    current: Sequence[AlarmReading],
    history: Sequence[Transition],
    rules: Mapping[str, AlarmRule],
    ends: Sequence[datetime] = (),
) -> Past:
    """Judge each moment of a gap by the alarms' history, oldest first, with the functions that judge what is read live.

    `ends` are further moments at which something may be decided, such as the end of the bake. A history that does not
    lead to the states that are read now is unread.
    """
    if gap.until - gap.since > HISTORY_KEPT:
        return Past(baseline, unread=f"{gap.describe()} is longer than CloudWatch keeps the history of an alarm")
    chains = {r.arn: _chain(r, history) for r in find_changed(gap, current, rules)}
    lost = sorted(r.name for r in current if r.arn in chains and not chains[r.arn])
    if lost:
        return Past(baseline, unread=f"the history {gap.describe()} does not tell how {', '.join(lost)} changed")
    before = tuple(_at_start(gap, r, chains.get(r.arn, ())) for r in current)
    changes = [Change(t.at, t.arn, t.new) for chain in chains.values() for t in chain if gap.since < t.at <= gap.until]
    moments = {
        gap.since,
        *(end for end in ends if gap.since < end < gap.until),
        *_sustained(gap, before, changes, rules),
    }
    # What is read now is judged now.
    within = sorted(changes, key=lambda change: change.at)
    return _judge(observe(_unsettle(gap, baseline, before), before, within, moments), baseline, rules)


def explain_unread(assessment: AlarmAssessment, past: Past) -> AlarmAssessment:
    """Give what the alarms say now, with a span that nobody knows about: UNKNOWN, unless something breaches now."""
    if past.unread is None or assessment.verdict is AlarmVerdict.BREACHED:
        return assessment
    return replace(assessment, verdict=AlarmVerdict.UNKNOWN, reason=f"alarms were not watched: {past.unread}")


def _chain(reading: AlarmReading, history: Sequence[Transition]) -> tuple[Transition, ...]:
    """Give an alarm's transitions up to the state that is read; none where they do not lead to it."""
    own = sorted((t for t in history if t.arn == reading.arn), key=lambda t: t.at)
    # It may have changed again since it was read: the next look is told.
    while own and not (own[-1].new is reading.state and abs(own[-1].at - reading.since) <= TOLERANCE):
        own.pop()
    whole = all(one.new is other.old for one, other in pairwise(own))
    return tuple(own) if whole else ()


def _at_start(gap: Gap, reading: AlarmReading, chain: Sequence[Transition]) -> AlarmReading:
    """Give an alarm as it stood when a gap began."""
    if not chain:
        return reading
    earlier = [t for t in chain if t.at <= gap.since]
    if earlier:
        return replace(reading, state=earlier[-1].new, since=earlier[-1].at)
    # It came to that state before the history that was asked for.
    return replace(reading, state=chain[0].old, since=datetime.fromtimestamp(0, UTC))


def _unsettle(gap: Gap, baseline: tuple[AlarmReading, ...], before: Sequence[AlarmReading]) -> tuple[AlarmReading, ...]:
    # An alarm of the baseline that healed within the gap is noted as OK by now, and was not when the gap began.
    firing = {r.arn: r for r in before if r.state is AlarmState.ALARM}
    return tuple(firing[r.arn] if r.arn in firing and r.since > gap.since else r for r in baseline)


def _sustained(
    gap: Gap, before: Sequence[AlarmReading], changes: Sequence[Change], rules: Mapping[str, AlarmRule]
) -> set[datetime]:
    """Give the moments at which an alarm that rose would have lasted long enough."""
    needed = {r.arn: timedelta(seconds=find_rule(r.name, rules).sustain_seconds) for r in before}
    risen = [(r.arn, r.since) for r in before if r.state is AlarmState.ALARM]
    risen += [(change.arn, change.at) for change in changes if change.state is AlarmState.ALARM]
    return {at + needed[arn] for arn, at in risen if gap.since < at + needed[arn] < gap.until}


def _judge(seen: Iterator[Observation], baseline: tuple[AlarmReading, ...], rules: Mapping[str, AlarmRule]) -> Past:
    quiet: list[Assessed] = []
    asking: dict[str, AlarmReading] = {}
    for moment in seen:
        assessed = Assessed(moment.at, assess_alarms(moment.baseline, moment.readings, rules, moment.at))
        asking |= {r.arn: r for r in assessed.assessment.page_by}
        if assessed.assessment.verdict is AlarmVerdict.BREACHED:
            told = f"{assessed.assessment.reason}, at {moment.at:%Y-%m-%d %H:%M:%S} UTC when nobody looked"
            breach = replace(assessed, assessment=replace(assessed.assessment, reason=told))
            return Past(baseline, tuple(quiet), breach, tuple(asking.values()))
        if moment.whole:
            quiet.append(assessed)
        baseline = moment.baseline
    return Past(baseline, tuple(quiet), None, tuple(asking.values()))
