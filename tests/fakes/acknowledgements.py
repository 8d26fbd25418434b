"""A channel in which people acknowledge, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from namecard_release.domain.messages import Acknowledgement
from namecard_release.errors import PermanentError


@dataclass
class Reader:
    """Keeps the port `Acknowledgements`; what is in `broken` cannot be read."""

    told: dict[str, Acknowledgement] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def tell(self, subject: str, who: str, at: datetime) -> None:
        """Let somebody acknowledge."""
        self.told[subject] = Acknowledgement(subject, who, at)

    def acknowledgements(self, subjects: Sequence[str]) -> Iterator[Acknowledgement]:
        for subject in subjects:
            self.asked.append(subject)
            if subject in self.broken:
                raise PermanentError(f"PagerDuty answered 404 for {subject}")
            yield from [self.told[subject]] if subject in self.told else []
