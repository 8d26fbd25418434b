"""Whose turn it is: the order of the requests, the newest commit of those that wait, nobody who deploys disturbed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from namecard_release.domain.turns import Queue, Turn, Waiting, judge_turn

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _waiting(name: str) -> Waiting:
    """Make one from its commit's letter and the second of its request."""
    return Waiting(f"p-{name}", name[0] * 40, START + timedelta(seconds=int(name[1])))


A1, A2, A9, B3, C2 = (_waiting(name) for name in ("A1", "A2", "A9", "B3", "C2"))


@pytest.mark.parametrize(
    ("own", "holder", "waiting", "turn", "why"),
    [
        (A1, None, (A1,), Turn.TAKE, "staging is free"),
        (A1, "p-A2", (A1,), Turn.WAIT, "staging is being changed by p-A2"),
        (A2, None, (A1, A2), Turn.WAIT, "1 before it, the next is p-A1"),
        (A1, None, (A1, A2), Turn.TAKE, "free"),
        (A9, None, (A1, A2, A9), Turn.WAIT, "2 before it, the next is p-A1"),
        (A1, None, (A1, B3), Turn.SUPERSEDED, "superseded by p-B3, a newer commit that waits for staging"),
        (A1, "p-x", (A1, B3), Turn.SUPERSEDED, "p-B3"),
        (A1, "p-A1", (A1, B3), Turn.TAKE, "it has the lease"),
        (B3, None, (A1, B3), Turn.TAKE, "free"),
        (B3, "p-x", (A1, B3), Turn.WAIT, "p-x"),
        (B3, None, (A1, B3, A9), Turn.SUPERSEDED, "p-A9"),
        (A1, None, (A1, B3, A9), Turn.SUPERSEDED, "p-B3"),
        (A9, None, (A1, B3, A9), Turn.TAKE, "free"),
        (A2, None, (A2, C2), Turn.SUPERSEDED, "p-C2"),
    ],
)
def test_the_turns(own: Waiting, holder: str | None, waiting: tuple[Waiting, ...], turn: Turn, why: str) -> None:
    for order in permutations(waiting):
        found, told = judge_turn(own, Queue("staging", holder, order))
        assert (found, why in told) == (turn, True), told


@pytest.mark.parametrize(
    ("own", "newest", "turn"),
    [(A1, B3, Turn.SUPERSEDED), (B3, A1, Turn.TAKE), (A1, A9, Turn.TAKE), (A1, None, Turn.TAKE)],
)
def test_an_older_commit_does_not_follow_a_newer_one_that_was_deployed(
    own: Waiting, newest: Waiting | None, turn: Turn
) -> None:
    assert judge_turn(own, Queue("staging", None, (own,), newest))[0] is turn


def test_of_any_that_wait_for_a_free_lease_one_takes_it() -> None:
    everyone = (A1, A2, A9, B3, C2)
    for size in range(1, len(everyone) + 1):
        for waiting in permutations(everyone, size):
            turns = [judge_turn(one, Queue("staging", None, waiting))[0] for one in waiting]
            assert turns.count(Turn.TAKE) == 1
            assert all(
                turn is not Turn.TAKE for turn in (judge_turn(w, Queue("staging", "x", waiting))[0] for w in waiting)
            )
