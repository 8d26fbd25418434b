"""An incident with all that is kept of it, and one change of it as it is written. Deciding is `incident_steps`'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

# Read by the type checker alone: whoever opens the ledger need not wait for the words.
if TYPE_CHECKING:
    from namecard_release.domain.audit import AuditEvent
    from namecard_release.domain.incident import Breach, Evidence, Incident, Owners, TimelineEntry
    from namecard_release.domain.incident_clock import ClockPolicy, Slot, SlotKind
    from namecard_release.domain.messages import Message


@dataclass(frozen=True)
class Case:
    """An incident with all that the ledger keeps of it; `recorded` is the highest slot of each kind."""

    incident: Incident
    breaches: tuple[Breach, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    recorded: Mapping[SlotKind, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Handling:
    """Who owns an incident and by which clock it goes."""

    owners: Owners
    policy: ClockPolicy


@dataclass(frozen=True)
class Step:
    """One change, to be written in one transaction; `before` is None for an incident that it opens.

    `begun` and `ended` are breaches, an ended one with its end. With `withdraw` what was queued to call somebody and
    has not left yet, is taken back.
    """

    before: Incident | None
    after: Incident
    entries: tuple[TimelineEntry, ...] = ()
    begun: tuple[Breach, ...] = ()
    ended: tuple[Breach, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    slots: tuple[Slot, ...] = ()
    messages: tuple[Message, ...] = ()
    events: tuple[AuditEvent, ...] = ()
    withdraw: bool = False
