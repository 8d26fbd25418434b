"""Mitigations: written down before a setting is changed, and again after. What they mean is the domain's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.mitigations import UNSETTLED, Lever, Mitigation, MitigationKind, MitigationState, Target
from namecard_release.errors import PermanentError
from namecard_release.ledger.audit import append_event
from namecard_release.ledger.mitigation_tables import mitigations
from namecard_release.ledger.store import Store

_OWN = ("resource", "qualifier", "logical_id", "service", "environment")


class Mitigations(Store):
    """The mitigations' part of the ledger. Keeps the port `MitigationLedger`."""

    def intend_mitigation(self, one: Mitigation, event: AuditEvent) -> Mitigation | None:
        """Keep a mitigation as INTENDED and give it with its number; None when its setting has an unsettled one."""
        try:
            with self.writing() as connection:
                made = connection.execute(insert(mitigations).values(**_row(one)))
                (number,) = made.inserted_primary_key or (0,)
                append_event(connection, replace(event, subject=f"{event.subject} {number}"))
        except PermanentError as error:
            if isinstance(error.__cause__, IntegrityError) and self._is_unsettled(one.target.key):
                return None
            raise
        return replace(one, number=int(number))

    def settle_mitigation(
        self, number: int, state: MitigationState, outcome: str, at: datetime, event: AuditEvent
    ) -> bool:
        """End an INTENDED one as APPLIED or FAILED; False when it is settled already."""
        changes = {"state": state.value, "outcome": outcome, "ended_at": at}
        return self._move(number, MitigationState.INTENDED, event, changes)

    def intend_undo(self, number: int, actor: str, reason: str, at: datetime, event: AuditEvent) -> bool:
        """Begin to undo an APPLIED one; False when it is not APPLIED, or its setting has an unsettled one."""
        told = {"undo_actor": actor, "undo_reason": reason, "undo_at": at}
        changes = {"state": MitigationState.UNDOING.value, **told}
        try:
            return self._move(number, MitigationState.APPLIED, event, changes)
        except PermanentError as error:
            if isinstance(error.__cause__, IntegrityError):
                return False
            raise

    def settle_undo(self, number: int, state: MitigationState, outcome: str, at: datetime, event: AuditEvent) -> bool:
        """End an UNDOING one as UNDONE, or as APPLIED again where it was not undone."""
        undone = at if state is MitigationState.UNDONE else None
        changes = {"state": state.value, "outcome": outcome, "undone_at": undone}
        return self._move(number, MitigationState.UNDOING, event, changes)

    def mark_told(self, number: int, state: MitigationState) -> None:
        """Keep that a state was noted in the mitigation's incident."""
        with self.writing() as connection:
            connection.execute(update(mitigations).where(mitigations.c.number == number).values(told=state.value))

    def mitigation(self, number: int) -> Mitigation | None:
        """Give one mitigation."""
        with self.reading() as connection:
            row = connection.execute(select(mitigations).where(mitigations.c.number == number)).mappings().first()
        return None if row is None else _read(row)

    def mitigations(
        self, environment: str | None = None, states: Collection[MitigationState] = (), limit: int = 200
    ) -> tuple[Mitigation, ...]:
        """Give mitigations, newest first; of an environment, and in one of some states, where that is given."""
        query = select(mitigations).order_by(mitigations.c.number.desc()).limit(limit)
        if environment is not None:
            query = query.where(mitigations.c.environment == environment)
        if states:
            query = query.where(mitigations.c.state.in_([one.value for one in states]))
        with self.reading() as connection:
            return tuple(_read(row) for row in connection.execute(query).mappings())

    def _move(self, number: int, state: MitigationState, event: AuditEvent, changes: dict[str, Any]) -> bool:
        own = (mitigations.c.number == number) & (mitigations.c.state == state.value)
        with self.writing() as connection:
            moved = connection.execute(update(mitigations).where(own).values(**changes)).rowcount == 1
            if moved:
                append_event(connection, event)
        return moved

    def _is_unsettled(self, key: str) -> bool:
        own = (mitigations.c.key == key) & mitigations.c.state.in_([one.value for one in UNSETTLED])
        with self.reading() as connection:
            return connection.execute(select(mitigations.c.number).where(own)).first() is not None


def _row(one: Mitigation) -> dict[str, Any]:
    kept = {name: value for name, value in vars(one).items() if name not in ("number", "target")}
    enums = {"kind": one.kind.value, "state": one.state.value, "lever": one.target.lever.value}
    return {**kept, **{name: getattr(one.target, name) for name in _OWN}, **enums, "key": one.target.key}


def _read(row: RowMapping) -> Mitigation:
    target = Target(lever=Lever(row["lever"]), **{name: row[name] for name in _OWN})
    values = {name: row[name] for name in Mitigation.__dataclass_fields__ if name != "target"}
    values |= {"kind": MitigationKind(row["kind"]), "state": MitigationState(row["state"])}
    return Mitigation(target=target, **values)
