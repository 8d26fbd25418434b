"""When each thing that must always run was last seen. What its absence means is the domain's."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from namecard_release.ledger.schema import heartbeats
from namecard_release.ledger.store import Store


class Heartbeats(Store):
    """The heart-beats' part of the ledger: one row a name."""

    def beat(self, name: str, at: datetime) -> None:
        """Record that something was seen."""
        own = heartbeats.c.name == name
        with self.writing() as connection:
            known = connection.execute(update(heartbeats).where(own).values(seen_at=at)).rowcount
        if not known:
            self.insert_new(insert(heartbeats).values(name=name, seen_at=at))

    def forget_beat(self, name: str) -> None:
        """Forget something that has ended by itself; harmless when it was never seen."""
        with self.writing() as connection:
            connection.execute(delete(heartbeats).where(heartbeats.c.name == name))

    def last_beat(self, name: str) -> datetime | None:
        """Give the moment at which something was last seen, None when it never was."""
        with self.reading() as connection:
            found: datetime | None = connection.execute(
                select(heartbeats.c.seen_at).where(heartbeats.c.name == name)
            ).scalar()
        return found
