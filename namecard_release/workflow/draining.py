"""Letters dealt with for good: archived, journaled, sent, deleted, in this order, in batches, by threads side by side.

Killed anywhere, the next run finds in queue and journal what is left to do (docs/dead-letters.md has each case).
"""

from __future__ import annotations

import gc
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from namecard_release.dlq_port import ArchiveLine, Received, Replay, SendFailure
from namecard_release.domain.dead_letter_plans import Action, JournalEntry, JournalState, judge_run
from namecard_release.domain.gates import Verdict
from namecard_release.workflow.dead_letters import Desk, Order, Planned, Planner

_AT_ONCE = 10
_STATES = {
    Action.REPLAY: JournalState.INTENDED,
    Action.ARCHIVE: JournalState.FILED,
    Action.QUARANTINE: JournalState.QUARANTINED,
}
# SQS tells depths a minute late; only an entry older than this and than the hiding is called gone from the queue.
_SETTLED = timedelta(minutes=2)
_MOST_REASONS = 50
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


@dataclass
class _Run:
    """What the threads of one run share; every change is made with the lock held."""

    limit: int
    lock: Lock = field(default_factory=Lock)
    taken: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    hidden: dict[str, Received] = field(default_factory=dict)
    left: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    archives: list[str] = field(default_factory=list)
    failed: int = 0
    stopped: str | None = None
    emptied: bool = False

    def reserve(self, number: int) -> int:
        with self.lock:
            granted = 0 if self.stopped else max(0, min(number, self.limit - self.taken))
            self.taken += granted
            return granted

    def give_back(self, number: int) -> None:
        with self.lock:
            self.taken -= number

    def count(self, name: str, number: int) -> None:
        with self.lock:
            self.counts[name] += number

    def leave(self, letters: Sequence[Received], reason: str) -> None:
        with self.lock:
            self.hidden |= {one.letter.message_id: one for one in letters}
            self.left += len(letters)
            self.reasons[reason] += len(letters)

    def hide(self, letters: Sequence[Received]) -> int:
        """Keep letters to be shown again at the end; gives how many there are."""
        with self.lock:
            self.hidden |= {one.letter.message_id: one for one in letters}
            return len(self.hidden)

    def has_hidden(self, message_id: str) -> bool:
        """Tell whether a letter was received before and is not to be dealt with in this run."""
        with self.lock:
            return message_id in self.hidden

    def most_stale(self) -> int:
        """Give how many answers in a row may hold nothing new: as many as would show all that is left once more."""
        with self.lock:
            return len(self.hidden) // _AT_ONCE + _AT_ONCE

    def stop(self, reason: str) -> None:
        with self.lock:
            self.stopped = self.stopped or reason


