"""The audit trail, appended to inside the transaction of the change that it tells, listed, and verified whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, cast, insert, select, update

from namecard_release.domain.audit import AuditEntry, AuditEvent, Head, TrailVerdict, seal_entry, verify_trail
from namecard_release.errors import PermanentError
from namecard_release.ledger.schema import audit, audit_head, promotion_moves
from namecard_release.ledger.store import Store, telling

HEAD_ID = 1
_PAGE = 2000
_TEXTS = tuple(field.name for field in fields(AuditEntry) if field.name != "n")


def append_event(connection: Connection, event: AuditEvent) -> str:
    """Append to the trail and give the entry's hash. Always a transaction's last lock, or two writers could deadlock.

    Raises PermanentError when the note of the newest entry is gone.
    """
    known = connection.execute(select(audit_head).where(audit_head.c.id == HEAD_ID).with_for_update()).first()
    if known is None:
        raise PermanentError(
            "the audit trail has lost the note of its newest entry, so nothing can be decided on record\n"
            "somebody changed the ledger by hand: run 'namecard-release audit verify', then restore it from a backup"
        )
    entry = seal_entry(event, Head(known.n, known.hash))
    connection.execute(insert(audit).values(**asdict(entry)))
    connection.execute(update(audit_head).where(audit_head.c.id == HEAD_ID).values(n=entry.n, hash=entry.hash))
    return entry.hash


class Audit(Store):
    """The audit trail's part of the ledger."""

    def record_event(self, event: AuditEvent) -> None:
        """Append what was decided and changes nothing else in the ledger."""
        with self.writing() as connection:
            append_event(connection, event)

    def audit_entries(self, environment: str | None = None, limit: int | None = None) -> tuple[AuditEntry, ...]:
        """Give entries, newest first; those of an environment alone when it is given."""
        query = select(audit).order_by(audit.c.n.desc()).limit(limit)
        if environment is not None:
            query = query.where(audit.c.environment == environment)
        with self.reading() as connection:
            return tuple(AuditEntry(**row) for row in connection.execute(query).mappings())

    def verify_audit(self, expected: str | None = None) -> TrailVerdict:
        """Verify the whole trail against its own hashes, its noted head, and what promotions noted at their ends."""
        with self._snapshot() as connection:
            noted = select(promotion_moves.c.audit, promotion_moves.c.promotion_id, promotion_moves.c.phase)
            moves = connection.execute(noted.where(promotion_moves.c.audit.is_not(None)))
            told = {row.audit: f"the entry of {row.promotion_id} as {row.phase}" for row in moves}
            row = connection.execute(select(audit_head).where(audit_head.c.id == HEAD_ID)).first()
            head = None if row is None else Head(row.n, row.hash)
            return verify_trail(_read_raw(connection), head, told, expected)

    @contextmanager
    def _snapshot(self) -> Iterator[Connection]:
        # SQLite's reading transaction is one already; PostgreSQL would show what others append in between.
        engine = self._engine
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with telling(), engine.connect() as connection:
            yield connection


def _read_raw(connection: Connection) -> Iterator[AuditEntry]:
    # As bytes from SQLite: it keeps whatever is written, and text that is no UTF-8 must be found, not fail the reading.
    sqlite = connection.dialect.name == "sqlite"
    wanted: list[ColumnElement[object]] = [cast(audit.c[n], LargeBinary) if sqlite else audit.c[n] for n in _TEXTS]
    last: int | None = None
    while True:
        page = select(audit.c.n, *wanted).order_by(audit.c.n).limit(_PAGE)
        rows = connection.execute(page if last is None else page.where(audit.c.n > last)).all()
        for row in rows:
            texts: dict[str, Any] = dict(zip(_TEXTS, map(_text, row[1:]), strict=True))
            yield AuditEntry(n=row[0], **texts)
        if len(rows) < _PAGE:
            return
        last = rows[-1][0]


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return None if value is None else str(value)
