"""What a person or a schedule asks of an environment's dead letters, and how it is planned. Doing it is `draining`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from namecard_release.dlq_port import DeadLetterPorts, QueueDepth, Received
from namecard_release.dlq_settings import DeadLetters
from namecard_release.domain.dead_letter_plans import Known, LetterPlan, Mode, Policy, plan_letter
from namecard_release.domain.dead_letter_rules import Classification, LetterRule, classify
from namecard_release.domain.dead_letters import DeadLetter, FunctionPlace, Target, find_target
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.errors import RefusedError
from namecard_release.ports import Clock
from namecard_release.settings import Environment


@dataclass(frozen=True)
class Desk:
    """One environment's dead letters with everything that is needed to work on them."""

    ports: DeadLetterPorts
    settings: DeadLetters
    environment: Environment
    clock: Clock

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.ports.environment


def no_desk(environment: str) -> Desk:
    """Refuse: whoever made this pipeline gave it no way to dead letters."""
    raise RefusedError(f"this pipeline was made without a way to the dead letters of {environment}")


@dataclass(frozen=True)
class Order:
    """One piece of work: at most `limit` letters that fit `expression` (JMESPath).

    `insist` takes them whatever the rules think of them; `rate` (a second) and `threads` replace the settings'.
    """

    mode: Mode
    limit: int
    run_id: str
    expression: str | None = None
    insist: bool = False
    rate: float | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Planned:
    """One received message with what the rules think of it and what is to be done with it."""

    received: Received
    classification: Classification
    plan: LetterPlan

    @property
    def letter(self) -> DeadLetter:
        """The letter itself."""
        return self.received.letter

    @property
    def service(self) -> str:
        """The service it is filed under."""
        target = self.plan.target
        return (target.service if target is not None else self.letter.service) or "unknown"


@dataclass(frozen=True)
class Sample:
    """Some letters of a queue, which are all in it still, and what would be done with them."""

    queue: str
    depth: QueueDepth
    planned: tuple[Planned, ...]
    seen: int


class Planner:
    """Plans letters of one environment: the rules, the functions and the journal are asked, nothing is changed."""

    def __init__(self, desk: Desk, order: Order, released_at: datetime | None) -> None:
        self._desk = desk
        self._rules: tuple[LetterRule, ...] = desk.settings.letter_rules()
        self._policy = Policy(order.mode, desk.settings.most_returns, order.insist, released_at, order.run_id)
        self._places: tuple[FunctionPlace, ...] = desk.ports.directory.places()

    def plan(self, received: Sequence[Received]) -> tuple[Planned, ...]:
        """Plan a batch: one look into the journal for all of it."""
        now = self._desk.clock.now()
        known = self._desk.ports.journal.recall(self._desk.name, [one.letter for one in received])
        return tuple(self._plan(one, known, now) for one in received)

    def _plan(self, received: Received, known: Mapping[str, Known], now: datetime) -> Planned:
        letter, own = received.letter, self._desk.environment
        target = find_target(letter, self._places, own.account, own.region)
        if isinstance(target, Target) and letter.service is None:
            letter = replace(letter, service=target.service)
        classification = classify(letter, self._rules, now)
        past = known.get(letter.message_id, Known())
        plan = plan_letter(self._desk.name, letter, classification, target, past, self._policy)
        return Planned(Received(letter, received.receipt), classification, plan)


def sample(desk: Desk, order: Order, released_at: datetime | None) -> Sample:
    """Look at letters and plan them; each is hidden while it is looked at and shown again before this returns.

    Raises MisuseError for a bad expression before anything is received.
    """
    fits = desk.ports.make_filter(order.expression)
    planner, depth = Planner(desk, order, released_at), desk.ports.queue.depth()
    held: list[Received] = []
    try:
        fitting = _collect(desk, order.limit, fits, held)
        planned = planner.plan(fitting) if fitting else ()
    finally:
        desk.ports.queue.show(held)
    return Sample(desk.ports.queue.name, depth, planned, len(held))


def _collect(desk: Desk, limit: int, fits: Callable[[DeadLetter], bool], held: list[Received]) -> list[Received]:
    fitting: list[Received] = []
    seen: set[str] = set()
    while len(fitting) < limit and len(held) < desk.settings.most_scanned:
        # No more than is wanted: what is received counts as received, in the queue's own books.
        got = desk.ports.queue.receive(min(10, limit - len(fitting)), desk.settings.sample_hide_seconds, 1)
        fresh = [one for one in got if one.letter.message_id not in seen]
        if not fresh:
            break
        seen |= {one.letter.message_id for one in fresh}
        held += got
        fitting += [one for one in fresh if fits(one.letter)]
    return fitting


def find_released(history: Sequence[Promotion], environment: str) -> Promotion | None:
    """Give the newest promotion of an environment that SUCCEEDED and serves still: nothing after it took its place."""
    own = [one for one in history if one.environment == environment and one.code_changed]
    serving = max(
        (one for one in own if one.phase is not PromotionPhase.ROLLED_BACK),
        key=lambda one: one.deployed_at or one.updated_at,
        default=None,
    )
    return serving if serving is not None and serving.phase is PromotionPhase.SUCCEEDED else None


def explain_not_fixed(released: Promotion | None, fix: str, contains: Callable[[str, str], bool]) -> str | None:
    """Say why letters wait for a fix (a full SHA) still, or None when a release that has it SUCCEEDED and serves.

    `contains(release, fix)` tells whether the release's history has the fix.
    """
    if released is None:
        return f"{fix[:10]} is not deployed here: the release that serves did not succeed (yet)"
    if released.release == fix or contains(released.release, fix):
        return None
    return f"{fix[:10]} is not deployed here: {released.release[:10]} serves, and does not have it"
