"""What the threads of one drain share: how much may still be taken, what was counted, what is shown again at the end.

Nothing is decided and nothing is called here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from namecard_release.dlq_port import Received

AT_ONCE = 10
_SOME = 100


@dataclass
class Run:
    """One drain: at most `limit` letters, `size` of them in a batch; every change is made with the lock held.

    `stopped` says why nothing more is to be done; `full` why no more letters are to be taken.
    """

    limit: int
    size: int
    lock: Lock = field(default_factory=Lock)
    taken: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    hidden: dict[str, Received] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    left: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    archives: list[str] = field(default_factory=list)
    failed: int = 0
    stopped: str | None = None
    full: str | None = None
    emptied: bool = False

    def reserve(self, number: int) -> int:
        """Take from the limit what may still be taken, at most so many; nothing once the run is stopped or full."""
        with self.lock:
            granted = 0 if self.stopped or self.full else max(0, min(number, self.limit - self.taken))
            self.taken += granted
            return granted

    def take_up(self, ids: Sequence[str]) -> frozenset[str]:
        """Take letters into the hand; gives those that nobody of this run has in hand already."""
        with self.lock:
            taken = frozenset(ids) - self.under_way
            self.under_way |= taken
            return taken

    def put_down(self, ids: Iterable[str]) -> None:
        """Have letters no longer in hand."""
        with self.lock:
            self.under_way.difference_update(ids)

    def claim(self, keys: Sequence[str]) -> list[bool]:
        """Take replay keys, so that one failure is sent once; tells for each, in order, whether it was free."""
        with self.lock:
            free = []
            for key in keys:
                free.append(key not in self.keys)
                self.keys.add(key)
            return free

    def release(self, keys: Iterable[str]) -> None:
        """Let others have replay keys."""
        with self.lock:
            self.keys.difference_update(keys)

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
        """Give how many letters in a row may be no news: twice all that were left, and some."""
        with self.lock:
            return 2 * len(self.hidden) + _SOME

    def shrink(self, size: int) -> None:
        """Let batches be no more than half of one of that size, from now on."""
        with self.lock:
            self.size = min(self.size, max(AT_ONCE, size // 2))

    def fill(self, reason: str) -> None:
        """Take no more letters; what is at hand is dealt with."""
        with self.lock:
            self.full = self.full or reason

    def stop(self, reason: str) -> None:
        """Stop the run; the first reason stays."""
        with self.lock:
            self.stopped = self.stopped or reason


@dataclass
class Batch:
    """Letters that several threads gather for one batch, as many as the run's `size` is at its beginning.

    No letter of it was received before `begun`.
    """

    run: Run
    begun: datetime
    lock: Lock = field(default_factory=Lock)
    letters: dict[str, Received] = field(default_factory=dict)
    asked: int = 0
    stale: int = 0
    dry: bool = False

    def __post_init__(self) -> None:
        """Note the size: the run's may change."""
        self.most = self.run.size

    @property
    def answers(self) -> int:
        """How many answers it takes at least to fill it."""
        return -(-(self.most - len(self.letters)) // AT_ONCE)

    def reserve(self) -> int:
        """Give how many letters a thread may ask for: what one answer holds at most, within batch and run."""
        with self.lock:
            granted = 0 if self.dry else self.run.reserve(min(AT_ONCE, self.most - self.asked))
            self.asked += granted
            return granted

    def add(self, fitting: Sequence[Received], reserved: int) -> int:
        """Add what was received for a reservation, and give the rest of it back; gives how many are new.

        A letter that is delivered twice is one, with the newer receipt; one that is in another batch stays there.
        """
        with self.lock:
            new = self.run.take_up([one.letter.message_id for one in fitting])
            self.letters |= {
                id_: one for one in fitting if (id_ := one.letter.message_id) in new or id_ in self.letters
            }
            unused = reserved - len(new)
            self.asked -= unused
        self.run.give_back(unused)
        return len(new)

    def note(self, received: int, fresh: int) -> None:
        """Note an answer: the batch is dry after an empty one, and the run is full when nothing new comes for long."""
        most = self.run.most_stale()
        with self.lock:
            self.stale = 0 if fresh else self.stale + received
            self.dry = self.dry or not received
            endless = self.stale > most
        if endless:
            self.run.fill("letters that were left came back before the end of the queue was seen: run this again")

    def ask_again(self) -> None:
        """Let threads ask again, of a queue whose last answer was empty."""
        with self.lock:
            self.dry = False
