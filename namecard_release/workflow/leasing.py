"""The environment's lease kept alive while its holder works, and given back whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from namecard_release.errors import RefusedError, TransientError
from namecard_release.ports import Lease
from namecard_release.workflow.pipeline import Pipeline

LEASE_SECONDS = 30.0
_BEAT_SECONDS = 5.0


class Heartbeat:
    """Renews a lease from a thread; `check` tells the worker when it was lost."""

    def __init__(self, lease: Lease, beat_seconds: float = _BEAT_SECONDS) -> None:
        self._lease = lease
        self._beat = beat_seconds
        self._stop = threading.Event()
        self._lost: RefusedError | None = None
        self._thread = threading.Thread(target=self._renew, name="lease-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def check(self) -> None:
        """Raise the RefusedError that the renewal met, if the lease was lost."""
        if self._lost is not None:
            raise self._lost

    def close(self) -> None:
        """End the renewal and give the lease back."""
        self._stop.set()
        self._thread.join(timeout=self._beat)
        self._lease.release()

    def _renew(self) -> None:
        unanswered = 0.0
        while not self._stop.wait(self._beat):
            try:
                self._lease.renew()
                unanswered = 0.0
            except TransientError as error:
                unanswered += self._beat
                if unanswered >= LEASE_SECONDS:
                    self._lost = RefusedError(f"the lease ran out while the ledger did not answer: {error}")
                    return
            except RefusedError as error:
                self._lost = error
                return


@contextmanager
def hold_lease(pipeline: Pipeline, environment: str, holder: str, *, force: bool = False) -> Iterator[Heartbeat]:
    """Hold an environment's lease for the length of a block. Raises RefusedError naming who has it."""
    heartbeat = Heartbeat(pipeline.ledger.take_lease(environment, holder, LEASE_SECONDS, force=force))
    heartbeat.start()
    try:
        yield heartbeat
    finally:
        heartbeat.close()
