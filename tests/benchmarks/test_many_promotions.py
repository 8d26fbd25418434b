"""A small crowd of the benchmark on each ledger: never two in one environment, and everybody comes to an end."""

from pathlib import Path

import pytest

from benchmarks.crowd import Told
from benchmarks.many_promotions import Round, Size, measure

_SIZE = Size(promotions=12, processes=2, dies=12, lease_seconds=6.0, start_seconds=2.0)


@pytest.mark.parametrize("releases", [1, 12])
def test_a_crowd_takes_turns(tmp_path: Path, releases: int) -> None:
    found = measure(f"sqlite:///{tmp_path}/ledger.sqlite", releases, _SIZE)
    told = found.told
    assert found.holds and told.lost_it == 0, found
    assert told.had_the_lease + told.superseded == 3 * _SIZE.promotions
    # Of one commit each has its turn, and the one that dies keeps the others waiting for its lease's length alone.
    assert (told.superseded == 0) is (releases == 1)
    if releases == 1:
        assert (told.died, told.late_writes_refused) == (3, 3)


@pytest.mark.parametrize(
    "wrong", [Told(two_inside=1), Told(late_writes_kept=1), Told(gave_up=1), Told(died=2, late_writes_refused=1)]
)
def test_what_must_not_happen_is_told(wrong: Told) -> None:
    assert not Round("sqlite", 1, 1.0, wrong).holds
