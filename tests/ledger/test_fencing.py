"""A holder that lost its lease writes nothing more, in whichever part of the ledger, and whoever races with it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from namecard_release.domain.approvals import Approval
from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.gates import GateResult, Verdict
from namecard_release.domain.pauses import Pause
from namecard_release.domain.promotion import Hold, Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action, Decision
from namecard_release.domain.waivers import Waiver
from namecard_release.errors import RefusedError
from namecard_release.ledger.sql_ledger import SqlLedger
from namecard_release.ledger_port import Lease, ReleaseLedger
from tests.ledger.racer import NOW

P = PromotionPhase
PROMOTION = Promotion("p-1", "staging", "a" * 40, PromotionKind.PROMOTION, P.GATED, "ada", "wanted", NOW, NOW)
GATE = GateResult("quality", "a" * 40, Verdict.PASSED, "fine", NOW, NOW, "staging", run_id="run-1")
WRITES: dict[str, Callable[[ReleaseLedger], object]] = {
    "move": lambda ledger: ledger.move("p-1", P.DEPLOYING, NOW, "begins"),
    "field": lambda ledger: ledger.move("p-1", P.GATED, NOW, assembly="c" * 64),
    "decision": lambda ledger: ledger.record_decision("p-1", Decision(Action.HALT, "why"), NOW),
    "gate": lambda ledger: ledger.record_gate(GATE),
    "hold": lambda ledger: ledger.hold(Hold("staging", "a" * 40, "why", "ada", NOW)),
    "waiver": lambda ledger: ledger.waive(Waiver("quality", "a" * 40, None, "ada", "flake", NOW, NOW)),
    "approval": lambda ledger: ledger.approve(Approval("staging", "a" * 40, "bob", "fine", NOW, NOW)),
    "pause": lambda ledger: ledger.pause(Pause("staging", "incident", "ada", NOW, None)),
    "event": lambda ledger: ledger.record_event(AuditEvent(NOW, "ada", "told", "p-1", "staging", "why")),
    "promotion": lambda ledger: ledger.open_promotion(replace(PROMOTION, id="p-2")),
}


@pytest.fixture
def lease(ledger: SqlLedger) -> Lease:
    ledger.open_promotion(PROMOTION)
    return ledger.take_lease("staging", "p-1", 30)


def _written(ledger: SqlLedger) -> object:
    held, decision = ledger.holds(), ledger.decision("p-1")
    people = ledger.waivers(), ledger.approvals(), ledger.pauses(), ledger.audit_entries()
    return ledger.history(), ledger.moves("p-1"), ledger.gates("a" * 40, "staging"), held, decision, people


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_holder_writes(ledger: SqlLedger, lease: Lease, write: Callable[[ReleaseLedger], object]) -> None:
    before = _written(ledger)
    write(ledger.fenced(lease))
    assert _written(ledger) != before
    assert ledger.verify_audit().verdict is Verdict.PASSED


LOSSES: dict[str, tuple[Callable[[SqlLedger, Lease, Any], object], str]] = {
    "forced": (lambda ledger, lease, clock: ledger.take_lease("staging", "p-9", 30, force=True), "taken by p-9"),
    "taken again by its next run": (lambda ledger, lease, clock: ledger.take_lease("staging", "p-1", 30), "was taken"),
    "given back": (lambda ledger, lease, clock: lease.release(), "given back"),
    "revoked": (lambda ledger, lease, clock: ledger.revoke_lease("staging", "p-1"), "was taken"),
    "expired": (lambda ledger, lease, clock: clock.pass_time(30), "expired at 2026-03-02 09:00:30 UTC"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(("lose", "told"), LOSSES.values(), ids=LOSSES)
def test_a_holder_that_lost_its_lease_writes_nothing(
    ledger: SqlLedger,
    lease: Lease,
    clock: Any,
    lose: Callable[[SqlLedger, Lease, Any], object],
    told: str,
    write: Callable[[ReleaseLedger], object],
) -> None:
    fenced = ledger.fenced(lease)
    lose(ledger, lease, clock)
    before = _written(ledger)
    with pytest.raises(RefusedError, match=told) as caught:
        write(fenced)
    assert len(str(caught.value).splitlines()) == 1
    assert _written(ledger) == before
    assert fenced.history() == ledger.history()
    assert ledger.verify_audit().verdict is Verdict.PASSED


def test_a_holder_that_woke_up_and_renewed_an_expired_lease_that_nobody_took_writes_again(
    ledger: SqlLedger, lease: Lease, clock: Any
) -> None:
    clock.pass_time(300)
    lease.renew()
    assert ledger.fenced(lease).move("p-1", P.DEPLOYING, NOW).phase is P.DEPLOYING


def test_a_lease_of_one_environment_does_not_fence_another(ledger: SqlLedger, lease: Lease) -> None:
    ledger.take_lease("prod", "p-9", 30, force=True)
    assert ledger.fenced(lease).move("p-1", P.DEPLOYING, NOW).phase is P.DEPLOYING


def test_only_a_holder_is_revoked(ledger: SqlLedger, lease: Lease) -> None:
    assert not ledger.revoke_lease("staging", "p-2")
    assert not ledger.revoke_lease("prod", "p-1")
    lease.renew()
    assert ledger.revoke_lease("staging", "p-1")
    assert ledger.take_lease("staging", "p-2", 30).token > lease.token + 1


def test_every_write_that_was_kept_was_made_before_its_lease_was_taken(ledger: SqlLedger) -> None:
    """Holders write as fast as they can while the next ones force the lease from them: no write comes late."""
    for number in range(6):
        ledger.open_promotion(replace(PROMOTION, id=f"p-{number}", phase=P.REQUESTED))
    start = Barrier(6)

    def work(number: int) -> None:
        start.wait(timeout=30)
        lease = ledger.take_lease("staging", f"p-{number}", 30, force=True)
        fenced = ledger.fenced(lease)
        try:
            for turn in range(40):
                fenced.move("p-0", P.REQUESTED, NOW, f"{lease.token}", schema_version=f"{lease.token}-{turn}")
        except RefusedError:
            return

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    tokens = [int(why) for _, _, why in ledger.moves("p-0") if why.isdigit()]
    assert tokens == sorted(tokens) and tokens[-1] == 6 and tokens.count(6) == 40
