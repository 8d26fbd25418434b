"""A run's sign of life in the ledger, and the runs that give none any more. Ending those is for whoever has Dagster.

A run's process may die together with the code server that would see it, with the machine for instance.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from namecard_release.domain.heartbeats import find_silent, name_run
from namecard_release.domain.promotion import Promotion
from namecard_release.errors import TransientError
from namecard_release.workflow.pipeline import Pipeline

BEAT_SECONDS = 5.0
# Long enough for a busy machine, short enough that a promotion goes on within a minute of its run's death.
SILENT_SECONDS = 35.0


@contextmanager
def keep_beating(pipeline: Pipeline, run_id: str, beat_seconds: float = BEAT_SECONDS) -> Iterator[None]:
    """Tell the ledger again and again that a run is alive, for the length of a block; a beat that fails is left out."""
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(pipeline, run_id, over, beat_seconds), name="run-beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=beat_seconds)
        with suppress(TransientError):
            pipeline.ledger.forget_beat(name_run(run_id))


def _beat(pipeline: Pipeline, run_id: str, over: threading.Event, beat_seconds: float) -> None:
    while not over.is_set():
        with suppress(TransientError):
            pipeline.ledger.beat(name_run(run_id), pipeline.clock.now())
        over.wait(beat_seconds)


def find_dead_runs(pipeline: Pipeline) -> tuple[Promotion, ...]:
    """List the promotions under way whose run was alive and is silent for too long now."""
    everything = [p for name in pipeline.settings.environments for p in pipeline.ledger.history(name, limit=50)]
    beats = {p.run_id: pipeline.ledger.last_beat(name_run(p.run_id)) for p in everything if p.is_worked_on}
    return find_silent(everything, beats, pipeline.clock.now(), SILENT_SECONDS)
