"""One process of a crowd: many promotions of one environment ask for its lease at once, on the real ledger.

Each that gets it checks, by a file that only one can make, that nobody else is inside; some die inside and wake up
later.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.turns import Turn
from namecard_release.errors import RefusedError, TransientError
from namecard_release.ledger.leases import SqlLease
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.sql_ledger import SqlLedger

# The product asks every second too.
_PAUSE_SECONDS = 1.0
# Long after everybody had a turn on a machine that is slow; who waits longer waits for ever.
_GIVE_UP_SECONDS = 600.0


@dataclass(frozen=True)
class Order:
    """What a process does: which promotions of which environment; every `dies`th dies inside, 0 for none.

    A dead holder keeps the environment for `lease_seconds`; production's are thirty.
    """

    url: str
    folder: str
    environment: str
    first: int
    count: int
    dies: int
    lease_seconds: float
    begin_at: float


@dataclass
class Told:
    """How it went for the promotions of a process; `late_writes` are by holders that were dead for a while.

    `lost_it` had the lease run out on a machine too busy to go on in time, and wrote nothing; `unanswered` counts calls
    that the ledger did not answer in time, each asked again as a run's retry does.
    """

    had_the_lease: int = 0
    superseded: int = 0
    died: int = 0
    two_inside: int = 0
    late_writes_refused: int = 0
    late_writes_kept: int = 0
    lost_it: int = 0
    unanswered: int = 0
    gave_up: int = 0
    longest_wait: float = 0.0


def release_of(number: int, releases: int, total: int) -> str:
    """Give the commit of a promotion: the requests are spread over the commits in order."""
    return f"{number * releases // total:040x}"


def make_promotion(environment: str, number: int, release: str, moment: datetime) -> Promotion:
    """Make a promotion as it is asked for."""
    return Promotion(
        id=f"promotion-{environment}-{number:04}",
        environment=environment,
        release=release,
        kind=PromotionKind.PROMOTION,
        phase=PromotionPhase.REQUESTED,
        actor="crowd",
        reason="asked for at once",
        requested_at=moment,
        updated_at=moment,
        run_id=f"run-{environment}-{number}",
    )


class Crowd:
    """The promotions of one process, a thread each."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._ledger = open_ledger(order.url)
        self._inside = Path(order.folder) / f"{order.environment}.inside"
        self._told = Told()
        self._lock = threading.Lock()

    def run(self) -> Told:
        """Let all of them ask, and tell how it went."""
        order = self._order
        time.sleep(max(0.0, order.begin_at - time.time()))
        with ThreadPoolExecutor(order.count) as pool:
            list(pool.map(self._ask, range(order.first, order.first + order.count)))
        self._ledger.close()
        return self._told

    def _ask(self, number: int) -> None:
        promotion_id = f"promotion-{self._order.environment}-{number:04}"
        begun = time.monotonic()
        while True:
            asked = self._queue(promotion_id)
            if asked is not None and not isinstance(asked, tuple):
                break
            if asked is not None and asked[0] is Turn.SUPERSEDED:
                self._count("superseded")
                return
            if time.monotonic() - begun > _GIVE_UP_SECONDS:
                self._count("gave_up")
                return
            time.sleep(_PAUSE_SECONDS)
        with self._lock:
            self._told.longest_wait = max(self._told.longest_wait, round(time.monotonic() - begun, 2))
        self._count("had_the_lease")
        fenced = self._ledger.fenced(asked)
        try:
            asked.renew()
            self._be_inside(fenced, promotion_id)
        except RefusedError:
            self._count("lost_it")
            return
        except TransientError:
            # It has the lease and says nothing more: as one that died.
            self._count("unanswered")
            return
        if self._order.dies and number % self._order.dies == 0:
            self._die(fenced, promotion_id)
        else:
            asked.release()

    def _queue(self, promotion_id: str) -> SqlLease | tuple[Turn, str] | None:
        try:
            return self._ledger.queue_lease(self._order.environment, promotion_id, self._order.lease_seconds)
        except TransientError:
            self._count("unanswered")
            return None

    def _be_inside(self, fenced: SqlLedger, promotion_id: str) -> None:
        try:
            self._inside.touch(exist_ok=False)
        except FileExistsError:
            self._count("two_inside")
            return
        try:
            fenced.move(promotion_id, PromotionPhase.GATED, datetime.now(UTC), "inside")
        finally:
            self._inside.unlink()

    def _die(self, fenced: SqlLedger, promotion_id: str) -> None:
        """Say nothing for longer than the lease, then write as if nothing had been."""
        self._count("died")
        time.sleep(self._order.lease_seconds * 1.2)
        try:
            fenced.move(promotion_id, PromotionPhase.DEPLOYING, datetime.now(UTC), "late")
        except RefusedError:
            self._count("late_writes_refused")
        else:
            self._count("late_writes_kept")

    def _count(self, what: str) -> None:
        with self._lock:
            setattr(self._told, what, getattr(self._told, what) + 1)


def main() -> None:
    """Do what stdin says and print how it went."""
    order = Order(**json.load(sys.stdin))
    print(json.dumps(asdict(Crowd(order).run())))


if __name__ == "__main__":
    main()
