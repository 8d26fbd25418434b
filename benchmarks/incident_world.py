"""A simulated on-call life for the incidents' clock: alarms that come and go, people who answer or do not, and a
process that is killed between any two writes. The workflow and the ledger are the real ones.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

from sqlalchemy import Connection

from namecard_release.domain.alarms import AlarmReading, AlarmState, expected_alarms
from namecard_release.domain.incident import Incident, Item, fingerprint_of
from namecard_release.domain.incident_steps import Word
from namecard_release.domain.messages import Channel
from namecard_release.errors import TransientError
from namecard_release.incident_port import PushedAlarm
from namecard_release.ledger.open import make_engine, open_ledger
from namecard_release.ledger.outbox import outbox_of
from namecard_release.ledger.sql_ledger import SqlLedger
from namecard_release.settings import SERVICES, Settings
from namecard_release.workflow import responding
from namecard_release.workflow.incident_clock import tick_clock
from namecard_release.workflow.incidents import look_for_incidents
from namecard_release.workflow.pipeline import Pipeline, Site

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ENVIRONMENTS = ("dev", "staging", "prod")
PLACE = "arn:aws:cloudwatch:ap-southeast-1:000000000000:alarm:"


class Killed(BaseException):
    """The process is gone; nothing may catch it on the way."""


class MortalLedger(SqlLedger):
    """The real ledger, in a process that dies at its n-th write: before that is kept, or right after."""

    dies_at: int | None = None
    dies_after: bool = False
    die: Callable[[], None]

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Write, or die."""
        if self.dies_at is not None:
            self.dies_at -= 1
        doomed = self.dies_at == 0
        with super().writing() as connection:
            yield connection
            if doomed and not self.dies_after:
                self.die()
        if doomed and self.dies_after:
            self.die()


@dataclass(frozen=True)
class Life:
    """What happens around one incident; moments are the simulation's, None never happens."""

    environment: str
    alarm: str
    begins: datetime
    ends: datetime
    flaps: bool
    pushed: bool
    acknowledged: datetime | None
    resolved: datetime
    done: tuple[datetime, ...]


def plan_lives(random: Random, count: int, weeks: float) -> list[Life]:
    """Plan lives over so many weeks, one at a time of each alarm."""
    free = {(env, name): START for env in ENVIRONMENTS for name in expected_alarms(SERVICES)}
    lives: list[Life] = []
    while len(lives) < count:
        place = random.choice(sorted(free))
        begins = START + random.random() * timedelta(weeks=weeks)
        if begins < free[place]:
            # The alarm is taken then: its next life begins some time after the one before.
            begins = free[place] + random.random() * timedelta(hours=3)
        lives.append(life := _plan_life(random, *place, begins))
        free[place] = life.resolved + timedelta(hours=1)
    return lives


def _plan_life(random: Random, environment: str, alarm: str, begins: datetime) -> Life:
    ends = begins + timedelta(minutes=random.choice((2, 8, 20, 50, 120, 300)) * (0.5 + random.random()))
    waits = random.choice((None, (0.2, 4.9), (5, 15), (15, 120)))
    taken = None if waits is None else begins + timedelta(minutes=random.uniform(*waits))
    late = timedelta(hours=4) if random.random() < 0.3 else random.random() * timedelta(minutes=90)
    resolved = ends + late
    hours = random.choice(((), (random.uniform(0.1, 90),), (random.uniform(1, 30), random.uniform(30, 120))))
    done = tuple(resolved + timedelta(hours=h) for h in hours)
    return Life(environment, alarm, begins, ends, random.random() < 0.2, random.random() < 0.4, taken, resolved, done)


