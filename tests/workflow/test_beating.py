"""Runs that give signs of life, and one that does not any more."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

from namecard_release.domain.heartbeats import name_run
from namecard_release.workflow.beating import SILENT_SECONDS, find_dead_runs, keep_beating
from tests.fakes.world import A, World
from tests.workflow.test_promotion import Stage


def test_a_run_beats_while_it_is_at_work_and_is_forgotten_at_its_end(tmp_path: Path) -> None:
    world = World(tmp_path)
    stage = Stage(world, world.pipeline())
    ledger, name = stage.pipeline.ledger, name_run("run-1")
    stage.open(A, "run-1")
    with keep_beating(stage.pipeline, "run-1", beat_seconds=0.01):
        first = _beat_after(stage, None)
        world.time += timedelta(seconds=SILENT_SECONDS + 1)
        assert _beat_after(stage, first) == world.time
        assert find_dead_runs(stage.pipeline) == ()
    assert ledger.last_beat(name) is None and find_dead_runs(stage.pipeline) == ()


def test_a_run_that_fell_silent_is_found_until_its_promotion_is_another_runs(tmp_path: Path) -> None:
    world = World(tmp_path)
    stage = Stage(world, world.pipeline())
    promotion = stage.open(A, "run-1")
    stage.pipeline.ledger.beat(name_run("run-1"), world.time)
    world.time += timedelta(seconds=SILENT_SECONDS + 1)
    assert [p.id for p in find_dead_runs(stage.pipeline)] == [promotion.id]
    stage.open(A, "run-2", root="run-1")
    assert find_dead_runs(stage.pipeline) == ()


def _beat_after(stage: Stage, before: object) -> object:
    pause = threading.Event()
    for _ in range(1000):
        seen = stage.pipeline.ledger.last_beat(name_run("run-1"))
        if seen != before:
            return seen
        pause.wait(0.005)
    raise AssertionError("no beat came")
