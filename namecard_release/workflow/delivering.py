"""What waits in the outbox sent, channel by channel: in order, once, and no channel waits for another.

What is sent next and what becomes of it is the domain's; how a channel is spoken to, an adapter's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from namecard_release.domain.delivery import (
    CHANNEL_IS_DOWN,
    RATE_WINDOW,
    REFUSED_COUNTS,
    TRY_SECONDS,
    Answer,
    Outcome,
    judge_channel,
    next_try,
    plan_sends,
    sends_left,
)
from namecard_release.domain.gates import Phase, Verdict
from namecard_release.domain.messages import Channel, QueuedMessage
from namecard_release.outbox_port import Outbox, Sender

_AT_ONCE = 2000
_FORGET_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Delivered:
    """What one round did on a channel; `why` says what keeps the rest waiting, empty when nothing does."""

    channel: Channel
    sent: int = 0
    merged: int = 0
    refused: int = 0
    failed: int = 0
    why: str = ""


@dataclass(frozen=True)
class Post:
    """The outbox with its channels and a clock; `enough` ends a round that takes too long."""

    outbox: Outbox
    senders: Mapping[Channel, Sender]
    now: Callable[[], datetime]
    enough: Callable[[], bool] = lambda: False


def deliver(post: Post) -> tuple[Delivered, ...]:
    """Send what may be sent now on every channel, each in a thread of its own.

    Raises TransientError when the ledger does not answer; what a channel answers is kept with the message.
    """
    with ThreadPoolExecutor(max_workers=len(Channel), thread_name_prefix="channel") as pool:
        done = tuple(pool.map(lambda channel: deliver_channel(post, channel), post.senders))
    post.outbox.forget_tries(post.now() - _FORGET_AFTER)
    return done


def judge_channels(post: Post, *, ask: bool = False) -> tuple[Phase, ...]:
    """Judge every channel by what waits and what it answered last; `ask` asks it as well, which sends no message."""
    return tuple(_judge(post, channel, ask=ask) for channel in post.senders)


def _judge(post: Post, channel: Channel, *, ask: bool) -> Phase:
    now, sender = post.now(), post.senders[channel]
    closed = post.outbox.closed_channels().get(channel)
    phase = judge_channel(channel, post.outbox.backlog(channel, now - REFUSED_COUNTS), closed, sender.where, now)
    if not ask or phase.verdict is not Verdict.PASSED:
        return phase
    answer = sender.check()
    return phase if answer.outcome is Outcome.TAKEN else Phase(phase.name, Verdict.UNKNOWN, answer.reason)


def deliver_channel(post: Post, channel: Channel) -> Delivered:
    """Send what may be sent now on one channel; stops when it takes nothing, its rate is used up, or time is."""
    closed = post.outbox.closed_channels().get(channel)
    if closed is not None and closed.until > post.now():
        return Delivered(channel, why=f"closed until {closed.until:%H:%M:%S} UTC: {closed.reason}")
    plan = plan_sends(channel, post.outbox.waiting(channel, post.now(), _AT_ONCE))
    for key, into in plan.merged:
        post.outbox.merged(key, post.now(), into)
    round_ = _Round(post, channel, 0 if closed is None else closed.failures)
    for queued in plan.send:
        if round_.why or post.enough():
            break
        round_.take(queued)
    return Delivered(channel, round_.sent, len(plan.merged), round_.refused, round_.failed, round_.why)


class _Round:
    """One channel's round: its counts, the subjects it passes over, and why it ends."""

    def __init__(self, post: Post, channel: Channel, failures: int) -> None:
        self._post, self._channel, self._closings = post, channel, failures
        self._sender = post.senders[channel]
        self._passed: set[str] = set()
        self._in_a_row = 0
        self.sent = self.refused = self.failed = 0
        self.why = ""

    def take(self, queued: QueuedMessage) -> None:
        """Try one message, unless its subject waits or the rate is used up."""
        message, now = queued.message, self._post.now()
        if message.subject in self._passed:
            return
        tries = self._post.outbox.tries(self._channel, now - RATE_WINDOW)
        if not sends_left(tries, self._sender.per_minute, now):
            self.why = f"{self._sender.per_minute} tries in this minute, its rate allows no more"
            return
        if not self._post.outbox.claim(message.key, queued.attempts, now, now + timedelta(seconds=TRY_SECONDS)):
            # Somebody else sends it right now: what follows it here waits.
            self._passed.add(message.subject)
            return
        self._record(queued, self._try(queued))

    def _try(self, queued: QueuedMessage) -> Answer:
        message = queued.message
        thread = self._post.outbox.receipt(self._channel, message.subject)
        if queued.unsure:
            found = self._sender.find(message, thread)
            if found.outcome is not Outcome.NOT_TAKEN:
                return found
        return self._sender.send(message, thread)

    def _record(self, queued: QueuedMessage, answer: Answer) -> None:
        outbox, key, now = self._post.outbox, queued.message.key, self._post.now()
        if answer.outcome is Outcome.TAKEN:
            outbox.sent(key, now, answer.receipt)
            self.sent += 1
            self._reopen()
        elif answer.outcome is Outcome.REFUSED:
            outbox.refused(key, now, answer.reason)
            self.refused += 1
            self._reopen()
        else:
            unsure = answer.outcome is Outcome.UNSURE
            outbox.failed(key, now, answer.reason, next_try(queued.attempts + 1, answer, now), unsure=unsure)
            self._passed.add(queued.message.subject)
            self._fail(answer, now)

    def _reopen(self) -> None:
        if self._closings:
            self._post.outbox.open_channel(self._channel)
        self._closings = self._in_a_row = 0

    def _fail(self, answer: Answer, now: datetime) -> None:
        self.failed += 1
        self._in_a_row += 1
        if answer.closed or self._in_a_row >= CHANNEL_IS_DOWN:
            until = next_try(self._closings + 1, answer, now)
            self._post.outbox.close_channel(self._channel, until, answer.reason)
            self.why = f"closed until {until:%H:%M:%S} UTC: {answer.reason}"
