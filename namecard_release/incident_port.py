"""What the orchestration needs for incidents, as Protocols: their part of the ledger, pushed alarms, who took what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from namecard_release.domain.alarms import AlarmReading
    from namecard_release.domain.incident import Breach, Incident
    from namecard_release.domain.incident_case import Case, Step
    from namecard_release.domain.incident_clock import Slot, SlotKind
    from namecard_release.domain.messages import Acknowledgement


class IncidentLedger(Protocol):
    """The incidents' part of the ledger. Every write is one transaction."""

    def next_incident(self) -> str:
        """Give the id that the next incident will have if nobody opens one before."""
        ...

    def take_step(self, step: Step) -> bool:
        """Write a step whole: the incident, its story, breaches, slots, messages and audit events.

        False, and nothing is written, when the incident is no longer what the step was made from, or when another
        open one has its fingerprint: read again and decide again.
        """
        ...

    def case(self, incident_id: str) -> Case | None:
        """Give an incident with all that is kept of it."""
        ...

    def incidents(
        self, environment: str | None = None, *, unfinished: bool = False, limit: int | None = None
    ) -> tuple[Incident, ...]:
        """Give incidents, newest first; `unfinished` are those that are open or whose checklist is not done."""
        ...

    def latest_breaches(self, arns: Sequence[str]) -> Mapping[str, Breach]:
        """Give the last breach that is known of each alarm."""
        ...

    def breaches(self, incident_ids: Sequence[str]) -> tuple[Breach, ...]:
        """Give the breaches of incidents, oldest first."""
        ...

    def recorded_slots(self) -> Mapping[str, Mapping[SlotKind, int]]:
        """Give the highest recorded number of each kind of slot, by unfinished incident."""
        ...

    def slots(self, incident_id: str) -> tuple[Slot, ...]:
        """Give the recorded slots of an incident in the order in which they fell due."""
        ...


@dataclass(frozen=True)
class PushedAlarm:
    """An alarm's change of state as its queue delivered it; `receipt` is what deletes it there."""

    receipt: str
    reading: AlarmReading


class AlarmQueue(Protocol):
    """The queue to which an environment's alarms are pushed."""

    def receive(self, queue: str) -> tuple[PushedAlarm, ...]:
        """Receive what waits, at most ten messages a call; one that cannot be read is left to the queue's own redrive.

        Raises TransientError or PermanentError.
        """
        ...

    def delete(self, queue: str, receipts: Sequence[str]) -> None:
        """Delete messages whose alarms are in the ledger. Raises as `receive` does."""
        ...


class Acknowledgements(Protocol):
    """A channel in which people acknowledge incidents."""

    def acknowledgements(self, subjects: Sequence[str]) -> Iterator[Acknowledgement]:
        """Give the acknowledgements of these incidents. Raises TransientError or PermanentError."""
        ...
