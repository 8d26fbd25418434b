"""What mitigations need, as Protocols: their part of the ledger, and the levers that read and change a setting."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from namecard_release.domain.audit import AuditEvent
    from namecard_release.domain.mitigation_bounds import Reading
    from namecard_release.domain.mitigations import Mitigation, MitigationState, Target


class MitigationLedger(Protocol):
    """The mitigations' part of the ledger. Every write is one transaction with its entry of the audit trail."""

    def intend_mitigation(self, one: Mitigation, event: AuditEvent) -> Mitigation | None:
        """Keep a mitigation as INTENDED and give it with its number; None when its setting has an unsettled one."""
        ...

    def settle_mitigation(
        self, number: int, state: MitigationState, outcome: str, at: datetime, event: AuditEvent
    ) -> bool:
        """End an INTENDED one as APPLIED or FAILED; False, and nothing is written, when it is settled already."""
        ...

    def intend_undo(self, number: int, actor: str, reason: str, at: datetime, event: AuditEvent) -> bool:
        """Begin to undo an APPLIED one; False when it is not APPLIED, or its setting has an unsettled one."""
        ...

    def settle_undo(self, number: int, state: MitigationState, outcome: str, at: datetime, event: AuditEvent) -> bool:
        """End an UNDOING one as UNDONE, or as APPLIED again where it was not undone; False when it is not UNDOING."""
        ...

    def mark_told(self, number: int, state: MitigationState) -> None:
        """Keep that a state was noted in the mitigation's incident."""
        ...

    def mitigation(self, number: int) -> Mitigation | None:
        """Give one mitigation."""
        ...

    def mitigations(
        self, environment: str | None = None, states: Collection[MitigationState] = (), limit: int = 200
    ) -> tuple[Mitigation, ...]:
        """Give mitigations, newest first; of an environment, and in one of some states, where that is given."""
        ...


class Lever(Protocol):
    """One kind of setting of one environment."""

    def read(self, target: Target) -> Reading:
        """Read a setting and what bounds it. Raises TransientError without an answer, PermanentError for a refusal."""
        ...

    def write(self, target: Target, before: str, after: str) -> None:
        """Change a setting that was read as `before`; the same change twice is one.

        Raises TransientError when it is not known whether it was made, PermanentError when it was refused.
        """
        ...


@dataclass(frozen=True)
class Levers:
    """Every lever of one environment."""

    reserved: Lever
    provisioned: Lever
    proxy: Lever
    writer: Lever
    flag: Lever


def no_levers(environment: str) -> Levers:
    """Have no levers at all: for pipelines that are put together without any."""
    raise NotImplementedError(f"no levers are configured for {environment}")
