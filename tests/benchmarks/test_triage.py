"""The benchmark of triage on a small file: what is planted is what both programs count, garbage or not."""

from __future__ import annotations

from pathlib import Path

from benchmarks.triage import _BARE, measure, write_file


def test_the_garbage_changes_no_planted_failure(tmp_path: Path) -> None:
    dirty = write_file(tmp_path / "a", 300_000)
    clean = write_file(tmp_path / "b", 300_000, garbage=0.0)
    assert dirty.garbage > 0 and clean.garbage == 0
    assert 0.03 < dirty.garbage / dirty.lines < 0.07 and dirty.failed == clean.failed
    kept = set((tmp_path / "a").read_bytes().split(b"\n"))
    assert set((tmp_path / "b").read_bytes().split(b"\n")) <= kept


def test_everything_is_measured_and_right() -> None:
    told = measure(1)
    # The memory of a forked process counts its parent's, which here is the whole test run's.
    assert told.right and told.targets.keys() == {"seconds", "memory_mb", "right"}
    assert min(told.ours.seconds, told.beside.seconds, told.ratio, told.ours.memory_mb) > 0
    assert "json" in _BARE
