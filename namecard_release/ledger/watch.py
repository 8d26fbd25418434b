"""Decisions after a bake, and when something was first noticed about a promotion. What follows is the workflow's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select

from namecard_release.domain.audit import AUTOMATION, AuditEvent
from namecard_release.domain.messages import Message
from namecard_release.domain.rollback import Decision
from namecard_release.errors import PermanentError
from namecard_release.ledger.audit import append_event
from namecard_release.ledger.outbox import queue_messages
from namecard_release.ledger.rows import decision_row, read_decision
from namecard_release.ledger.schema import promotion_moves, promotions
from namecard_release.ledger.store import Store
from namecard_release.ledger.watch_tables import post_bake_decisions, watch_marks


class Watches(Store):
    """The alarms' watch's part of the ledger."""

    def record_post_bake(self, promotion_id: str, decision: Decision, at: datetime) -> bool:
        """Record the decision about a promotion that succeeded, and note it among its moves; False when there is one.

        Raises PermanentError for an unknown promotion, ValueError for a decision that decides nothing.
        """
        row = decision_row(decision)
        about = select(promotions.c.run_id, promotions.c.environment, promotions.c.phase)
        with self.reading() as connection:
            known = connection.execute(about.where(promotions.c.id == promotion_id)).first()
        if known is None:
            raise PermanentError(f"the ledger knows no promotion {promotion_id} to decide about")
        told = {"to": decision.to, "alarms": list(decision.arns), "run": known.run_id}
        action = f"decided {decision.action} after the bake"
        event = AuditEvent(at, AUTOMATION, action, promotion_id, known.environment, decision.reason, told)

        def _note(connection: Connection) -> None:
            sealed = append_event(connection, event)
            reason = f"{decision.action} after the bake: {decision.reason}"
            move = {"promotion_id": promotion_id, "at": at, "phase": known.phase, "reason": reason, "audit": sealed}
            connection.execute(insert(promotion_moves).values(**move))

        return self.insert_new(insert(post_bake_decisions).values(promotion_id=promotion_id, at=at, **row), then=_note)

    def post_bake_decision(self, promotion_id: str) -> Decision | None:
        """Give the decision about a promotion after its bake, if one was recorded."""
        query = select(post_bake_decisions).where(post_bake_decisions.c.promotion_id == promotion_id)
        with self.reading() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else read_decision(row)

    def mark(
        self,
        promotion_id: str,
        mark: str,
        at: datetime,
        event: AuditEvent | None = None,
        messages: Sequence[Message] = (),
    ) -> datetime | None:
        """Note that something was noticed about a promotion's present run: None when it is new, else since when.

        Along with a new one `event` is told in the audit trail and `messages` are queued, in one transaction. Raises
        PermanentError for an unknown promotion.
        """
        run = select(promotions.c.run_id).where(promotions.c.id == promotion_id)
        own = (watch_marks.c.promotion_id == promotion_id) & (watch_marks.c.mark == mark)
        marked = select(watch_marks.c.at).where(own & (watch_marks.c.run_id == run.scalar_subquery()))
        with self.reading() as connection:
            since: datetime | None = connection.execute(marked).scalar()
            run_id: str | None = connection.execute(run).scalar()
        if since is not None:
            return since
        if run_id is None:
            raise PermanentError(f"the ledger knows no promotion {promotion_id} to note anything about")
        statement = insert(watch_marks).values(promotion_id=promotion_id, run_id=run_id, mark=mark, at=at)

        def _tell(connection: Connection) -> None:
            if event is not None:
                append_event(connection, event)
            queue_messages(connection, messages)

        if self.insert_new(statement, then=_tell):
            return None
        with self.reading() as connection:
            return connection.execute(marked).scalar()
