"""What the orchestration needs of the ledger and its leases, as Protocols; every other port is in `ports`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from namecard_release.incident_port import IncidentLedger
from namecard_release.mitigation_port import MitigationLedger
from namecard_release.serving_port import StepLedger
from namecard_release.watch_port import WatchLedger

# Protocols are read by the type checker alone: nobody who imports one waits for the whole domain.
if TYPE_CHECKING:
    from namecard_release.domain.approvals import Approval
    from namecard_release.domain.audit import AuditEntry, AuditEvent, TrailVerdict
    from namecard_release.domain.gates import GateResult
    from namecard_release.domain.pauses import Pause
    from namecard_release.domain.promotion import Hold, Promotion, PromotionPhase
    from namecard_release.domain.rollback import Decision
    from namecard_release.domain.turns import Turn
    from namecard_release.domain.waivers import Waiver


class Lease(Protocol):
    """The right to change one environment, held; `token` grows with every holder of that environment."""

    @property
    def environment(self) -> str:
        """What may be changed."""
        ...

    @property
    def holder(self) -> str:
        """Who holds it."""
        ...

    @property
    def token(self) -> int:
        """The number that fences older holders out."""
        ...

    def renew(self) -> None:
        """Renew the lease. Raises RefusedError when somebody else took it."""
        ...

    def release(self) -> None:
        """Give the lease back; harmless when it was lost."""
        ...


class ReleaseLedger(StepLedger, WatchLedger, IncidentLedger, MitigationLedger, Protocol):
    """The memory of the pipeline. Every write is one transaction."""

    def open_promotion(self, promotion: Promotion) -> Promotion:
        """Record a promotion, or give the recorded one of the same id (a resumed run) unchanged."""
        ...

    def promotion(self, promotion_id: str) -> Promotion | None:
        """Give one promotion."""
        ...

    def history(self, environment: str | None = None, limit: int = 200) -> tuple[Promotion, ...]:
        """Give promotions, newest request first."""
        ...

    def standing(self, environment: str, limit: int = 1000) -> tuple[Promotion, ...]:
        """Give an environment's promotions under way and the newest `limit` whose deploy began, newest request first.

        What was only asked for and ended, however often, does not push out what serves.
        """
        ...

    def move(
        self,
        promotion_id: str,
        phase: PromotionPhase,
        at: datetime,
        reason: str | None = None,
        *,
        by: str | None = None,
        events: Sequence[AuditEvent] = (),
        **changes: object,
    ) -> Promotion:
        """Move a promotion to a phase with field changes, and note the move. `reason` replaces the promotion's reason
        only for ends (FAILED, HELD, ROLLED_BACK, SUPERSEDED, ABORTED); `by` is who moved it, its actor by default.
        `events` are what the audit trail is told along with the move.

        Raises RefusedError for a move that `may_follow` does not allow.
        """
        ...

    def moves(self, promotion_id: str) -> tuple[tuple[datetime, PromotionPhase, str], ...]:
        """Give every move of a promotion in order: when, to what, why."""
        ...

    def moves_of(self, promotion_ids: Sequence[str]) -> Mapping[str, tuple[tuple[datetime, PromotionPhase, str], ...]]:
        """Give the moves of several promotions by id, as `moves` gives one's."""
        ...

    def record_gate(self, result: GateResult) -> None:
        """Record a gate's result."""
        ...

    def gates(self, release: str, environment: str | None = None) -> tuple[GateResult, ...]:
        """Give the results about a release: those without environment, and those of the given one; newest first."""
        ...

    def checks(self, gate: str, inputs: str, limit: int = 10) -> tuple[GateResult, ...]:
        """Give the checks of a gate made from the same inputs, whatever release they were for; newest first.

        Results for which an earlier check stands are not among them.
        """
        ...

    def waive(self, waiver: Waiver) -> Waiver:
        """Keep a waiver and give it with its number."""
        ...

    def waivers(self, release: str | None = None) -> tuple[Waiver, ...]:
        """Give all waivers, or those of a release, newest first; expired and revoked ones are among them."""
        ...

    def revoke_waivers(
        self, gate: str, release: str, environment: str | None, actor: str, at: datetime
    ) -> tuple[Waiver, ...]:
        """Revoke the waivers in force at `at` of exactly that gate, release and environment; gives those revoked."""
        ...

    def record_decision(self, promotion_id: str, decision: Decision, at: datetime) -> bool:
        """Record a decisive decision (ROLL_BACK, HALT, PROCEED); False when one was recorded before."""
        ...

    def decision(self, promotion_id: str) -> Decision | None:
        """Give the decisive decision about a promotion, if one was recorded."""
        ...

    def hold(self, hold: Hold) -> bool:
        """Hold a release in an environment; a hold already open stays as it is, and then it is False."""
        ...

    def holds(self, environment: str | None = None) -> tuple[Hold, ...]:
        """Give the holds that are open."""
        ...

    def release_hold(self, environment: str, release: str, actor: str, at: datetime, reason: str = "") -> bool:
        """Release a hold; False when there is none open."""
        ...

    def approve(self, approval: Approval) -> Approval:
        """Keep an approval and give it with its number."""
        ...

    def approvals(self, environment: str | None = None, release: str | None = None) -> tuple[Approval, ...]:
        """Give approvals, newest first, expired and revoked ones among them."""
        ...

    def revoke_approvals(
        self, environment: str, release: str, approver: str, actor: str, reason: str, at: datetime
    ) -> tuple[Approval, ...]:
        """Revoke a person's approvals in force at `at`; gives those revoked."""
        ...

    def pause(self, pause: Pause) -> Pause:
        """Keep a pause in the place of those in force there, and give it with its number."""
        ...

    def pauses(self, environment: str | None = None) -> tuple[Pause, ...]:
        """Give the pauses that nobody ended, oldest first; one whose time has passed may be among them."""
        ...

    def resume(self, environment: str, actor: str, reason: str, at: datetime) -> bool:
        """End the pauses in force in an environment; False when there is none."""
        ...

    def record_event(self, event: AuditEvent) -> None:
        """Append to the audit trail what changes nothing else in the ledger; all other writes append by themselves."""
        ...

    def audit_entries(self, environment: str | None = None, limit: int | None = None) -> tuple[AuditEntry, ...]:
        """Give entries of the audit trail, newest first; an environment's own when it is given."""
        ...

    def verify_audit(self, expected: str | None = None) -> TrailVerdict:
        """Verify the whole audit trail; `expected` is a head that somebody noted elsewhere."""
        ...

    def take_lease(self, environment: str, holder: str, seconds: float, *, force: bool = False) -> Lease:
        """Take the environment's lease: free, expired, or the holder's own. `force` takes it from whoever has it.

        Raises RefusedError naming the holder and the moment it expires.
        """
        ...

    def queue_lease(self, environment: str, promotion_id: str, seconds: float) -> Lease | tuple[Turn, str]:
        """Ask for a lease in the order of the requests: the lease, or WAIT or SUPERSEDED and why.

        Whoever waits keeps its place for `seconds` after each call.
        """
        ...

    def leave_queue(self, promotion_id: str) -> None:
        """Give a place in a queue up; harmless without one."""
        ...

    def revoke_lease(self, environment: str, holder: str) -> bool:
        """Take a lease from its holder for nobody; False when it has none."""
        ...

    def fenced(self, lease: Lease) -> ReleaseLedger:
        """Give the same ledger, whose every write is refused (RefusedError) once the lease is lost or has expired."""
        ...

    def beat(self, name: str, at: datetime) -> None:
        """Record that something which must always run was seen."""
        ...

    def forget_beat(self, name: str) -> None:
        """Forget something that has ended by itself; harmless when it was never seen."""
        ...

    def last_beat(self, name: str) -> datetime | None:
        """Give the moment at which something was last seen, None when it never was."""
        ...
