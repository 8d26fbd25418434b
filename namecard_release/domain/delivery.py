"""What is sent next on a channel, and what becomes of a message after a try. Sending and keeping do not belong here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from namecard_release.domain.gates import Phase, Verdict
from namecard_release.domain.messages import Backlog, Channel, ClosedChannel, MessageKind, QueuedMessage

# What changes whether a phone rings goes first; what is good to know waits for it.
URGENT = frozenset({MessageKind.PAGE, MessageKind.ESCALATE, MessageKind.ACKNOWLEDGE, MessageKind.RESOLVE})
RATE_WINDOW = timedelta(minutes=1)
# So long a try may take before another one may begin: longer than every time-out of a channel together.
TRY_SECONDS = 90.0
_FIRST_SECONDS, _LONGEST_SECONDS, _LONGEST_ASKED = 5.0, 60.0, 900.0
# A page that waits longer is overdue before anybody can acknowledge it (runbook section 4: within five minutes).
LATE = timedelta(minutes=5)
# For so long a refused message makes its channel unready; the outbox lists it for ever.
REFUSED_COUNTS = timedelta(days=1)
# One message that its channel cannot stomach holds up its own subject; so many in a row mean the channel itself.
CHANNEL_IS_DOWN = 2


class Outcome(StrEnum):
    """What a channel made of a message.

    NOT_TAKEN: it surely was not taken, now. UNSURE: nobody knows. REFUSED: it never will be, as it is.
    """

    TAKEN = "taken"
    NOT_TAKEN = "not taken"
    UNSURE = "unsure"
    REFUSED = "refused"


@dataclass(frozen=True)
class Answer:
    """The outcome of a try with its reason; `receipt` is the channel's id of what it took, `wait_seconds` what it asked
    for. `closed`: the channel takes nothing at all now, whatever the message (rate limit, credentials, no connection).
    """

    outcome: Outcome
    reason: str = ""
    receipt: str = ""
    wait_seconds: float | None = None
    closed: bool = False


def taken(receipt: str) -> Answer:
    """Give the answer of a channel that took a message."""
    return Answer(Outcome.TAKEN, receipt=receipt)


@dataclass(frozen=True)
class SendPlan:
    """What to send, in order, and what needs no sending: keys with the key of the later message that tells it."""

    send: tuple[QueuedMessage, ...]
    merged: tuple[tuple[str, str], ...] = ()


def plan_sends(channel: Channel, waiting: Sequence[QueuedMessage]) -> SendPlan:
    """Order what waits: subjects with something urgent first, then the oldest; within a subject as it was queued.

    On PagerDuty, which counts every event, routine messages of a subject that follow each other become the last one.
    """
    subjects: dict[str, list[QueuedMessage]] = {}
    for queued in waiting:
        subjects.setdefault(queued.message.subject, []).append(queued)
    merged = tuple(_merge(subjects)) if channel is Channel.PAGERDUTY else ()
    gone = {key for key, _ in merged}
    ordered = sorted(subjects.values(), key=lambda own: (not any(map(is_urgent, own)), own[0].number))
    return SendPlan(tuple(one for own in ordered for one in own if one.message.key not in gone), merged)


def is_urgent(queued: QueuedMessage) -> bool:
    """Tell whether a message changes whether somebody is called."""
    return queued.message.kind in URGENT


def _merge(subjects: dict[str, list[QueuedMessage]]) -> Iterator[tuple[str, str]]:
    for own in subjects.values():
        for earlier, later in pairwise(own):
            # What may have been taken already is looked for first, not told a second time.
            if not is_urgent(earlier) and not is_urgent(later) and not earlier.unsure:
                yield earlier.message.key, later.message.key


def sends_left(tries: Sequence[datetime], per_minute: int, now: datetime) -> int:
    """Count how many tries a channel's rate still allows at this moment."""
    return max(0, per_minute - sum(1 for at in tries if at > now - RATE_WINDOW))


def next_try(failures: int, answer: Answer, now: datetime) -> datetime:
    """Give when to try again after so many failures: 5 s doubling up to a minute, or what the channel asked for.

    What it asks for is believed for 15 minutes at most.
    """
    own = min(_FIRST_SECONDS * 2 ** min(max(failures, 1) - 1, 10), _LONGEST_SECONDS)
    asked = min(answer.wait_seconds or 0.0, _LONGEST_ASKED)
    return now + timedelta(seconds=max(own, asked))


def judge_channel(channel: Channel, backlog: Backlog, closed: ClosedChannel | None, where: str, now: datetime) -> Phase:
    """Judge whether people are reached: a refused message fails, and one that waits for over five minutes.

    A channel that takes nothing just now is UNKNOWN.
    """
    name = f"channel {channel}"
    if backlog.refused:
        told = f"{backlog.refused} refused within a day; 'namecard-release outbox list --state refused' tells why"
        return Phase(name, Verdict.FAILED, told)
    why = f": {closed.reason}" if closed is not None else ""
    if backlog.oldest is not None and now - backlog.oldest > LATE:
        minutes = int((now - backlog.oldest).total_seconds() // 60)
        return Phase(name, Verdict.FAILED, f"{backlog.waiting} waiting, the oldest for {minutes} min{why}")
    if closed is not None:
        return Phase(name, Verdict.UNKNOWN, f"takes nothing until {closed.until:%H:%M:%S} UTC{why}")
    return Phase(name, Verdict.PASSED, f"{where}; {backlog.waiting} waiting")
