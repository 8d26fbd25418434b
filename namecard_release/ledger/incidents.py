"""Incidents, each change a step that is written whole or not at all. What a step holds is the domain's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from namecard_release.domain.incident import (
    Breach,
    Done,
    Evidence,
    Fingerprint,
    Incident,
    Item,
    Severity,
    TimelineEntry,
)
from namecard_release.domain.incident_case import Case, Step
from namecard_release.domain.incident_clock import Slot, SlotKind
from namecard_release.domain.messages import Channel, MessageKind, MessageState
from namecard_release.errors import PermanentError
from namecard_release.ledger.audit import append_event
from namecard_release.ledger.incident_tables import (
    incident_breaches,
    incident_entries,
    incident_evidence,
    incident_slots,
    incidents,
)
from namecard_release.ledger.outbox import queue_messages
from namecard_release.ledger.outbox_tables import outbox_messages
from namecard_release.ledger.store import Store

_CALLING = (MessageKind.PAGE.value, MessageKind.ESCALATE.value, MessageKind.REMINDER.value)
_PREFIX = "INC-"


class Incidents(Store):
    """The incidents' part of the ledger."""

    def next_incident(self) -> str:
        """Give the id that the next incident will have if nobody opens one before."""
        with self.reading() as connection:
            last = connection.execute(select(func.max(incidents.c.number))).scalar()
        return f"{_PREFIX}{(last or 0) + 1}"

    def take_step(self, step: Step) -> bool:
        """Write a step whole; False, and nothing is written, when the incident changed since or is open already."""
        try:
            with self.writing() as connection:
                if not _write_incident(connection, step):
                    return False
                _write_story(connection, step)
                queue_messages(connection, step.messages)
                for event in step.events:
                    append_event(connection, replace(event, actor=_redact(event.actor), reason=_redact(event.reason)))
        except PermanentError as error:
            # The number, the fingerprint or a slot is taken: somebody was faster.
            if isinstance(error.__cause__, IntegrityError):
                return False
            raise
        return True

    def case(self, incident_id: str) -> Case | None:
        """Give an incident with all that is kept of it."""
        own = incident_entries.c.incident == incident_id
        with self.reading() as connection:
            row = connection.execute(select(incidents).where(incidents.c.id == incident_id)).mappings().first()
            if row is None:
                return None
            entries = connection.execute(select(incident_entries).where(own).order_by(incident_entries.c.id)).mappings()
            told = tuple(TimelineEntry(e["at"], e["what"], e["actor"], e["text"]) for e in entries)
            breaches = _read_breaches(connection, [incident_id])
            evidence = _read_evidence(connection, incident_id)
            recorded = _read_recorded(connection, [incident_id]).get(incident_id, {})
        return Case(_read_incident(row), breaches, told, evidence, recorded)

    def incidents(
        self, environment: str | None = None, *, unfinished: bool = False, limit: int | None = None
    ) -> tuple[Incident, ...]:
        """Give incidents, newest first; `unfinished` are those that are open or whose checklist is not done."""
        query = select(incidents).order_by(incidents.c.number.desc()).limit(limit)
        if environment is not None:
            query = query.where(incidents.c.environment == environment)
        if unfinished:
            query = query.where(incidents.c.closed_at.is_(None))
        with self.reading() as connection:
            return tuple(_read_incident(row) for row in connection.execute(query).mappings())

    def latest_breaches(self, arns: Sequence[str]) -> Mapping[str, Breach]:
        """Give the last breach that is known of each alarm."""
        if not arns:
            return {}
        last = select(func.max(incident_breaches.c.id)).where(incident_breaches.c.arn.in_(arns))
        query = select(incident_breaches).where(incident_breaches.c.id.in_(last.group_by(incident_breaches.c.arn)))
        with self.reading() as connection:
            return {row["arn"]: _read_breach(row) for row in connection.execute(query).mappings()}

    def breaches(self, incident_ids: Sequence[str]) -> tuple[Breach, ...]:
        """Give the breaches of incidents, oldest first."""
        with self.reading() as connection:
            return _read_breaches(connection, incident_ids)

    def recorded_slots(self) -> Mapping[str, Mapping[SlotKind, int]]:
        """Give the highest recorded number of each kind of slot, by unfinished incident."""
        unfinished = select(incidents.c.id).where(incidents.c.closed_at.is_(None))
        with self.reading() as connection:
            return _read_recorded(connection, unfinished)

    def slots(self, incident_id: str) -> tuple[Slot, ...]:
        """Give the recorded slots of an incident in the order in which they fell due."""
        query = select(incident_slots).where(incident_slots.c.incident == incident_id)
        with self.reading() as connection:
            rows = connection.execute(query.order_by(incident_slots.c.due, incident_slots.c.kind)).mappings()
            return tuple(Slot(**{**row, "kind": SlotKind(row["kind"])}) for row in rows)


def _redact(text: str) -> str:
    # Its patterns take a moment to load, which who only reads the ledger need not spend.
    from namecard_release.redaction import redact

    return redact(text)


