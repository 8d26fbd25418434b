"""What the threads of one drain share: how much may still be taken, what was counted, what is shown again at the end.

Nothing is decided and nothing is called here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from namecard_release.dlq_port import Received

AT_ONCE = 10


@dataclass
class Run:
    """One drain; every change is made with the lock held."""

    limit: int
    lock: Lock = field(default_factory=Lock)
    taken: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    hidden: dict[str, Received] = field(default_factory=dict)
    left: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    archives: list[str] = field(default_factory=list)
    failed: int = 0
    stopped: str | None = None
    emptied: bool = False

    def reserve(self, number: int) -> int:
        """Take from the limit what may still be taken, at most so many; nothing once the run was stopped."""
        with self.lock:
            granted = 0 if self.stopped else max(0, min(number, self.limit - self.taken))
            self.taken += granted
            return granted

    def give_back(self, number: int) -> None:
        """Give back to the limit what was reserved and not needed."""
        with self.lock:
            self.taken -= number

    def count(self, name: str, number: int) -> None:
        """Count letters under a name."""
        with self.lock:
            self.counts[name] += number

    def keep_archive(self, key: str) -> None:
        """Remember an object of the archive."""
        with self.lock:
            self.archives.append(key)

    def fail(self) -> None:
        """Count one letter that can never be sent."""
        with self.lock:
            self.failed += 1

    def leave(self, letters: Sequence[Received], reason: str) -> None:
        """Leave letters in the queue, and say why."""
        with self.lock:
            self.hidden |= {one.letter.message_id: one for one in letters}
            self.left += len(letters)
            self.reasons[reason] += len(letters)

    def hide(self, letters: Sequence[Received]) -> int:
        """Keep letters to be shown again at the end; gives how many there are."""
        with self.lock:
            self.hidden |= {one.letter.message_id: one for one in letters}
            return len(self.hidden)

    def has_hidden(self, message_id: str) -> bool:
        """Tell whether a letter was received before and is not to be dealt with in this run."""
        with self.lock:
            return message_id in self.hidden

    def most_stale(self) -> int:
        """Give how many answers in a row may hold nothing new: as many as would show all that is left once more."""
        with self.lock:
            return len(self.hidden) // AT_ONCE + AT_ONCE

    def stop(self, reason: str) -> None:
        """Stop the run; the first reason stays."""
        with self.lock:
            self.stopped = self.stopped or reason


@dataclass
class Batch:
    """Letters that several threads gather for one batch of at most `most`."""

    run: Run
    most: int
    lock: Lock = field(default_factory=Lock)
    letters: dict[str, Received] = field(default_factory=dict)
    asked: int = 0
    dry: bool = False

    def reserve(self) -> int:
        """Give how many letters a thread may ask for: what one answer holds at most, within batch and run."""
        with self.lock:
            granted = 0 if self.dry else self.run.reserve(min(AT_ONCE, self.most - self.asked))
            self.asked += granted
            return granted

    def add(self, fitting: Sequence[Received], reserved: int) -> None:
        """Add what was received for a reservation, and give the rest of it back.

        A letter that was delivered twice is one, with the newer receipt.
        """
        with self.lock:
            before = len(self.letters)
            self.letters |= {one.letter.message_id: one for one in fitting}
            unused = reserved - (len(self.letters) - before)
            self.asked -= unused
        self.run.give_back(unused)

    def end(self) -> None:
        """Note that a thread was given nothing more."""
        with self.lock:
            self.dry = True
