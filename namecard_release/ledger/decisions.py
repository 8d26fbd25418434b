"""Decisions and holds: what was decided about a promotion once and for all, and what may not be promoted again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, Select, insert, select, update

from namecard_release.domain.audit import AUTOMATION, AuditEvent
from namecard_release.domain.promotion import Hold
from namecard_release.domain.rollback import Decision
from namecard_release.errors import PermanentError
from namecard_release.ledger.audit import append_event
from namecard_release.ledger.rows import decision_row, read_decision, read_hold
from namecard_release.ledger.schema import decisions, holds, promotions
from namecard_release.ledger.store import Store


def _run_of(promotion_id: str) -> Select[tuple[str]]:
    return select(promotions.c.run_id).where(promotions.c.id == promotion_id)


def _append(connection: Connection, event: AuditEvent) -> None:
    append_event(connection, event)


class Decisions(Store):
    """The decisions' and holds' part of the ledger."""

    def record_decision(self, promotion_id: str, decision: Decision, at: datetime) -> bool:
        """Record a decisive decision about a promotion's present run; False when one was recorded before.

        Raises PermanentError for an unknown promotion, ValueError for a decision that decides nothing.
        """
        row = decision_row(decision)
        about = select(promotions.c.run_id, promotions.c.environment).where(promotions.c.id == promotion_id)
        with self.reading() as connection:
            known = connection.execute(about).first()
        if known is None:
            raise PermanentError(f"the ledger knows no promotion {promotion_id} to decide about")
        told = {"to": decision.to, "alarms": list(decision.arns), "run": known.run_id}
        action = f"decided {decision.action}"
        event = AuditEvent(at, AUTOMATION, action, promotion_id, known.environment, decision.reason, told)
        statement = insert(decisions).values(promotion_id=promotion_id, run_id=known.run_id, at=at, **row)
        return self.insert_new(statement, then=lambda connection: _append(connection, event))

    def decision(self, promotion_id: str) -> Decision | None:
        """Give the decisive decision about a promotion's present run, if one was recorded."""
        own = (decisions.c.promotion_id == promotion_id) & (
            decisions.c.run_id == _run_of(promotion_id).scalar_subquery()
        )
        query = select(decisions).where(own)
        with self.reading() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else read_decision(row)

    def hold(self, hold: Hold) -> bool:
        """Hold a release in an environment; a hold already open stays as it is, and then it is False."""
        event = AuditEvent(hold.since, hold.actor, "hold placed", hold.release, hold.environment, hold.reason)
        return self.insert_new(insert(holds).values(**asdict(hold)), then=lambda c: _append(c, event))

    def holds(self, environment: str | None = None) -> tuple[Hold, ...]:
        """Give the holds that are open, oldest first."""
        query = select(holds).where(holds.c.released_at.is_(None)).order_by(holds.c.id)
        if environment is not None:
            query = query.where(holds.c.environment == environment)
        with self.reading() as connection:
            return tuple(read_hold(row) for row in connection.execute(query).mappings())

    def release_hold(self, environment: str, release: str, actor: str, at: datetime, reason: str = "") -> bool:
        """Release a hold; False when there is none open."""
        wanted = (holds.c.environment == environment) & (holds.c.release == release) & holds.c.released_at.is_(None)
        with self.writing() as connection:
            ended = connection.execute(update(holds).where(wanted).values(released_at=at, released_by=actor)).rowcount
            if ended:
                append_event(connection, AuditEvent(at, actor, "hold released", release, environment, reason))
        return ended > 0