def _redact_all(value: Any) -> Any:
    from namecard_release.redaction import redact_json

    return redact_json(value)


def _write_incident(connection: Connection, step: Step) -> bool:
    values = _incident_values(step.after)
    if step.before is None:
        connection.execute(insert(incidents).values(**values))
        return True
    # Also a step that changes nothing of the incident locks its row: an acknowledgement comes before it or after it.
    same = (incidents.c.id == step.before.id) & (incidents.c.version == step.before.version)
    return connection.execute(update(incidents).where(same).values(**values)).rowcount == 1


def _write_story(connection: Connection, step: Step) -> None:
    own = step.after.id
    for ended in step.ended:
        active = (incident_breaches.c.arn == ended.arn) & incident_breaches.c.ended_at.is_(None)
        connection.execute(update(incident_breaches).where(active).values(ended_at=ended.ended_at))
    rows: list[tuple[Any, list[dict[str, Any]]]] = [
        (incident_breaches, [{**asdict(b), "reason": _redact(b.reason)} for b in step.begun]),
        (incident_entries, [_redact_all(asdict(e)) | {"incident": own} for e in step.entries]),
        (incident_slots, [{**asdict(s), "kind": s.kind.value} for s in step.slots]),
        (incident_evidence, [_redact_all(asdict(e)) | {"incident": own} for e in step.evidence]),
    ]
    for table, values in rows:
        if values:
            connection.execute(insert(table), values)
    if step.withdraw:
        _withdraw_calls(connection, own, step.after.acknowledged_at or step.after.resolved_at)


def _withdraw_calls(connection: Connection, incident_id: str, at: datetime | None) -> None:
    # What is being sent at this moment is left to its sender, who must find it as it was.
    free = or_(
        outbox_messages.c.unsure.is_(False), outbox_messages.c.next_try.is_(None), outbox_messages.c.next_try <= at
    )
    waiting = (
        (outbox_messages.c.subject == incident_id)
        & (outbox_messages.c.channel.in_((Channel.PAGERDUTY.value, Channel.SLACK.value)))
        & (outbox_messages.c.kind.in_(_CALLING))
        & (outbox_messages.c.state == MessageState.WAITING.value)
        & free
    )
    told = {"state": MessageState.DROPPED.value, "since": at, "next_try": None, "reason": "answered before it was sent"}
    connection.execute(update(outbox_messages).where(waiting).values(**told))


def _incident_values(incident: Incident) -> dict[str, Any]:
    values = {name: getattr(incident, name) for name in incident.__dataclass_fields__ if name != "fingerprint"}
    redacted = {
        name: None if values[name] is None else _redact(values[name])
        for name in ("resolution", "root_cause", "data_at_risk", "acknowledged_by", "resolved_by")
    }
    return {
        **values,
        **redacted,
        "number": int(incident.id.removeprefix(_PREFIX)),
        "environment": incident.fingerprint.environment,
        "kind": incident.fingerprint.kind,
        "service": incident.fingerprint.service,
        "severity": incident.severity.value,
        "done": [[one.item.value, one.at.isoformat(), _redact(one.actor), _redact(one.note)] for one in incident.done],
    }


def _read_incident(row: RowMapping) -> Incident:
    values = {name: row[name] for name in Incident.__dataclass_fields__ if name != "fingerprint"}
    values["severity"] = Severity(values["severity"])
    values["done"] = tuple(Done(Item(i), datetime.fromisoformat(at), who, note) for i, at, who, note in values["done"])
    return Incident(fingerprint=Fingerprint(row["environment"], row["kind"], row["service"]), **values)


def _read_breach(row: RowMapping) -> Breach:
    return Breach(**{name: row[name] for name in Breach.__dataclass_fields__})


def _read_breaches(connection: Connection, incident_ids: Sequence[str]) -> tuple[Breach, ...]:
    query = select(incident_breaches).where(incident_breaches.c.incident.in_(incident_ids))
    rows = connection.execute(query.order_by(incident_breaches.c.id)).mappings()
    return tuple(_read_breach(row) for row in rows)


def _read_evidence(connection: Connection, incident_id: str) -> tuple[Evidence, ...]:
    query = select(incident_evidence).where(incident_evidence.c.incident == incident_id)
    rows = connection.execute(query.order_by(incident_evidence.c.id)).mappings()
    return tuple(Evidence(**{name: row[name] for name in Evidence.__dataclass_fields__}) for row in rows)


def _read_recorded(connection: Connection, incident_ids: Any) -> dict[str, dict[SlotKind, int]]:
    table = incident_slots.c
    query = select(table.incident, table.kind, func.max(table.n)).where(table.incident.in_(incident_ids))
    found: dict[str, dict[SlotKind, int]] = {}
    for incident, kind, n in connection.execute(query.group_by(table.incident, table.kind)):
        found.setdefault(incident, {})[SlotKind(kind)] = n
    return found
