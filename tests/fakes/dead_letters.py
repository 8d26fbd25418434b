"""Dead letters in memory: a queue that hides and shows, an archive, a way back, and a desk over the real journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Lock

import orjson

from namecard_release.adapters.dead_letters.bodies import BodyReader
from namecard_release.adapters.dead_letters.filters import make_filter
from namecard_release.dlq_port import ArchiveLine, DeadLetterPorts, QueueDepth, Received, Replay, SendFailure
from namecard_release.dlq_settings import DeadLetters
from namecard_release.domain.dead_letter_plans import Mode
from namecard_release.domain.dead_letters import FunctionPlace
from namecard_release.ledger.open import make_engine
from namecard_release.ledger.sql_ledger import SqlLedger
from namecard_release.settings import SERVICES, Environment
from namecard_release.workflow.dead_letters import Desk, Order
from namecard_release.workflow.draining import Done, Drainer
from tests.fakes.ledgers import lay_ledger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACCOUNT, REGION = "000000000000", "ap-southeast-1"


def arn(name: str, account: str = ACCOUNT, region: str = REGION) -> str:
    """Make a function's ARN, with the version that failed."""
    return f"arn:aws:lambda:{region}:{account}:function:{name}:$LATEST"


def envelope(event: object, error: str | None = "DbConnectionError", name: str = "auth-fn", request: str = "r") -> str:
    """Make Lambda's record of a failed invocation."""
    answer = {"errorType": error, "errorMessage": "it failed"} if error else None
    condition = "RetriesExhausted" if error else "EventAgeExceeded"
    context = {"requestId": request, "functionArn": arn(name), "condition": condition, "approximateInvokeCount": 3}
    record = {"version": "1.0", "requestContext": context, "requestPayload": event}
    if answer:
        record |= {"responseContext": {"statusCode": 200, "functionError": "Unhandled"}, "responsePayload": answer}
    return orjson.dumps(record).decode()


@dataclass
class Message:
    """One message of the fake queue."""

    id: str
    body: str
    attributes: dict[str, str]
    sent_at: datetime
    receives: int = 0
    visible_at: datetime = NOW


@dataclass
class FakeQueue:
    """A queue that hides for the time asked for; `clock` is moved by the test."""

    clock: Callable[[], datetime]
    reader: BodyReader = field(default_factory=lambda: BodyReader(SERVICES))
    messages: list[Message] = field(default_factory=list)
    name: str = "namecard-dev-lambda-dlq"
    lock: Lock = field(default_factory=Lock)
    undeletable: set[str] = field(default_factory=set)

    def put(self, body: str, attributes: dict[str, str] | None = None, id_: str | None = None) -> str:
        """Send one message."""
        number = id_ or f"m-{len(self.messages)}-{id(body) % 9973}"
        self.messages.append(Message(number, body, attributes or {}, self.clock(), visible_at=self.clock()))
        return number

    def depth(self) -> QueueDepth:
        """Count."""
        hidden = sum(one.visible_at > self.clock() for one in self.messages)
        return QueueDepth(len(self.messages) - hidden, hidden, 0, 14 * 86400)

    def receive(self, most: int, hide_seconds: int, wait_seconds: int = 0) -> tuple[Received, ...]:
        """Give the oldest that are visible and hide them."""
        with self.lock:
            now = self.clock()
            found = [one for one in self.messages if one.visible_at <= now][:most]
            for one in found:
                one.visible_at = now + timedelta(seconds=hide_seconds)
                one.receives += 1
        return tuple(
            Received(self.reader.read(m.id, m.body, m.attributes, m.sent_at, m.receives), f"{m.id}/{m.receives}")
            for m in found
        )

    def show(self, received: Sequence[Received]) -> None:
        """Show those again whose receipt is the newest."""
        receipts = {one.receipt for one in received}
        for message in self.messages:
            if f"{message.id}/{message.receives}" in receipts:
                message.visible_at = self.clock()

    def delete(self, received: Sequence[Received]) -> tuple[str, ...]:
        """Delete but for the undeletable; a receipt that is not the newest does nothing."""
        with self.lock:
            newest = {f"{one.id}/{one.receives}" for one in self.messages}
            ids = {one.letter.message_id for one in received if one.receipt in newest}
            self.messages = [m for m in self.messages if m.id not in ids or m.id in self.undeletable]
        return tuple(sorted(ids & self.undeletable))


