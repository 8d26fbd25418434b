"""The environment's lease: waited for in turn, kept alive while its holder works, given back whatever happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from namecard_release.domain.promotion import PromotionPhase
from namecard_release.domain.turns import Turn
from namecard_release.errors import RefusedError, TransientError
from namecard_release.ledger_port import Lease
from namecard_release.ports import LineSink
from namecard_release.time_limits import within
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.promoting import stop

LEASE_SECONDS = 30.0
# A holder whose lease is taken notices within a beat, and ends the cdk that it runs.
_BEAT_SECONDS = 2.0
_TURN_SECONDS = 1.0
_RENEWAL_SECONDS = 5.0
_ENDED = frozenset({PromotionPhase.ABORTED, PromotionPhase.HELD, PromotionPhase.FAILED, PromotionPhase.SUPERSEDED})

Wait = Callable[[float], object]


class Heartbeat:
    """Renews a lease from a thread; `check` tells the worker when it was lost.

    `pipeline` is the holder's: every write to its ledger is refused once the lease is lost.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        lease: Lease,
        beat_seconds: float = _BEAT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pipeline = replace(pipeline, ledger=pipeline.ledger.fenced(lease))
        self._lease = lease
        self._beat = beat_seconds
        self._clock = clock
        self._stop = threading.Event()
        self._lost: RefusedError | None = None
        self._thread = threading.Thread(target=self._renew, name="lease-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    @property
    def is_lost(self) -> bool:
        """Tell whether the renewal met its end; what runs under the lease is to be ended then."""
        return self._lost is not None

    def check(self) -> None:
        """Raise the RefusedError that the renewal met, if the lease was lost."""
        if self._lost is not None:
            raise self._lost

    def confirm(self) -> None:
        """Renew the lease at once, right before what must not be done without it. Raises RefusedError when lost."""
        self.check()
        self._lease.renew()

    def close(self) -> None:
        """End the renewal and give the lease back."""
        self._stop.set()
        self._thread.join(timeout=self._beat)
        self._lease.release()

    def _renew(self) -> None:
        # By the clock and not by the number of beats: a ledger that is silent takes its time to fail.
        answered = self._clock()
        while not self._stop.wait(self._beat):
            try:
                with within(_RENEWAL_SECONDS):
                    self._lease.renew()
                answered = self._clock()
            except TransientError as error:
                if self._clock() - answered >= LEASE_SECONDS:
                    self._lost = RefusedError(f"the lease ran out while the ledger did not answer: {error}")
                    return
            except RefusedError as error:
                self._lost = error
                return


@contextmanager
def hold_lease(
    pipeline: Pipeline,
    environment: str,
    holder: str,
    *,
    force: bool = False,
    wait: Wait | None = None,
    on_line: LineSink | None = None,
) -> Iterator[Heartbeat]:
    """Hold an environment's lease for the length of a block; `holder` is a promotion's id.

    With `force` it is taken from whoever has it; else the promotion waits its turn, each new reason to wait told on
    `on_line`. Raises StoppedError: SUPERSEDED by a newer commit, HELD after the environment's `lease_wait_seconds`.
    """
    if force:
        lease: Lease = pipeline.ledger.take_lease(environment, holder, LEASE_SECONDS, force=True)
    else:
        lease = _wait_for_turn(pipeline, environment, holder, wait or threading.Event().wait, on_line)
    heartbeat = Heartbeat(pipeline, lease)
    heartbeat.start()
    try:
        yield heartbeat
    finally:
        heartbeat.close()


def _wait_for_turn(pipeline: Pipeline, environment: str, holder: str, wait: Wait, on_line: LineSink | None) -> Lease:
    lease: Lease | None = None
    try:
        lease = _ask_in_turns(pipeline, environment, holder, wait, on_line)
        return lease
    finally:
        # One that is interrupted while it waits supersedes nobody any more.
        if lease is None:
            pipeline.ledger.leave_queue(holder)


def _ask_in_turns(pipeline: Pipeline, environment: str, holder: str, wait: Wait, on_line: LineSink | None) -> Lease:
    limit = pipeline.settings.environment(environment).lease_wait_seconds
    end = pipeline.clock.now() + timedelta(seconds=limit)
    told = ""
    while True:
        asked = pipeline.ledger.queue_lease(environment, holder, LEASE_SECONDS)
        if not isinstance(asked, tuple):
            return asked
        turn, why = asked
        if turn is Turn.SUPERSEDED:
            stop(pipeline, holder, PromotionPhase.SUPERSEDED, why)
        _refuse_ended(pipeline, holder)
        if pipeline.clock.now() >= end:
            stop(pipeline, holder, PromotionPhase.HELD, f"its turn did not come within {limit:.0f} s: {why}")
        if on_line is not None and why != told:
            on_line(f"waiting: {why}")
            told = why
        wait(_TURN_SECONDS)


def _refuse_ended(pipeline: Pipeline, holder: str) -> None:
    # Somebody may have ended it while it waited, a rollback or a person.
    found = pipeline.ledger.promotion(holder)
    if found is not None and found.phase in _ENDED:
        raise RefusedError(f"{holder} is {found.phase} and no longer waits: {found.reason}")
