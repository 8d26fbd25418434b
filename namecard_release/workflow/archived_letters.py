"""Letters read back from the archive and sent to the functions that failed, with the key of the first replay.

The queue is not touched. A letter is sent, then the journal says so: a run that is killed in between sends at most ten
of them once more, with the same key. Letters of the queue are `draining`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from namecard_release.dlq_port import ArchiveLine, Replay, SendFailure
from namecard_release.domain.archived_letters import ArchivedPlan, judge_archived, plan_archived
from namecard_release.domain.dead_letter_plans import Known
from namecard_release.domain.dead_letters import find_target
from namecard_release.errors import MisuseError
from namecard_release.workflow.dead_letters import Desk, Order
from namecard_release.workflow.draining import Done

_AT_ONCE = 10


def look_into(desk: Desk, order: Order, archive: str) -> tuple[ArchivedPlan, ...]:
    """Plan the letters of one object that fit the order's filter; at most its limit are to be sent. Changes nothing.

    Raises RefusedError when there is no such object, MisuseError for a bad filter or another environment's object.
    """
    fits = desk.ports.make_filter(order.expression)
    lines = [line for line in desk.ports.archive.read(archive) if fits(line.letter)]
    foreign = {line.environment for line in lines} - {desk.name}
    if foreign:
        raise MisuseError(f"{archive} is of {', '.join(sorted(foreign))}: give that environment")
    known = desk.ports.journal.recall(desk.name, [line.letter for line in lines])
    places, own = desk.ports.directory.places(), desk.environment

    def plan(line: ArchiveLine) -> ArchivedPlan:
        entry = known.get(line.letter.message_id, Known()).own
        target = find_target(line.letter, places, own.account, own.region)
        return plan_archived(line.letter, line.service, archive, entry, target, insist=order.insist)

    # One message may stand in an object twice; it is one letter.
    return tuple({line.letter.message_id: plan(line) for line in lines}.values())


def replay_archived(desk: Desk, order: Order, archive: str) -> Done:
    """Send what may be sent, ten at a time; what was sent is journaled after each ten. Raises as `look_into` does."""
    begun = desk.clock.now()
    plans = look_into(desk, order, archive)
    due = [one for one in plans if one.target is not None]
    run = _Run(desk, order)
    for one in plans:
        if one.target is None:
            run.kept[one.reason] += 1
    for start in range(0, min(len(due), order.limit), _AT_ONCE):
        if run.stopped is not None:
            break
        run.send(due[start : min(start + _AT_ONCE, order.limit)])
    over = len(due) - run.tried
    if over:
        run.kept[run.stopped or f"the limit of {order.limit} was reached"] += over
    verdict, reason = judge_archived(run.sent, run.kept.total(), run.refused, run.stopped)
    seconds = (desk.clock.now() - begun).total_seconds()
    left = tuple(run.kept.most_common())
    return Done(verdict, reason, {"replayed": run.sent}, run.kept.total(), left, (), seconds)


@dataclass
class _Run:
    """One run at work."""

    desk: Desk
    order: Order
    sent: int = 0
    tried: int = 0
    refused: int = 0
    stopped: str | None = None
    kept: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.pacer = self.desk.ports.make_pacer(self.order.rate or self.desk.settings.rate_per_second)

    def send(self, part: Sequence[ArchivedPlan]) -> None:
        """Send ten and note which went out, also when the last try of the others fails."""
        self.tried += len(part)
        failures = self._try([_replay(one) for one in part])
        gone = [one.letter.message_id for one in part if one.letter.message_id not in failures]
        self.desk.ports.journal.resent(self.desk.name, gone, self.order.run_id, self.desk.clock.now())
        self.sent += len(gone)
        self.refused += sum(not failure.transient for failure in failures.values())
        self.kept.update(failure.reason for failure in failures.values())

    def _try(self, waiting: Sequence[Replay]) -> dict[str, SendFailure]:
        refused: dict[str, SendFailure] = {}
        tries = self.desk.settings.tries
        for attempt in range(tries):
            self.pacer.take(len(waiting))
            failures = {failure.message_id: failure for failure in self.desk.ports.way.send(waiting)}
            refused |= {id_: failure for id_, failure in failures.items() if not failure.transient}
            later = {id_: failure for id_, failure in failures.items() if failure.transient}
            waiting = [one for one in waiting if one.letter.message_id in later]
            if not waiting:
                return refused
            if attempt + 1 < tries:
                self.pacer.back_off(attempt)
        self.stopped = f"replays were refused {tries} times in a row: {next(iter(later.values())).reason}"
        return refused | later


def _replay(one: ArchivedPlan) -> Replay:
    assert one.target is not None
    return Replay(one.letter, one.target, one.key, one.attempt)
