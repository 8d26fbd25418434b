"""Letters dealt with for good: archived, journaled, sent, deleted, in this order, in batches, by threads side by side.

Killed anywhere, the next run finds in queue and journal what is left to do (docs/dead-letters.md has each case).
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from namecard_release.dlq_port import Received
from namecard_release.domain.dead_letter_plans import (
    Action,
    count_hidden_elsewhere,
    judge_run,
)
from namecard_release.domain.gates import Verdict
from namecard_release.errors import MisuseError, ReleaseError
from namecard_release.workflow.dead_letters import Desk, Order, Planned, Planner
from namecard_release.workflow.drain_filing import STATES, Filer
from namecard_release.workflow.drain_sending import Outcome, Sender
from namecard_release.workflow.drain_state import AT_ONCE, Batch, Run
from namecard_release.workflow.hands import Hands

P = TypeVar("P")
R = TypeVar("R")

# SQS tells depths a minute late; only an entry older than this and than the hiding is called gone from the queue.
_SETTLED = timedelta(minutes=2)
_MOST_REASONS = 50
# Batches under way at the same time: one is written down while the letters of the other are sent.
_CREWS = 2
# Each service's letters of a batch are one object; the platform has six services.
_ARCHIVERS = 6
_FAILED = "a thread of this run failed"
# The share of the time for which letters are hidden in which they are sent, or not at all.
_IN_TIME = 0.8
# How often one batch may come to letters of the same failure: Lambda tells of one twice, hardly ever more often.
_TURNS = 3
_TWICE = "the same failure is replayed by this run: the next one decides"
_MANY_OBJECTS = 20_000


@dataclass(frozen=True)
class Done:
    """What a run did: counts by name, why letters were left (with their number), and what that comes to."""

    verdict: Verdict
    reason: str
    counts: dict[str, int]
    left: int
    reasons: tuple[tuple[str, int], ...]
    archives: tuple[str, ...]
    seconds: float


class Drainer:
    """Carries an order out. One object for one run."""

    def __init__(self, desk: Desk, order: Order, released_at: datetime | None) -> None:
        self._desk, self._order = desk, order
        self._ports, self._settings = desk.ports, desk.settings
        self._fits = desk.ports.make_filter(order.expression)
        self._planner = Planner(desk, order, released_at)
        rate = order.rate or desk.settings.rate_per_second
        self._pacer = desk.ports.make_pacer(rate)
        threads = order.threads or desk.settings.threads
        self._crews, size = _share_out(rate * desk.settings.hide_seconds / 2, desk.settings.batch, threads)
        self._hands = Hands(threads, "dead-letters")
        # Of their own: a batch that is filed would wait for all that is received and sent of the other one.
        self._archivers = Hands(min(threads, _ARCHIVERS), "dead-letter-archive")
        self._run = Run(order.limit, size)
        self._filer = Filer(desk.ports.archive, self._run, desk.name, order.run_id)
        self._sender = Sender(desk.ports, self._pacer, desk.clock, self._run, desk.settings.tries)

    def run(self) -> Done:
        """Work until the queue is empty or the limit is reached; what is left is shown again to others.

        Raises what the ports raise; what was journaled until then is resumed by the next run.
        """
        begun = self._desk.clock.now()
        with _collected_rarely(), self._hands, self._archivers:
            try:
                self._work_side_by_side()
            finally:
                self._show_the_rest()
        hidden = self._look_back() if self._run.emptied and not self._run.stopped and not self._run.full else 0
        return self._tell(hidden, (self._desk.clock.now() - begun).total_seconds())

    def _work_side_by_side(self) -> None:
        with Hands(self._crews, "dead-letter-batches") as crews, self._stopping("the run was ended"):
            crews.each(lambda _: self._work(), range(self._crews))

    def _show_the_rest(self) -> None:
        """Show all that is hidden and left again; whatever does not work there says no more than that."""
        parts = _tens(list(self._run.hidden.values()))
        problem = next((one for one in self._hands.each(self._show, parts) if one is not None), None)
        if problem is not None:
            self._run.fill(
                f"not all that is left could be shown again, it is after dead_letters.hide_seconds: {problem}"
            )

    def _show(self, part: Sequence[Received]) -> str | None:
        try:
            self._ports.queue.show(part)
        except ReleaseError as error:
            return str(error)
        return None

    @contextmanager
    def _stopping(self, reason: str) -> Iterator[None]:
        """Stop every thread of the run when the block fails: what they did not begin stays in the queue."""
        try:
            yield
        except BaseException:
            self._stop(reason)
            raise

    def _stop(self, reason: str) -> None:
        self._run.stop(reason)
        self._pacer.end()

    def _work(self) -> None:
        """Take one batch after another; while one is written down, the calls of the other go on."""
        with self._stopping(_FAILED):
            while self._take(Batch(self._run, self._desk.clock.now())):
                pass

    def _take(self, batch: Batch) -> bool:
        """Receive a batch and deal with it; tells whether there was anything."""
        try:
            self._receive(batch)
            if not batch.letters:
                return False
            self._deal_with(batch)
        except BaseException:
            # Whoever runs this again is not to wait for their hiding to end; what was deleted is not shown.
            self._run.hide(list(batch.letters.values()))
            raise
        finally:
            self._run.put_down(batch.letters)
        return True

    def _each(self, hands: Hands, work: Callable[[P], R], parts: Sequence[P]) -> list[R]:
        def do(part: P) -> R:
            with self._stopping(_FAILED):
                return work(part)

        return hands.each(do, parts)

    def _receive(self, batch: Batch) -> None:
        """Receive up to a batch; nothing when there is nothing more."""
        self._fill(batch)
        if batch.dry and not batch.letters:
            # An empty answer may be that of a few of SQS's servers; a long poll asks all of them.
            batch.ask_again()
            self._each(self._hands, lambda _: self._gather(batch, 1), [None])
            self._fill(batch)
        if batch.dry and not batch.letters:
            self._run.emptied = True

    def _fill(self, batch: Batch) -> None:
        """Receive, pass by pass, until the batch is full, or half of the time is over for which its first is hidden."""
        half = timedelta(seconds=self._settings.hide_seconds * _IN_TIME / 2)
        while not batch.letters or self._desk.clock.now() < batch.begun + half:
            if not batch.letters:
                batch.begun = self._desk.clock.now()
            if not any(self._each(self._hands, lambda _: self._gather(batch), range(batch.answers))):
                return

    def _gather(self, batch: Batch, wait_seconds: int = 0) -> bool:
        """Receive ten for a batch; tells whether there was room for any."""
        wanted = batch.reserve()
        if not wanted:
            return False
        got = self._ports.queue.receive(wanted, self._settings.hide_seconds, wait_seconds)
        try:
            # One that was left before, and is seen again, is shown again by the receipt that it has now.
            seen, fresh = _part(got, lambda one: self._run.has_hidden(one.letter.message_id))
            fitting, others = _part(fresh, lambda one: self._fits(one.letter))
            # What does not fit stays hidden for the length of the run, or it would be received again.
            hidden = self._run.hide([*seen, *others])
            new = batch.add(fitting, wanted)
        except BaseException:
            self._run.hide(got)
            raise
        if hidden >= self._settings.most_scanned:
            self._run.fill("as many letters as may be hidden at once were looked at: narrow the filter")
        batch.note(len(got), len(others) + new)
        return True

    def _deal_with(self, batch: Batch) -> None:
        """Deal with a batch: first with one letter of each failure, then with those that tell of it once more."""
        letters = tuple(batch.letters.values())
        for _ in range(_TURNS):
            if self._run.stopped is not None or not letters:
                break
            planned, letters = self._claim(self._planner.plan(letters))
            try:
                self._carry_out(planned, batch)
            finally:
                self._run.release([one.plan.key for one in planned if one.plan.action is Action.REPLAY])
        if letters:
            self._run.leave(letters, self._run.stopped or _TWICE)

    def _claim(self, planned: Sequence[Planned]) -> tuple[list[Planned], tuple[Received, ...]]:
        """Give what may be done at once, and what is to wait until this run has replayed the same failure."""
        keys = [one.plan.key for one in planned if one.plan.action is Action.REPLAY]
        free = iter(self._run.claim(keys))
        ours = [one.plan.action is not Action.REPLAY or next(free) for one in planned]
        return (
            [one for one, own in zip(planned, ours, strict=True) if own],
            tuple(one.received for one, own in zip(planned, ours, strict=True) if not own),
        )

    def _carry_out(self, planned: Sequence[Planned], batch: Batch) -> None:
        by_action: dict[Action, list[Planned]] = defaultdict(list)
        for one in planned:
            by_action[one.plan.action].append(one)
        for one in by_action.pop(Action.LEAVE, []):
            self._run.leave([one.received], one.plan.reason)
        ours = self._archive_and_journal([one for action in STATES for one in by_action.get(action, [])])
        self._delete_all(by_action.get(Action.DELETE, []), "deleted")
        for action, name in ((Action.ARCHIVE, "archived"), (Action.QUARANTINE, "quarantined")):
            self._delete_all([one for one in by_action.get(action, []) if one.letter.message_id in ours], name)
        replays = [one for one in by_action.get(Action.REPLAY, []) if one.letter.message_id in ours]
        self._put_back(self._send_all(replays, batch), len(replays), batch)

    def _archive_and_journal(self, planned: Sequence[Planned]) -> frozenset[str]:
        """Put letters into the archive, then into the journal; gives those that are this run's to go on with."""
        now = self._desk.clock.now()
        parts: dict[tuple[bool, str], list[Planned]] = defaultdict(list)
        for one in planned:
            parts[one.plan.action is Action.QUARANTINE, one.service].append(one)
        written = self._each(self._archivers, lambda part: self._filer.file(part, now), list(parts.values()))
        ours = self._ports.journal.intend([entry for entries in written for entry in entries])
        others = [one.received for one in planned if one.letter.message_id not in ours]
        if others:
            self._run.leave(others, "another run dealt with it in between")
        return ours

    def _send_all(self, planned: Sequence[Planned], batch: Batch) -> list[Received]:
        """Send and delete ten by ten, so that a kill repeats ten of a thread at most; journal all of it at the end.

        Gives those that were not come to in time.
        """
        outcome = Outcome(batch.begun + timedelta(seconds=self._settings.hide_seconds * _IN_TIME))
        try:
            self._each(self._hands, lambda part: self._sender.send(part, outcome, self._stop), _tens(planned))
        finally:
            self._ports.journal.settle(self._desk.name, outcome.sent, self._desk.clock.now())
        return outcome.late

    def _put_back(self, late: Sequence[Received], of: int, batch: Batch) -> None:
        """Show letters again that were not come to while they were hidden; smaller batches follow.

        Such a letter is in the journal as INTENDED, and is received again like one of a killed run.
        """
        if not late:
            return
        if len(late) == of and batch.most <= AT_ONCE:
            self._run.leave(late, "not even ten were come to while they were hidden")
            self._stop("this is too slow for dead_letters.hide_seconds: raise it")
            return
        self._run.shrink(batch.most)
        # Put down before they are shown: who receives them then is to deal with them.
        for one in late:
            del batch.letters[one.letter.message_id]
        self._run.put_down([one.letter.message_id for one in late])
        # Where that fails they are seen again by themselves, a little later.
        self._show(late)
        self._run.give_back(len(late))

    def _delete_all(self, planned: Sequence[Planned], name: str) -> None:
        self._each(self._hands, lambda part: self._sender.delete(part, name), _tens(planned))

    def _look_back(self) -> int:
        """Look at a queue that gave nothing more; gives how many letters somebody else holds."""
        depth = self._ports.queue.depth()
        if not depth.total and not self._run.hidden:
            self._presume(depth.retention_seconds)
        return count_hidden_elsewhere(depth.hidden, list(self._run.counts.items()), len(self._run.hidden))

    def _presume(self, retention_seconds: int) -> None:
        """Settle what a killed run sent and deleted without coming to note it: an empty queue tells."""
        now = self._desk.clock.now()
        before = now - max(_SETTLED, timedelta(seconds=self._settings.hide_seconds))
        kept_since = now - timedelta(seconds=retention_seconds) + timedelta(hours=1)
        settled = self._ports.journal.presume(self._desk.name, before, kept_since, now)
        self._run.count("presumed_sent", settled)

    def _tell(self, hidden: int, seconds: float) -> Done:
        run = self._run
        stopped = run.stopped or run.full
        if stopped is None and not run.emptied:
            stopped = f"the limit of {self._order.limit} is reached"
        verdict, reason = judge_run(sorted(run.counts.items()), run.left, run.failed, stopped, hidden)
        reasons = tuple(run.reasons.most_common(_MOST_REASONS))
        return Done(verdict, reason, dict(run.counts), run.left, reasons, tuple(run.archives), round(seconds, 3))


