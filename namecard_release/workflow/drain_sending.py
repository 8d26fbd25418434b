"""Letters of a drain sent and taken out of the queue, ten by ten, by threads. Which ones, and when, is `draining`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from namecard_release.dlq_port import DeadLetterPorts, Pacer, Received, Replay, SendFailure
from namecard_release.ports import Clock
from namecard_release.workflow.dead_letters import Planned
from namecard_release.workflow.drain_state import Run


@dataclass
class Outcome:
    """What became of letters that were to be sent until a moment; threads add to it.

    `sent` are the ids of those that went out, `late` those that were not come to in time.
    """

    until: datetime
    sent: list[str] = field(default_factory=list)
    late: list[Received] = field(default_factory=list)


class Sender:
    """Sends letters and deletes what went out; `stop` ends the whole run."""

    def __init__(self, ports: DeadLetterPorts, pacer: Pacer, clock: Clock, run: Run, tries: int) -> None:
        self._ports, self._pacer, self._clock, self._run, self._tries = ports, pacer, clock, run, tries

    def send(self, part: Sequence[Planned], outcome: Outcome, stop: Callable[[str], None]) -> None:
        """Send at most ten, again and again what may be taken later, and delete what was taken."""
        waiting = part
        for attempt in range(self._tries):
            gone, failures = self._try(waiting, outcome)
            self.delete(gone, "replayed")
            waiting = self._sort_out(waiting, failures)
            if not waiting or self._is_over(waiting, outcome):
                return
            if attempt + 1 < self._tries:
                self._pacer.back_off(attempt)
        for one in waiting:
            self._run.leave([one.received], failures[one.letter.message_id].reason)
        stop(f"replays were refused {self._tries} times in a row: {failures[waiting[0].letter.message_id].reason}")

    def _try(self, waiting: Sequence[Planned], outcome: Outcome) -> tuple[list[Planned], dict[str, SendFailure]]:
        """Send by as many as go out in one call, until it is over; gives what went out, and what was not taken.

        What went out is noted at once: where its delete fails it comes again, and must not be sent again.
        """
        gone: list[Planned] = []
        failures: dict[str, SendFailure] = {}
        at_once = self._ports.way.at_once
        for start in range(0, len(waiting), at_once):
            piece, rest = waiting[start : start + at_once], waiting[start:]
            if self._is_over(rest, outcome):
                break
            self._pacer.take(len(piece))
            # Whoever waited for the rate may have waited too long.
            if self._is_over(rest, outcome):
                break
            told = {failure.message_id: failure for failure in self._ports.way.send([_replay(one) for one in piece])}
            out = [one for one in piece if one.letter.message_id not in told]
            outcome.sent.extend(one.letter.message_id for one in out)
            gone += out
            failures |= told
        return gone, failures

    def _is_over(self, waiting: Sequence[Planned], outcome: Outcome) -> bool:
        """Tell whether nothing more may be sent: the run was stopped, or letters are about to be seen by others."""
        received = [one.received for one in waiting]
        if self._run.stopped is not None:
            self._run.leave(received, self._run.stopped)
        elif self._clock.now() > outcome.until:
            outcome.late.extend(received)
        else:
            return False
        return True

    def _sort_out(self, waiting: Sequence[Planned], failures: dict[str, SendFailure]) -> Sequence[Planned]:
        """Leave what is never taken; gives what may be taken later."""
        later: list[Planned] = []
        for one in waiting:
            failure = failures.get(one.letter.message_id)
            if failure is not None and failure.transient:
                later.append(one)
            elif failure is not None:
                self._run.leave([one.received], failure.reason)
                self._run.fail()
        return later

    def delete(self, planned: Sequence[Planned], name: str) -> None:
        """Delete at most ten from the queue, and count them under a name."""
        if not planned:
            return
        undeleted = self._ports.queue.delete([one.received for one in planned])
        self._run.count(name, len(planned))
        if undeleted:
            # It comes again, and is deleted then: the journal knows that it was dealt with.
            self._run.count("deletes_owed", len(undeleted))


def _replay(one: Planned) -> Replay:
    assert one.plan.target is not None
    return Replay(one.letter, one.plan.target, one.plan.key, one.plan.attempt)
