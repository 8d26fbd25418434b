"""What the alarms' watch needs of the ledger, as a Protocol; it is a part of `ReleaseLedger`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from namecard_release.domain.audit import AuditEvent
    from namecard_release.domain.messages import Message
    from namecard_release.domain.rollback import Decision


class WatchLedger(Protocol):
    """The watch's memory: what was decided after a bake, and what was noticed when."""

    def record_post_bake(self, promotion_id: str, decision: Decision, at: datetime) -> bool:
        """Record the decision about a promotion that succeeded, noted among its moves; False when there is one."""
        ...

    def post_bake_decision(self, promotion_id: str) -> Decision | None:
        """Give the decision about a promotion after its bake, if one was recorded."""
        ...

    def mark(
        self,
        promotion_id: str,
        mark: str,
        at: datetime,
        event: AuditEvent | None = None,
        messages: Sequence[Message] = (),
    ) -> datetime | None:
        """Note that something was noticed about a promotion's present run: None when it is new, else since when.

        Along with a new one `event` is told in the audit trail and `messages` are queued, in one transaction.
        """
        ...
