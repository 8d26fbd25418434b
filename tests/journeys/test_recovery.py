"""The crash matrix on real processes: every process and connection killed at every step of a change.

All of it is `make crash`; `-m crash_matrix -k slice` plays each victim once. docs/crashes.md has the table.
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
from tests.journeys.crashing.outcome import Outcome, Record, fingerprint
from tests.journeys.crashing.play import RECOVERY_SECONDS, play
from tests.journeys.crashing.table import write_table

pytestmark = pytest.mark.journey
# The file that keeps each outcome of the whole matrix as it comes, and the one with the table of them.
RECORD_VARIABLE, TABLE_VARIABLE = "NAMECARD_CRASH_RECORD", "NAMECARD_CRASH_TABLE"
_RECORD = os.environ.get(RECORD_VARIABLE)


@pytest.fixture(scope="module")
def ground(sandbox: Sandbox) -> Iterator[Ground]:
    """Put the sandbox on the shipped settings, with A good and B promoted before, and give it back as it was.

    The whole matrix is played with the ledger in PostgreSQL, the slice with the sandbox's own.
    """
    with crash_ground(sandbox, own_ledger=_RECORD is not None) as made:
        _prepare(made)
        yield made
    stack.up(sandbox.root)


@pytest.fixture(scope="module")
def record() -> Iterator[Record | None]:
    """Keep what comes of the cells, and write the table when all of them were played on this code."""
    kept = Record(Path(_RECORD)) if _RECORD else None
    yield kept
    played = kept.read(list(cells())) if kept else {}
    table = os.environ.get(TABLE_VARIABLE)
    if table and all(cell in played for cell in cells()):
        write_table(Path(table), [played[cell] for cell in cells()], fingerprint())


def _prepare(ground: Ground) -> None:
    releases = ground.sandbox.state.releases
    history = ground.ledger.history(ground.environment)
    known = {p.release for p in history if p.verified}
    for letter in ("A", "B"):
        if releases[letter] not in known:
            ground.call("promote", "--env", ground.environment, "--commit", releases[letter], "--wait")


def _name(group: list[Cell]) -> str:
    return group[0].name if len(group) == 1 else f"{group[0].name} and {len(group) - 1} more"


@pytest.mark.crash_matrix
def test_a_slice_with_each_victim_ends_resumed(ground: Ground) -> None:
    rollback = [
        _cell(Change.ROLLBACK, "plan", When.BEFORE, Victim.WORKER),
        _cell(Change.ROLLBACK, "lease", When.AFTER, Victim.RUN_SERVER),
        _cell(Change.ROLLBACK, "baseline", When.BEFORE, Victim.ANSWER),
        _cell(Change.ROLLBACK, "deploy", When.DURING, Victim.MACHINE),
    ]
    promotion = [
        _cell(Change.PROMOTION, "baseline", When.BEFORE, Victim.CONNECTION),
        _cell(Change.PROMOTION, "deploy", When.BEFORE, Victim.CDK),
        _cell(Change.PROMOTION, "probes", When.AFTER, Victim.DAEMON),
        _cell(Change.PROMOTION, "bake's decision", When.AFTER, Victim.CODE_SERVER),
    ]
    for group in (rollback, promotion):
        _play(ground, group)


def test_every_cell_is_played_in_one_group() -> None:
    played = [cell.name for group in groups() for cell in group]
    assert sorted(played) == sorted(cell.name for cell in cells())
    assert len(set(played)) == len(played)


def _cell(change: Change, step: str, when: When, victim: Victim) -> Cell:
    wanted = (change, step, when, victim)
    (found,) = [c for c in cells() if (c.change, c.moment.step, c.moment.when, c.victim) == wanted]
    return found


@pytest.mark.crash_matrix
@pytest.mark.parametrize("group", groups(), ids=_name)
def test_whatever_is_killed_the_change_ends_resumed_or_held(
    ground: Ground, record: Record | None, group: list[Cell]
) -> None:
    if record is not None and set(group) <= set(record.read(group)):
        pytest.skip("held on this very code")
    found = _play(ground, group)
    if record is not None:
        record.add(found)


def _play(ground: Ground, group: list[Cell]) -> list[Outcome]:
    releases = ground.sandbox.state.releases
    found = play(ground, group, good=releases["A"], new=releases["B"])
    print(*found, sep="\n")
    assert max(one.recovery_seconds for one in found) <= RECOVERY_SECONDS
    return found