class Drainer:
    """Carries an order out. One object for one run."""

    def __init__(self, desk: Desk, order: Order, released_at: datetime | None) -> None:
        self._desk, self._order = desk, order
        self._ports, self._settings = desk.ports, desk.settings
        self._fits = desk.ports.make_filter(order.expression)
        self._planner = Planner(desk, order, released_at)
        self._pacer = desk.ports.make_pacer(order.rate or desk.settings.rate_per_second)
        self._run = _Run(order.limit)
        self._batch = self._batch_size()

    def _batch_size(self) -> int:
        """Give how many letters a thread takes at once: no more than the rate lets out in half of their hiding."""
        rate = self._order.rate or self._settings.rate_per_second
        threads = self._order.threads or self._settings.threads
        return max(1, min(self._settings.batch, int(rate * self._settings.hide_seconds / 2 / threads)))

    def run(self) -> Done:
        """Work until the queue is empty or the limit is reached; what is left is shown again to others.

        Raises what the ports raise; what was journaled until then is resumed by the next run.
        """
        begun = self._desk.clock.now()
        try:
            with _collected_rarely():
                self._work_side_by_side()
        finally:
            self._ports.queue.show(list(self._run.hidden.values()))
        self._presume()
        return self._tell((self._desk.clock.now() - begun).total_seconds())

    def _work_side_by_side(self) -> None:
        threads = self._order.threads or self._settings.threads
        with ThreadPoolExecutor(threads, thread_name_prefix="dead-letters") as pool:
            for finished in [pool.submit(self._work) for _ in range(threads)]:
                finished.result()

    def _work(self) -> None:
        try:
            while True:
                until = self._desk.clock.now() + timedelta(seconds=self._settings.hide_seconds * 0.8)
                batch = self._receive()
                if not batch:
                    return
                self._deal_with(batch, until)
        except BaseException:
            self._run.stop("a thread of this run failed")
            raise

    def _receive(self) -> list[Received]:
        """Receive up to a batch; empty when there is nothing more for this thread."""
        batch: list[Received] = []
        stale = 0
        while len(batch) < self._batch:
            wanted = self._run.reserve(min(_AT_ONCE, self._batch - len(batch)))
            if wanted == 0:
                break
            got = self._ports.queue.receive(wanted, self._settings.hide_seconds)
            if not got and not batch:
                got = self._ports.queue.receive(wanted, self._settings.hide_seconds, 1)
            fresh = [one for one in got if not self._run.has_hidden(one.letter.message_id)]
            fitting = self._fitting(fresh)
            self._run.give_back(wanted - len(fitting))
            batch += fitting
            stale = 0 if fresh else stale + 1
            # An answer of nothing but letters that were left is none: their hiding ran out, and the queue may go on.
            if not got or stale > self._run.most_stale():
                self._run.emptied = self._run.emptied or not batch
                break
        return batch

    def _fitting(self, fresh: Sequence[Received]) -> list[Received]:
        """Pick what fits the filter; the rest stays hidden for the length of the run, or it would be received again."""
        fitting = [one for one in fresh if self._fits(one.letter)]
        others = [one for one in fresh if not self._fits(one.letter)]
        if self._run.hide(others) >= self._settings.most_scanned:
            self._run.stop("as many letters as may be hidden at once were looked at: narrow the filter")
        return fitting

    def _deal_with(self, batch: Sequence[Received], until: datetime) -> None:
        by_action: dict[Action, list[Planned]] = defaultdict(list)
        for planned in self._planner.plan(batch):
            by_action[planned.plan.action].append(planned)
        for planned in by_action.pop(Action.LEAVE, []):
            self._leave([planned.received], planned.plan.reason)
        ours = self._archive_and_journal([one for action in _STATES for one in by_action.get(action, [])])
        self._delete(by_action.get(Action.DELETE, []), "deleted")
        for action, name in ((Action.ARCHIVE, "archived"), (Action.QUARANTINE, "quarantined")):
            self._delete([one for one in by_action.get(action, []) if one.letter.message_id in ours], name)
        self._send_all([one for one in by_action.get(Action.REPLAY, []) if one.letter.message_id in ours], until)

    def _archive_and_journal(self, planned: Sequence[Planned]) -> frozenset[str]:
        """Put letters into the archive, then into the journal; gives those that are this run's to go on with."""
        now = self._desk.clock.now()
        parts: dict[tuple[bool, str], list[Planned]] = defaultdict(list)
        for one in planned:
            parts[one.plan.action is Action.QUARANTINE, one.service].append(one)
        entries: list[JournalEntry] = []
        for (quarantine, _), part in parts.items():
            key = self._ports.archive.put([self._line(one, now) for one in part], quarantine=quarantine)
            entries += [self._entry(one, key, now) for one in part]
            with self._run.lock:
                self._run.archives.append(key)
        ours = self._ports.journal.intend(entries)
        others = [one.received for one in planned if one.letter.message_id not in ours]
        if others:
            self._leave(others, "another run dealt with it in between")
        return ours

    def _line(self, one: Planned, now: datetime) -> ArchiveLine:
        plan = one.plan
        return ArchiveLine(
            *(one.letter, self._desk.name, one.service, plan.key, str(plan.action), plan.reason),
            *(plan.attempt, now, self._order.run_id),
        )

    def _entry(self, one: Planned, archive: str, now: datetime) -> JournalEntry:
        letter, plan = one.letter, one.plan
        function = plan.target.function if plan.target is not None else letter.function or ""
        return JournalEntry(
            environment=self._desk.name,
            message_id=letter.message_id,
            replay_key=plan.key,
            digest=letter.digest,
            service=one.service,
            function=function,
            request_id=letter.request_id,
            error_name=letter.error_name,
            reason=plan.reason,
            state=_STATES[plan.action],
            archive=archive,
            attempt=plan.attempt,
            carried=letter.carries_mark,
            sent_at=letter.sent_at,
            intended_at=now,
            settled_at=None,
            run_id=self._order.run_id,
        )

    def _send_all(self, planned: Sequence[Planned], until: datetime) -> None:
        """Send and delete ten by ten, so that a kill repeats ten of a thread at most; journal all of it at the end."""
        sent: list[str] = []
        try:
            for start in range(0, len(planned), _AT_ONCE):
                part = planned[start : start + _AT_ONCE]
                if self._run.stopped is not None:
                    self._leave([one.received for one in planned[start:]], self._run.stopped)
                    break
                if self._desk.clock.now() > until:
                    self._put_back([one.received for one in planned[start:]], progress=start > 0)
                    break
                failures = self._send(part)
                gone = [one for one in part if one.letter.message_id not in failures]
                sent += [one.letter.message_id for one in gone]
                self._delete(gone, "replayed")
                self._tell_failures(part, failures)
        finally:
            self._ports.journal.settle(self._desk.name, sent, self._desk.clock.now())

    def _put_back(self, letters: Sequence[Received], *, progress: bool) -> None:
        """Show letters again that were not come to while they were hidden; smaller batches follow.

        Such a letter is in the journal as INTENDED, and is received again like one of a killed run.
        """
        if not progress and self._batch <= _AT_ONCE:
            self._leave(letters, "not even ten were come to while they were hidden")
            self._run.stop("this is too slow for dead_letters.hide_seconds: raise it")
            return
        self._batch = max(_AT_ONCE, self._batch // 2)
        self._ports.queue.show(letters)
        self._run.give_back(len(letters))

    def _send(self, part: Sequence[Planned]) -> dict[str, SendFailure]:
        """Send ten, again and again what may be taken later; gives what was not taken at last, by message id."""
        waiting = [self._replay(one) for one in part]
        refused: dict[str, SendFailure] = {}
        for attempt in range(self._settings.tries):
            self._pacer.take(len(waiting))
            failures = {failure.message_id: failure for failure in self._ports.way.send(waiting)}
            refused |= {id_: failure for id_, failure in failures.items() if not failure.transient}
            later = {id_: failure for id_, failure in failures.items() if failure.transient}
            waiting = [one for one in waiting if one.letter.message_id in later]
            if not waiting:
                return refused
            if attempt + 1 < self._settings.tries:
                self._pacer.back_off(attempt)
        self._run.stop(
            f"replays were refused {self._settings.tries} times in a row: {next(iter(later.values())).reason}"
        )
        return refused | later

    @staticmethod
    def _replay(one: Planned) -> Replay:
        assert one.plan.target is not None
        return Replay(one.letter, one.plan.target, one.plan.key, one.plan.attempt)

    def _tell_failures(self, part: Sequence[Planned], failures: dict[str, SendFailure]) -> None:
        for one in part:
            failure = failures.get(one.letter.message_id)
            if failure is None:
                continue
            self._leave([one.received], failure.reason)
            if not failure.transient:
                with self._run.lock:
                    self._run.failed += 1

    def _delete(self, planned: Sequence[Planned], name: str) -> None:
        if not planned:
            return
        undeleted = self._ports.queue.delete([one.received for one in planned])
        self._run.count(name, len(planned))
        if undeleted:
            # It comes again, and is deleted then: the journal knows that it was dealt with.
            self._run.count("deletes_owed", len(undeleted))

    def _leave(self, letters: Sequence[Received], reason: str) -> None:
        self._run.leave(letters, reason)

    def _presume(self) -> None:
        """Settle what a killed run sent and deleted without coming to note it: an empty queue tells."""
        if self._run.stopped or not self._run.emptied or self._run.hidden:
            return
        depth = self._ports.queue.depth()
        if depth.total:
            return
        now = self._desk.clock.now()
        before = now - max(_SETTLED, timedelta(seconds=self._settings.hide_seconds))
        kept_since = now - timedelta(seconds=depth.retention_seconds) + timedelta(hours=1)
        settled = self._ports.journal.presume(self._desk.name, before, kept_since, now)
        self._run.count("presumed_sent", settled)

    def _tell(self, seconds: float) -> Done:
        run = self._run
        stopped = run.stopped
        if stopped is None and not run.emptied:
            stopped = f"the limit of {self._order.limit} is reached"
        verdict, reason = judge_run(sorted(run.counts.items()), run.left, run.failed, stopped)
        reasons = tuple(run.reasons.most_common(_MOST_REASONS))
        return Done(verdict, reason, dict(run.counts), run.left, reasons, tuple(run.archives), round(seconds, 3))


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
