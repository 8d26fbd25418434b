"""The lease of an environment: one holder at a time, known to be lost when it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from namecard_release.errors import RefusedError
from namecard_release.ledger.sql_ledger import SqlLedger


def test_a_lease_keeps_others_out_until_given_back(ledger: SqlLedger) -> None:
    lease = ledger.take_lease("staging", "run-1", 30)
    assert (lease.holder, lease.token) == ("run-1", 1)
    with pytest.raises(RefusedError, match=r"staging .* run-1.* 2026-03-02 09:00:30 UTC"):
        ledger.take_lease("staging", "run-2", 30)
    ledger.take_lease("prod", "run-2", 30)
    lease.release()
    assert ledger.take_lease("staging", "run-2", 30).holder == "run-2"


@pytest.mark.parametrize(("passed", "free"), [(0, False), (29.999, False), (30, True), (3600, True)])
def test_a_lease_expires_by_itself(ledger: SqlLedger, clock: Any, passed: float, free: bool) -> None:
    ledger.take_lease("staging", "run-1", 30)
    clock.pass_time(passed)
    if free:
        assert ledger.take_lease("staging", "run-2", 30).token == 2
        return
    with pytest.raises(RefusedError):
        ledger.take_lease("staging", "run-2", 30)


def test_renewing_moves_the_end(ledger: SqlLedger, clock: Any) -> None:
    lease = ledger.take_lease("staging", "run-1", 30)
    clock.pass_time(20)
    lease.renew()
    clock.pass_time(20)
    with pytest.raises(RefusedError, match="09:00:50"):
        ledger.take_lease("staging", "run-2", 30)


def test_an_expired_lease_that_nobody_took_is_renewed(ledger: SqlLedger, clock: Any) -> None:
    lease = ledger.take_lease("staging", "run-1", 30)
    clock.pass_time(300)
    lease.renew()
    with pytest.raises(RefusedError):
        ledger.take_lease("staging", "run-2", 30)


@pytest.mark.parametrize(
    ("passed", "holder", "force"), [(300, "run-2", False), (0, "run-2", True), (0, "run-1", False)]
)
def test_a_lease_that_was_taken_is_lost(ledger: SqlLedger, clock: Any, passed: float, holder: str, force: bool) -> None:
    lost = ledger.take_lease("staging", "run-1", 30)
    clock.pass_time(passed)
    taken = ledger.take_lease("staging", holder, 30, force=force)
    assert taken.token > lost.token
    with pytest.raises(RefusedError, match="run-1 no longer has the lease of staging"):
        lost.renew()
    lost.release()
    taken.renew()
    with pytest.raises(RefusedError, match=holder):
        ledger.take_lease("staging", "run-3", 30)


def test_a_lease_given_back_cannot_be_renewed_and_its_token_is_spent(ledger: SqlLedger) -> None:
    lease = ledger.take_lease("staging", "run-1", 30)
    lease.release()
    lease.release()
    with pytest.raises(RefusedError):
        lease.renew()
    assert ledger.take_lease("staging", "run-2", 30).token > lease.token + 1


def test_force_takes_a_lease_that_nobody_had(ledger: SqlLedger) -> None:
    assert ledger.take_lease("staging", "run-1", 30, force=True).token == 1


@pytest.mark.parametrize("taken_before", [False, True])
def test_one_of_several_processes_takes_it(ledger: SqlLedger, url: str, race: Any, taken_before: bool) -> None:
    if taken_before:
        ledger.take_lease("staging", "run-0", 30).release()
    told = race(url, [("lease", f"run-{number}") for number in range(1, 5)])
    assert sorted(told) == ["refused", "refused", "refused", "taken"]


def test_forcing_at_once_leaves_one_holder(ledger: SqlLedger) -> None:
    start = Barrier(8)

    def take(number: int) -> tuple[int, bool]:
        start.wait(timeout=30)
        lease = ledger.take_lease("staging", f"run-{number}", 30, force=True)
        start.wait(timeout=30)
        try:
            lease.renew()
        except RefusedError:
            return lease.token, False
        return lease.token, True

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(take, range(8)))
    assert sorted(token for token, _ in told) == list(range(1, 9))
    assert [token for token, kept in told if kept] == [8]
