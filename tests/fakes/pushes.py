"""A queue of pushed alarms in memory: what is received and not deleted comes again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from namecard_release.domain.alarms import AlarmReading
from namecard_release.errors import TransientError
from namecard_release.incident_port import PushedAlarm


@dataclass
class FakePushes:
    """Keeps the port `AlarmQueue`; `broken` makes each call fail."""

    waiting: dict[str, AlarmReading] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    broken: bool = False

    def push(self, reading: AlarmReading) -> None:
        """Deliver a message."""
        self.waiting[f"r{len(self.waiting) + len(self.deleted)}"] = reading

    def receive(self, queue: str) -> tuple[PushedAlarm, ...]:
        """Give what waits, ten at most."""
        if self.broken:
            raise TransientError(f"AWS could not receive alarms from the queue {queue}")
        return tuple(PushedAlarm(receipt, reading) for receipt, reading in list(self.waiting.items())[:10])

    def delete(self, queue: str, receipts: Sequence[str]) -> None:
        """Forget messages."""
        for receipt in receipts:
            self.deleted.append(receipt)
            del self.waiting[receipt]
