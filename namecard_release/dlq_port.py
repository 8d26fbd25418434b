"""What the work on dead letters needs from the outside, as Protocols; every other port is in `ports`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

# Protocols are read by the type checker alone: nobody who imports one waits for the whole domain.
if TYPE_CHECKING:
    from namecard_release.domain.dead_letter_plans import JournalEntry, Known
    from namecard_release.domain.dead_letters import DeadLetter, FunctionPlace, Target
    from namecard_release.domain.request_replay import Answer, PlannedRequest


@dataclass(frozen=True)
class Received:
    """One message as it was received; `receipt` is good for this receipt alone."""

    letter: DeadLetter
    receipt: str


@dataclass(frozen=True)
class QueueDepth:
    """How many messages a queue has, about: to be had, hidden, not yet to be had; and for how long it keeps any."""

    visible: int
    hidden: int
    delayed: int
    retention_seconds: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.visible + self.hidden + self.delayed


@dataclass(frozen=True)
class ArchiveLine:
    """One letter as it is kept in the archive, whole, with what was decided about it."""

    letter: DeadLetter
    environment: str
    service: str
    replay_key: str
    action: str
    reason: str
    attempt: int
    filed_at: datetime
    run_id: str


@dataclass(frozen=True)
class Replay:
    """One letter on its way back to the function that failed; `attempt` counts the replays of its key."""

    letter: DeadLetter
    target: Target
    key: str
    attempt: int


@dataclass(frozen=True)
class SendFailure:
    """A replay that was not taken; a transient one may be taken a moment later."""

    message_id: str
    reason: str
    transient: bool


class DeadLetterQueue(Protocol):
    """One environment's queue of dead letters. Every method raises TransientError or PermanentError."""

    @property
    def name(self) -> str:
        """The queue's name."""
        ...

    def depth(self) -> QueueDepth:
        """Read how many messages there are, about."""
        ...

    def receive(self, most: int, hide_seconds: int, wait_seconds: int = 0) -> tuple[Received, ...]:
        """Receive at most ten messages and hide them for a while; waits for one at most `wait_seconds` long."""
        ...

    def show(self, received: Sequence[Received]) -> None:
        """Let others see messages again at once; one that is no longer hidden by us is passed over."""
        ...

    def delete(self, received: Sequence[Received]) -> tuple[str, ...]:
        """Delete messages; gives the ids of those that could not be deleted."""
        ...


class DeadLetterArchive(Protocol):
    """The archive of dead letters, partitioned by environment, service, date and hour."""

    def put(self, lines: Sequence[ArchiveLine], *, quarantine: bool) -> str:
        """Keep lines of one environment and service in one new object, and give its key once it is safely there."""
        ...

    def read(self, key: str) -> tuple[ArchiveLine, ...]:
        """Read one object back. Raises RefusedError when there is none."""
        ...

    def list_keys(self, environment: str, service: str | None, date: str | None, *, quarantine: bool) -> Iterator[str]:
        """List the objects of an environment; of a service, of a date (`YYYY-MM-DD`) where given."""
        ...


class ReplayWay(Protocol):
    """How replays go out: to the functions themselves, or into a queue that feeds them."""

    @property
    def at_once(self) -> int:
        """How many go out in one call to AWS."""
        ...

    def send(self, replays: Sequence[Replay]) -> tuple[SendFailure, ...]:
        """Send at most ten replays, each with its key; gives those that were not taken."""
        ...


class FunctionDirectory(Protocol):
    """The functions of an environment's stacks."""

    def places(self) -> tuple[FunctionPlace, ...]:
        """List them, read once. Raises TransientError or PermanentError."""
        ...


class DeadLetterJournal(Protocol):
    """The ledger's part about dead letters. Every write is one transaction."""

    def recall(self, environment: str, letters: Sequence[DeadLetter]) -> dict[str, Known]:
        """Give what is known of each letter, by message id."""
        ...

    def intend(self, entries: Sequence[JournalEntry]) -> frozenset[str]:
        """Write down what is about to be done; gives the ids of the messages that are now this run's to do."""
        ...

    def settle(self, environment: str, message_ids: Sequence[str], at: datetime) -> None:
        """Note that intended replays went out."""
        ...

    def resent(self, environment: str, message_ids: Sequence[str], run_id: str, at: datetime) -> None:
        """Note that letters which were only archived, or in quarantine, went out from the archive."""
        ...

    def presume(self, environment: str, intended_before: datetime, sent_after: datetime, at: datetime) -> int:
        """Call those PRESUMED_SENT that were intended before a moment; gives their number.

        Only for an empty queue, and for messages that came into it after `sent_after`: older ones may have expired.
        """
        ...

    def entries(
        self, environment: str, state: str | None = None, key: str | None = None, limit: int = 100
    ) -> tuple[JournalEntry, ...]:
        """Give entries, the newest first: of one state, of one replay key or message id where given."""
        ...


class Pacer(Protocol):
    """Keeps to a rate and backs off, for any number of threads."""

    def take(self, number: int) -> None:
        """Wait until so many more may be sent."""
        ...

    def back_off(self, attempt: int) -> None:
        """Wait after a refusal: longer at each attempt (from 0), with some randomness."""
        ...

    def end(self) -> None:
        """Wake everybody who waits: from now on nobody waits for anything."""
        ...


class RequestSender(Protocol):
    """The way to an environment's API."""

    def send(self, base_url: str, planned: PlannedRequest) -> Answer:
        """Send one request with its key; no answer is told in the answer. Raises nothing."""
        ...


# Makes a test of letters out of a JMESPath expression; None fits all. Raises MisuseError for a bad one.
FilterMaker = Callable[["str | None"], Callable[["DeadLetter"], bool]]
# Gives the full SHA of a ref; and tells whether a commit's history has another commit (both full SHAs).
RefResolver = Callable[[str], str]
HistoryReader = Callable[[str, str], bool]
# Makes a pacer of so many replays a second; None is as fast as it goes.
PacerMaker = Callable[["float | None"], Pacer]


@dataclass(frozen=True)
class DeadLetterPorts:
    """Everything that work on one environment's dead letters is given."""

    environment: str
    queue: DeadLetterQueue
    archive: DeadLetterArchive
    way: ReplayWay
    directory: FunctionDirectory
    journal: DeadLetterJournal
    make_filter: FilterMaker
    make_pacer: PacerMaker
    resolve: RefResolver
    contains: HistoryReader
