"""A lease whose renewal meets a ledger that takes its time to say nothing."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from namecard_release.errors import RefusedError, TransientError
from namecard_release.time_limits import seconds_left
from namecard_release.workflow.leasing import Heartbeat
from tests.fakes.world import World


@dataclass
class SlowLease:
    """A lease whose every renewal fails after sixteen seconds of a clock of its own."""

    time: float = 0.0
    renewals: int = 0
    limits: list[float] = field(default_factory=list)
    lost: threading.Event = field(default_factory=threading.Event)
    environment = "staging"
    holder = "p"
    token = 1

    def renew(self) -> None:
        """Take long and fail."""
        self.time += 16
        self.renewals += 1
        self.limits.append(seconds_left(1000.0))
        if self.renewals == 2:
            self.lost.set()
        raise TransientError("the ledger does not answer")

    def release(self) -> None:
        """Give nothing back."""


def test_a_lease_runs_out_by_the_clock_and_not_by_the_number_of_beats(tmp_path: Path) -> None:
    lease = SlowLease()
    heartbeat = Heartbeat(World(tmp_path).pipeline(), lease, 0.01, lambda: lease.time)
    heartbeat.start()
    assert lease.lost.wait(5)
    heartbeat._thread.join(5)
    assert heartbeat.is_lost and lease.renewals == 2
    assert all(limit <= 5 for limit in lease.limits)
    with pytest.raises(RefusedError, match="ran out while the ledger did not answer"):
        heartbeat.check()
    heartbeat.close()
