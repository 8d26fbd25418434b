"""The queue for an environment's lease: its order, its dead, a hundred at once, never two inside."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from threading import Condition
from typing import Any

import pytest
from sqlalchemy import select

from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.turns import Turn
from namecard_release.errors import PermanentError, RefusedError
from namecard_release.ledger.leases import SqlLease
from namecard_release.ledger.open import make_engine
from namecard_release.ledger.schema import lease_waits
from namecard_release.ledger.sql_ledger import SqlLedger
from tests.ledger.racer import NOW

A, B = "a" * 40, "b" * 40
ENVIRONMENTS = ("dev", "staging", "prod")


def _open(ledger: SqlLedger, number: int, release: str = A, environment: str = "staging") -> str:
    moment = NOW + timedelta(seconds=number)
    name = f"{environment}-{number:03}"
    kind, phase = PromotionKind.PROMOTION, PromotionPhase.GATED
    ledger.open_promotion(Promotion(name, environment, release, kind, phase, "ada", "why", moment, moment))
    return name


def _ask(ledger: SqlLedger, name: str) -> SqlLease | tuple[Turn, str]:
    return ledger.queue_lease(name.partition("-")[0], name, 30)


def _turn(asked: SqlLease | tuple[Turn, str]) -> Turn:
    return Turn.TAKE if isinstance(asked, SqlLease) else asked[0]


def test_those_who_wait_come_in_the_order_of_their_requests(ledger: SqlLedger) -> None:
    names = [_open(ledger, number) for number in range(4)]
    lease = _ask(ledger, names[3])
    assert isinstance(lease, SqlLease)
    assert [_turn(_ask(ledger, name)) for name in (names[2], names[0], names[1])] == [Turn.WAIT] * 3
    lease.release()
    served = []
    while len(served) < 3:
        for name in (names[2], names[1], names[0]):
            asked = _ask(ledger, name) if name not in served else None
            if isinstance(asked, SqlLease):
                served.append(name)
                asked.release()
    assert served == names[:3]


def test_one_that_died_in_the_queue_is_not_waited_for(ledger: SqlLedger, clock: Any) -> None:
    first, second = _open(ledger, 1), _open(ledger, 2)
    lease = ledger.take_lease("staging", "p-9", 30)
    assert [_turn(_ask(ledger, name)) for name in (first, second)] == [Turn.WAIT, Turn.WAIT]
    lease.release()
    assert _ask(ledger, second) == (Turn.WAIT, "1 before it, the next is staging-001")
    clock.pass_time(29.999)
    _ask(ledger, second)
    clock.pass_time(0.001)
    assert isinstance(_ask(ledger, second), SqlLease)


def test_a_stale_lease_expires_for_the_queue(ledger: SqlLedger, clock: Any) -> None:
    name = _open(ledger, 1)
    stale = ledger.take_lease("staging", "p-9", 30)
    assert _ask(ledger, name) == (Turn.WAIT, "staging is being changed by p-9")
    clock.pass_time(30)
    lease = _ask(ledger, name)
    assert isinstance(lease, SqlLease) and lease.token > stale.token
    with pytest.raises(RefusedError):
        stale.renew()


def test_a_newer_commit_supersedes_one_that_waits_and_none_that_has_the_lease(ledger: SqlLedger) -> None:
    holding, older, newer = _open(ledger, 1), _open(ledger, 2), _open(ledger, 3, B)
    lease = _ask(ledger, holding)
    assert _turn(_ask(ledger, older)) is Turn.WAIT
    assert _turn(_ask(ledger, newer)) is Turn.WAIT
    told = "superseded by staging-003, a newer commit that waits for staging"
    assert _ask(ledger, older) == (Turn.SUPERSEDED, told)
    assert isinstance(lease, SqlLease)
    lease.renew()
    again = _ask(ledger, holding)
    assert isinstance(again, SqlLease) and again.token > lease.token


def test_one_that_gave_its_place_up_is_not_waited_for(ledger: SqlLedger) -> None:
    first, second = _open(ledger, 1), _open(ledger, 2)
    lease = ledger.take_lease("staging", "p-9", 30)
    assert [_turn(_ask(ledger, name)) for name in (first, second)] == [Turn.WAIT, Turn.WAIT]
    ledger.leave_queue(first)
    ledger.leave_queue(first)
    lease.release()
    assert isinstance(_ask(ledger, second), SqlLease)


def test_only_a_promotion_queues(ledger: SqlLedger) -> None:
    with pytest.raises(PermanentError, match="no promotion p-9"):
        ledger.queue_lease("staging", "p-9", 30)


class Inside:
    """Who is inside each environment; two at once is an error, and so is a way out of order.

    All ask at the same moment first; afterwards, whenever one is through, the next in the order and a few by chance do.
    """

    def __init__(self, names: list[str]) -> None:
        self.changed, self.random = Condition(), Random(11)
        self.waiting = sorted(names)
        self.asking: set[str] = set()
        self.inside: dict[str, list[str]] = {name: [] for name in ENVIRONMENTS}
        self.served: dict[str, list[str]] = {name: [] for name in ENVIRONMENTS}

    def enter(self, name: str) -> None:
        environment = name.partition("-")[0]
        with self.changed:
            self.inside[environment].append(name)
            assert self.inside[environment] == [name]
            self.served[environment].append(name)

    def leave(self, name: str, lease: SqlLease) -> None:
        with self.changed:
            self.inside[name.partition("-")[0]].remove(name)
        lease.release()

    def go(self, name: str) -> None:
        with self.changed:
            self.waiting.remove(name)
            others = [one for one in self.waiting if one.partition("-")[0] == name.partition("-")[0]]
            self.asking |= {*others[:1], *self.random.sample(others, min(6, len(others)))}
            self.changed.notify_all()

    def wait(self, name: str) -> None:
        with self.changed:
            self.changed.wait_for(lambda: name in self.asking, 5.0)
            self.asking.discard(name)


def _serve(ledger: SqlLedger, place: Inside, name: str) -> Turn:
    while True:
        asked = _ask(ledger, name)
        if isinstance(asked, SqlLease):
            place.enter(name)
            fenced = ledger.fenced(asked)
            fenced.move(name, PromotionPhase.DEPLOYING, NOW, f"{asked.token}", code_changed=True)
            fenced.move(name, PromotionPhase.VERIFYING, NOW, f"{asked.token}")
            place.leave(name, asked)
        if isinstance(asked, SqlLease) or asked[0] is Turn.SUPERSEDED:
            place.go(name)
            return _turn(asked)
        place.wait(name)


def _at_once(ledger: SqlLedger, names: list[str]) -> tuple[Inside, dict[str, Turn]]:
    place = Inside(names)
    mixed = Random(7).sample(names, len(names))
    # As many as a ledger has connections for ask at the same moment.
    with ThreadPoolExecutor(len(names)) as pool:
        turns = dict(zip(mixed, pool.map(lambda name: _serve(ledger, place, name), mixed), strict=True))
    return place, turns


def test_a_hundred_at_once_are_served_one_by_one_beside_other_environments(ledger: SqlLedger) -> None:
    names = [_open(ledger, number) for number in range(100)]
    others = [_open(ledger, number, environment=name) for name in ("dev", "prod") for number in range(10)]
    place, turns = _at_once(ledger, names + others)
    assert set(turns.values()) == {Turn.TAKE}
    assert sorted(place.served["staging"]) == names
    assert sorted(place.served["dev"] + place.served["prod"]) == others
    tokens = [int(ledger.moves(name)[-1][2]) for name in place.served["staging"]]
    assert tokens == sorted(set(tokens))


def test_newer_and_newer_commits_at_once_leave_the_newest(ledger: SqlLedger) -> None:
    names = [_open(ledger, number, f"{number:040}") for number in range(50)]
    place, turns = _at_once(ledger, names)
    served = place.served["staging"]
    assert served[-1] == names[-1] and served == sorted(served)
    assert [name for name in names if turns[name] is Turn.TAKE] == served


def test_the_order_is_kept_whoever_asks_when_and_whoever_dies(ledger: SqlLedger, clock: Any) -> None:
    names, random = [_open(ledger, number) for number in range(40)], Random(3)
    busy = ledger.take_lease("staging", "p-9", 30)
    dead = set(random.sample(names, 8))
    for seconds in (0, 20):
        clock.pass_time(seconds)
        for name in random.sample([one for one in names if not seconds or one not in dead], 40 - 8 * bool(seconds)):
            assert _turn(_ask(ledger, name)) is Turn.WAIT
        busy.renew()
    busy.release()
    clock.pass_time(10)
    left, served = [name for name in names if name not in dead], list[str]()
    while left:
        taken = [name for name in random.sample(left, len(left)) if _enter(ledger, name)]
        assert taken
        served += taken
        left = [name for name in left if name not in taken]
    assert served == [name for name in names if name not in dead]


def _enter(ledger: SqlLedger, name: str) -> bool:
    asked = _ask(ledger, name)
    if isinstance(asked, SqlLease):
        asked.release()
    return isinstance(asked, SqlLease)


def test_processes_queue_as_threads_do(ledger: SqlLedger, url: str, race: Callable[..., list[str]]) -> None:
    names = [_open(ledger, number) for number in range(4)]
    told = race(url, [("queue", name) for name in names])
    assert sorted(told) == ["TAKE", "WAIT", "WAIT", "WAIT"]


def test_who_waits_writes_only_when_its_place_would_run_out(ledger: SqlLedger, clock: Any, url: str) -> None:
    holder, waiting = _open(ledger, 0), _open(ledger, 1)
    assert isinstance(_ask(ledger, holder), SqlLease)
    left = []
    for _ in range(4):
        assert _turn(_ask(ledger, waiting)) is Turn.WAIT
        left.append(_end_of_place(url, waiting) - clock.now().timestamp())
        clock.pass_time(7)
    assert left == [30.0, 23.0, 16.0, 30.0]


def _end_of_place(url: str, name: str) -> float:
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            query = select(lease_waits.c.expires_at).where(lease_waits.c.promotion_id == name)
            return float(connection.execute(query).scalar_one())
    finally:
        engine.dispose()