def _part(letters: Sequence[Received], test: Callable[[Received], bool]) -> tuple[list[Received], list[Received]]:
    """Give those that pass the test, and the others."""
    parts: tuple[list[Received], list[Received]] = ([], [])
    for one in letters:
        parts[not test(one)].append(one)
    return parts


def _share_out(room: float, batch: int, threads: int) -> tuple[int, int]:
    """Give how many batches are under way, and how many letters are in each: together no more than there is room for.

    Room is what the rate lets out in half of the time for which letters are hidden. Raises MisuseError for less than
    one letter, which others would see before it is sent.
    """
    if room < 1:
        raise MisuseError("the rate is too low for dead_letters.hide_seconds: raise either")
    crews = min(threads, _CREWS, int(room))
    return crews, min(batch, int(room / crews))


def _tens(letters: Sequence[P]) -> list[Sequence[P]]:
    return [letters[start : start + AT_ONCE] for start in range(0, len(letters), AT_ONCE)]


@contextmanager
def _collected_rarely() -> Iterator[None]:
    """Look for cycles rarely: letters have none, and batches of them looked through take a twentieth of the time."""
    before = gc.get_threshold()
    # Nought is never, which whoever asked for it keeps.
    gc.set_threshold(max(before[0], _MANY_OBJECTS) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
