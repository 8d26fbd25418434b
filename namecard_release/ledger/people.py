"""Approvals and pauses, kept for ever and at most ended. Whether one counts is the domain's rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import insert, select, update

from namecard_release.domain.approvals import Approval, same_person
from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.pauses import Pause
from namecard_release.ledger.audit import append_event
from namecard_release.ledger.rows import plain_row, read_approval, read_pause
from namecard_release.ledger.schema import approvals, pauses
from namecard_release.ledger.store import Store


class People(Store):
    """The part of the ledger that keeps people's words."""

    def approve(self, approval: Approval) -> Approval:
        """Keep an approval and give it with its number."""
        until = {"expires_at": approval.expires_at.isoformat()}
        about = (approval.release, approval.environment, approval.reason)
        with self.writing() as connection:
            statement = insert(approvals).values(**plain_row(approval)).returning(approvals.c.id)
            number = connection.execute(statement).scalar_one()
            append_event(connection, AuditEvent(approval.at, approval.actor, "approved", *about, until))
        return replace(approval, id=number)

    def approvals(self, environment: str | None = None, release: str | None = None) -> tuple[Approval, ...]:
        """Give approvals, newest first, expired and revoked ones among them."""
        query = select(approvals).order_by(approvals.c.id.desc())
        if environment is not None:
            query = query.where(approvals.c.environment == environment)
        if release is not None:
            query = query.where(approvals.c.release == release)
        with self.reading() as connection:
            return tuple(read_approval(row) for row in connection.execute(query).mappings())

    def revoke_approvals(
        self, environment: str, release: str, approver: str, actor: str, reason: str, at: datetime
    ) -> tuple[Approval, ...]:
        """Revoke what a person's approvals in force at `at` are worth; gives those revoked."""
        about = (approvals.c.environment == environment) & (approvals.c.release == release)
        live = approvals.c.revoked_at.is_(None) & (approvals.c.expires_at > at)
        with self.writing() as connection:
            rows = connection.execute(select(approvals).where(about & live)).mappings().all()
            own = [row["id"] for row in rows if same_person(row["actor"], approver)]
            change = update(approvals).where(approvals.c.id.in_(own) & live).values(revoked_at=at, revoked_by=actor)
            revoked = [read_approval(row) for row in connection.execute(change.returning(approvals)).mappings()]
            if revoked:
                event = AuditEvent(
                    at, actor, "approval revoked", release, environment, reason, {"approver": revoked[0].actor}
                )
                append_event(connection, event)
        return tuple(revoked)

    def pause(self, pause: Pause) -> Pause:
        """Keep a pause in the place of those that are in force there, and give it with its number."""
        until = {"until": None if pause.until is None else pause.until.isoformat()}
        with self.writing() as connection:
            _end_pauses = update(pauses).where(
                (pauses.c.environment == pause.environment) & pauses.c.ended_at.is_(None)
            )
            connection.execute(_end_pauses.values(ended_at=pause.since, ended_by=pause.actor))
            statement = insert(pauses).values(**plain_row(pause)).returning(pauses.c.id)
            number = connection.execute(statement).scalar_one()
            event = AuditEvent(
                pause.since, pause.actor, "automation paused", pause.environment, pause.environment, pause.reason, until
            )
            append_event(connection, event)
        return replace(pause, id=number)

    def pauses(self, environment: str | None = None) -> tuple[Pause, ...]:
        """Give the pauses that nobody ended, oldest first; one whose time has passed may be among them."""
        query = select(pauses).where(pauses.c.ended_at.is_(None)).order_by(pauses.c.id)
        if environment is not None:
            query = query.where(pauses.c.environment == environment)
        with self.reading() as connection:
            return tuple(read_pause(row) for row in connection.execute(query).mappings())

    def resume(self, environment: str, actor: str, reason: str, at: datetime) -> bool:
        """End the pauses in force in an environment; False when there is none."""
        live = (pauses.c.environment == environment) & pauses.c.ended_at.is_(None)
        live &= pauses.c.until.is_(None) | (pauses.c.until > at)
        with self.writing() as connection:
            ended = connection.execute(update(pauses).where(live).values(ended_at=at, ended_by=actor)).rowcount
            if ended:
                event = AuditEvent(at, actor, "automation resumed", environment, environment, reason)
                append_event(connection, event)
        return ended > 0