@dataclass
class FakeArchive:
    """Objects by key."""

    objects: dict[str, tuple[ArchiveLine, ...]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def put(self, lines: Sequence[ArchiveLine], *, quarantine: bool) -> str:
        """Keep."""
        first = lines[0]
        folder = "quarantine/" if quarantine else ""
        key = f"{folder}env={first.environment}/service={first.service}/{next(self.numbers)}"
        self.objects[key] = tuple(lines)
        return key

    def read(self, key: str) -> tuple[ArchiveLine, ...]:
        """Read back."""
        return self.objects[key]

    def list_keys(self, environment: str, service: str | None, date: str | None, *, quarantine: bool) -> Iterator[str]:
        """List."""
        yield from (key for key in self.objects if key.startswith("quarantine/") == quarantine)


@dataclass
class FakeWay:
    """What was sent; `refuse` says of a replay whether and how it is refused."""

    sent: list[Replay] = field(default_factory=list)
    refuse: Callable[[Replay], SendFailure | None] = lambda replay: None
    at_once: int = 10

    def send(self, replays: Sequence[Replay]) -> tuple[SendFailure, ...]:
        """Send."""
        failures = {replay.letter.message_id: self.refuse(replay) for replay in replays}
        self.sent += [replay for replay in replays if failures[replay.letter.message_id] is None]
        return tuple(failure for failure in failures.values() if failure is not None)


@dataclass
class FakeDirectory:
    """One function for each service."""

    def places(self) -> tuple[FunctionPlace, ...]:
        """List."""
        return (*(FunctionPlace(f"{one}-fn", one) for one in SERVICES), FunctionPlace("migrator", None))


@dataclass
class FakePacer:
    """Never waits; counts."""

    rate: float | None = None
    waits: list[int] = field(default_factory=list)

    def take(self, number: int) -> None:
        """Count nothing."""

    def back_off(self, attempt: int) -> None:
        """Remember."""
        self.waits.append(attempt)

    def end(self) -> None:
        """Nobody waits anyway."""


@dataclass
class Post:
    """A post office: every fake, and the desk over them. Change the fields, run, look."""

    ledger: SqlLedger
    time: datetime = NOW
    settings: DeadLetters = field(default_factory=lambda: DeadLetters(threads=1))
    commits: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.queue = FakeQueue(lambda: self.time)
        self.archive, self.way, self.pacer = FakeArchive(), FakeWay(), FakePacer()

    def now(self) -> datetime:
        """Give the time."""
        return self.time

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)

    def desk(self) -> Desk:
        """Make the desk."""
        ports = DeadLetterPorts(
            environment="dev",
            queue=self.queue,
            archive=self.archive,
            way=self.way,
            directory=FakeDirectory(),
            journal=self.ledger,
            make_filter=make_filter,
            make_pacer=lambda rate: self.pacer,
            resolve=lambda ref: ref,
            contains=lambda release, fix: fix in self.commits.get(release, ()),
        )
        own = {"account": ACCOUNT, "database_url": "postgresql://x", "stack_suffix": "dev", "context": "dev"}
        environment = Environment.model_validate({**own, "key": "dev"})
        return Desk(ports, self.settings, environment, self)


def open_post(folder: Path, **settings: object) -> Post:
    """Open one over a new ledger in a folder."""
    ledger = SqlLedger(make_engine(lay_ledger(folder / "ledger.sqlite")))
    return Post(ledger, settings=DeadLetters.model_validate({"threads": 1, **settings}))


def drain(post: Post, mode: Mode = Mode.DRAIN, limit: int = 1000, run_id: str = "run", **changes: object) -> Done:
    """Carry out an order on the post's letters."""
    order = Order(mode, limit, run_id, **changes)  # type: ignore[arg-type]
    return Drainer(post.desk(), order, None).run()


def fill(post: Post, number: int, error: str = "DbConnectionError") -> list[str]:
    """Put letters into the queue, all of one function."""
    return [post.queue.put(envelope({"n": n}, error, request=f"r-{n}"), id_=f"m-{n}") for n in range(number)]


@contextmanager
def crowded(folder: Path, **settings: object) -> Iterator[Post]:
    """A post office with several threads and small batches."""
    opened = open_post(folder, threads=4, batch=50, **settings)
    yield opened
    opened.ledger.close()
