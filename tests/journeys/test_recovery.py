"""The crash matrix on real processes: run worker, cdk, daemon and connections killed at every step.

All of it is `make crash`; `-m crash_matrix -k slice` plays a slice. docs/crashes.md has the table.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from namecard_release.sandbox import stack
from tests.journeys.conftest import Sandbox
from tests.journeys.crashing.ground import Ground, crash_ground
from tests.journeys.crashing.matrix import Cell, Change, Victim, When, cells, groups
from tests.journeys.crashing.play import RECOVERY_SECONDS, Outcome, play
from tests.journeys.crashing.table import write_table

pytestmark = pytest.mark.journey
TABLE_VARIABLE = "NAMECARD_CRASH_TABLE"
_WHOLE = os.environ.get(TABLE_VARIABLE)


@pytest.fixture(scope="module")
def ground(sandbox: Sandbox) -> Iterator[Ground]:
    """Put the sandbox on the shipped settings, with A good and B promoted before, and give it back as it was."""
    with crash_ground(sandbox, own_ledger=_WHOLE is not None) as made:
        _prepare(made)
        yield made
    stack.up(sandbox.root)


@pytest.fixture(scope="module")
def outcomes() -> Iterator[list[Outcome]]:
    """Collect what the cells came to, and write the table when all of them were played."""
    found: list[Outcome] = []
    yield found
    played = {one.cell: one for one in found}
    if _WHOLE and all(cell in played for cell in cells()):
        write_table(Path(_WHOLE), [played[cell] for cell in cells()])


def _prepare(ground: Ground) -> None:
    releases = ground.sandbox.state.releases
    history = ground.ledger.history(ground.environment)
    known = {p.release for p in history if p.verified}
    for letter in ("A", "B"):
        if releases[letter] not in known:
            ground.call("promote", "--env", ground.environment, "--commit", releases[letter], "--wait")


def _name(group: list[Cell]) -> str:
    first = group[0]
    return f"{first.change}: {first.name}" if len(group) < 3 else f"{first.change}: {first.victim}, {len(group)} times"


@pytest.mark.crash_matrix
def test_a_slice_of_the_matrix_ends_resumed(ground: Ground, outcomes: list[Outcome]) -> None:
    rollback = [_cell(Change.ROLLBACK, "deploy", When.DURING, Victim.WORKER)]
    promotion = [
        _cell(Change.PROMOTION, "baseline", When.BEFORE, Victim.CONNECTION),
        _cell(Change.PROMOTION, "deploy", When.BEFORE, Victim.CDK),
        _cell(Change.PROMOTION, "verification", When.DURING, Victim.WORKER),
        _cell(Change.PROMOTION, "bake's decision", When.AFTER, Victim.DAEMON),
    ]
    for group in (rollback, promotion):
        _play(ground, outcomes, group)


def _cell(change: Change, step: str, when: When, victim: Victim) -> Cell:
    wanted = (change, step, when, victim)
    (found,) = [c for c in cells() if (c.change, c.moment.step, c.moment.when, c.victim) == wanted]
    return found


@pytest.mark.crash_matrix
@pytest.mark.parametrize("group", groups(), ids=_name)
def test_whatever_is_killed_the_change_ends_resumed_or_held(
    ground: Ground, outcomes: list[Outcome], group: list[Cell]
) -> None:
    _play(ground, outcomes, group)


def _play(ground: Ground, outcomes: list[Outcome], group: list[Cell]) -> None:
    releases = ground.sandbox.state.releases
    found = play(ground, group, good=releases["A"], new=releases["B"])
    outcomes += found
    print(*found, sep="\n")
    assert max(one.recovery_seconds for one in found) <= RECOVERY_SECONDS