@dataclass
class Simulation:
    """The world at one moment, and what was done in it; `ticks` are the clock's that came to their end, `begun` all."""

    folder: Path
    random: Random
    lives: Sequence[Life]
    kill_share: float = 0.5
    hard_share: float = 0.01
    step: timedelta = timedelta(seconds=60)
    idle: timedelta = timedelta(minutes=30)
    now: datetime = START
    alarms: dict[str, dict[str, AlarmReading]] = field(default_factory=dict)
    pushed: dict[str, list[AlarmReading]] = field(default_factory=dict)
    ticks: list[datetime] = field(default_factory=list)
    begun: list[datetime] = field(default_factory=list)
    kills: int = 0
    hard_kills: int = 0
    gaps: int = 0
    delivered: dict[str, datetime] = field(default_factory=dict)
    pagerduty_down_until: datetime = START

    def __post_init__(self) -> None:
        self.url = f"sqlite:///{self.folder}/ledger.sqlite"
        open_ledger(self.url).close()
        self.settings = _settings(self.folder)
        for env in ENVIRONMENTS:
            names = expected_alarms(SERVICES)
            self.alarms[env] = {n: AlarmReading(n, f"{PLACE}{env}-{n}", AlarmState.OK, START) for n in names}
            self.pushed[env] = []
        self.restart()

    def restart(self) -> None:
        """Begin as a new process does: with what the ledger holds, and nothing else."""
        if hasattr(self, "ledger"):
            self.ledger.close()
        self.ledger = MortalLedger(make_engine(self.url), lambda: self.now)
        self.pipeline = _pipeline(self)

    def run(self) -> None:
        """Live through all of it, and six days of what comes after."""
        todo = sorted(self._plan(), key=lambda one: one[0])
        end = todo[-1][0] + timedelta(days=6)
        while todo or self.now < end:
            while todo and todo[0][0] <= self.now:
                todo.pop(0)[1]()
            self.begun.append(self.now)
            self._maybe_die(self._tick)
            self._deliver()
            self.now += self._gap(todo[0][0] if todo else None)
        self._tick()
        self.ledger.close()

    def _plan(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        for life in self.lives:
            yield life.begins, lambda life=life: self._turn(life, AlarmState.ALARM)
            if life.flaps:
                third = (life.ends - life.begins) / 3
                yield life.begins + third, lambda life=life: self._turn(life, AlarmState.OK)
                yield life.begins + 2 * third, lambda life=life: self._turn(life, AlarmState.ALARM)
            yield life.ends, lambda life=life: self._turn(life, AlarmState.OK)
            if life.acknowledged is not None:
                yield life.acknowledged, lambda life=life: self._insist(life, self._acknowledge)
            yield life.resolved, lambda life=life: self._insist(life, self._resolve)
            for n, moment in enumerate(life.done):
                last = n == len(life.done) - 1
                yield moment, lambda life=life, last=last: self._insist(life, self._finish if last else self._note)

    def _turn(self, life: Life, state: AlarmState) -> None:
        old = self.alarms[life.environment][life.alarm]
        new = AlarmReading(old.name, old.arn, state, self.now, "why")
        self.alarms[life.environment][life.alarm] = new
        if life.pushed:
            # At least once: now and then twice.
            self.pushed[life.environment] += [new] * self.random.choice((1, 1, 2))

    def _gap(self, following: datetime | None) -> timedelta:
        if self.random.random() < 0.01:
            # Nothing ran, or the machine's clock jumped forward.
            self.gaps += 1
            return self.random.uniform(10, 180) * timedelta(minutes=1)
        if any(one.is_open for one in self.ledger.incidents(unfinished=True)):
            return self.step
        until = self.idle if following is None else min(self.idle, following - self.now)
        return max(self.step, until)

    def _tick(self) -> None:
        for env in ENVIRONMENTS:
            look_for_incidents(self.pipeline, env)
        tick_clock(self.pipeline)
        self.ticks.append(self.now)

    def _maybe_die(self, work: Callable[[], None]) -> None:
        chance = self.random.random()
        if chance >= self.kill_share:
            work()
            return
        at, after = self.random.randint(1, 2), self.random.random() < 0.5
        if chance < self.kill_share * self.hard_share:
            self._die_hard(work, at, after)
            return
        self.ledger.dies_at, self.ledger.dies_after, self.ledger.die = at, after, _raise_killed
        try:
            work()
            self.ledger.dies_at = None
        except Killed:
            self.kills += 1
            self.restart()

    def _die_hard(self, work: Callable[[], None], at: int, after: bool) -> None:
        """Do the work in a process of its own that gets a real SIGKILL; what it did is in the ledger alone."""
        self.ledger.close()
        child = os.fork()
        if child == 0:
            self.restart()
            self.ledger.dies_at, self.ledger.dies_after = at, after
            self.ledger.die = lambda: os.kill(os.getpid(), signal.SIGKILL)
            try:
                work()
            finally:
                # Whatever happened: a second simulation must not go on from here.
                os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            self.hard_kills += 1
        elif work == self._tick:
            self.ticks.append(self.now)
            for pushed in self.pushed.values():
                pushed.clear()
        self.restart()

    def _insist(self, life: Life, act: Callable[[Incident], None]) -> None:
        """Act as a person does: again, when the program died under their hands."""
        of = fingerprint_of(life.environment, life.alarm)
        mine = [i for i in self.ledger.incidents(unfinished=True) if i.fingerprint == of]
        if not mine:
            return
        before = self.kills + self.hard_kills
        self._maybe_die(lambda: act(mine[0]))
        if self.kills + self.hard_kills > before:
            self.now += timedelta(seconds=self.random.randint(1, 20))
            act(mine[0])

    def _acknowledge(self, incident: Incident) -> None:
        source = self.random.choice(("cli", "pagerduty"))
        responding.acknowledge(self.settings, self.ledger, incident.id, "ada", self.now, source)

    def _resolve(self, incident: Incident) -> None:
        found = self.ledger.case(incident.id)
        if found is not None and found.incident.is_open:
            responding.resolve(self.settings, self.ledger, incident.id, "ada", "fixed", self.now)

    def _note(self, incident: Incident) -> None:
        word = Word("ada", root_cause="a null", done=(Item.RUNBOOK, Item.IMPACT))
        responding.note(self.settings, self.ledger, incident.id, word, self.now)

    def _finish(self, incident: Incident) -> None:
        responding.note(self.settings, self.ledger, incident.id, Word("ada", done=tuple(Item)), self.now)

    def _deliver(self) -> None:
        """Let PagerDuty take what waits, unless it is down: then pages wait, and an answer must take them back."""
        if self.now < self.pagerduty_down_until:
            return
        if self.random.random() < 0.02:
            self.pagerduty_down_until = self.now + self.random.uniform(5, 60) * timedelta(minutes=1)
            return
        outbox = outbox_of(self.ledger)
        for one in outbox.waiting(Channel.PAGERDUTY, self.now, 100):
            if outbox.claim(one.message.key, one.attempts, self.now, self.now + timedelta(minutes=1)):
                outbox.sent(one.message.key, self.now, "taken")
                self.delivered[one.message.key] = self.now


def _raise_killed() -> None:
    raise Killed


@dataclass
class _Outside:
    """Alarms as the simulation has them: `Cloud.alarms`, `AlarmQueue` and `Clock` in one."""

    simulation: Simulation
    environment: str = ""

    def now(self) -> datetime:
        return self.simulation.now

    def alarms(self, stacks: Sequence[str]) -> tuple[AlarmReading, ...]:
        if self.simulation.random.random() < 0.03:
            raise TransientError("CloudWatch did not answer")
        return tuple(self.simulation.alarms[self.environment].values())

    def receive(self, queue: str) -> tuple[PushedAlarm, ...]:
        return tuple(PushedAlarm(str(n), one) for n, one in enumerate(self.simulation.pushed[self.environment]))

    def delete(self, queue: str, receipts: Sequence[str]) -> None:
        self.simulation.pushed[self.environment].clear()


def _pipeline(simulation: Simulation) -> Pipeline:
    """Make a pipeline of the ports that incidents need; any other would fail at once."""

    def site(name: str) -> Site:
        outside: Any = _Outside(simulation, name)
        parts: dict[str, Any] = {one.name: None for one in fields(Site)}
        own = simulation.settings.environment(name)
        return Site(**{**parts, "name": name, "settings": own, "cloud": outside, "pushes": outside})

    parts: dict[str, Any] = {one.name: None for one in fields(Pipeline)}
    own = {"settings": simulation.settings, "ledger": simulation.ledger, "clock": _Outside(simulation), "site": site}
    return cast(Pipeline, Pipeline(**{**parts, **own}))


def _settings(folder: Path) -> Settings:
    one = {"account": "000000000000", "database_url": "postgresql://x", "context": "x", "key": "x", "stack_suffix": "x"}
    return Settings.model_validate(
        {
            "platform": {"repository": str(folder)},
            "environments": dict.fromkeys(ENVIRONMENTS, one),
            "incidents": {"queues": dict.fromkeys(ENVIRONMENTS, "alarms")},
        }
    )
