"""Waivers, kept for ever and at most revoked. Whether one counts is the domain's rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import insert, select, update

from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.waivers import Waiver
from namecard_release.ledger.audit import append_event
from namecard_release.ledger.rows import plain_row, read_waiver
from namecard_release.ledger.schema import waivers
from namecard_release.ledger.store import Store


class Waivers(Store):
    """The waivers' part of the ledger."""

    def waive(self, waiver: Waiver) -> Waiver:
        """Keep a waiver and give it with its number."""
        about = {"gate": waiver.gate, "expires_at": waiver.expires_at.isoformat()}
        with self.writing() as connection:
            statement = insert(waivers).values(**plain_row(waiver)).returning(waivers.c.id)
            number = connection.execute(statement).scalar_one()
            event = AuditEvent(
                waiver.since, waiver.actor, "gate waived", waiver.release, waiver.environment, waiver.reason, about
            )
            append_event(connection, event)
        return replace(waiver, id=number)

    def waivers(self, release: str | None = None) -> tuple[Waiver, ...]:
        """Give all waivers, or those of a release, newest first."""
        query = select(waivers).order_by(waivers.c.id.desc())
        if release is not None:
            query = query.where(waivers.c.release == release)
        with self.reading() as connection:
            return tuple(read_waiver(row) for row in connection.execute(query).mappings())

    def revoke_waivers(
        self, gate: str, release: str, environment: str | None, actor: str, at: datetime
    ) -> tuple[Waiver, ...]:
        """Revoke the waivers in force at `at` of exactly that gate, release and environment; gives those revoked."""
        own = (waivers.c.gate == gate) & (waivers.c.release == release)
        place = waivers.c.environment.is_(None) if environment is None else waivers.c.environment == environment
        live = waivers.c.revoked_at.is_(None) & (waivers.c.expires_at > at)
        statement = update(waivers).where(own & place & live).values(revoked_at=at, revoked_by=actor)
        with self.writing() as connection:
            rows = connection.execute(statement.returning(waivers)).mappings().all()
            if rows:
                told = {"gate": gate, "waivers": len(rows)}
                append_event(connection, AuditEvent(at, actor, "waiver revoked", release, environment, "", told))
        return tuple(read_waiver(row) for row in rows)
