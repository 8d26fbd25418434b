"""A run that is killed at each of its steps: nothing is lost, what is repeated has its key, the next run finishes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from benchmarks.dlq_child import STEPS, WHENS
from benchmarks.dlq_ground import Ground, command, depth, fill, killer, lay, take_outcome
from namecard_release.ledger.open import open_ledger
from namecard_release.sandbox import processes
from namecard_release.sandbox.emulator_process import start_emulator
from namecard_release.settings import load_settings

LETTERS, THREADS, BATCH, HIDE_SECONDS = 600, 2, 30, 4
IN_FLIGHT = 10 * THREADS


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder, port = tmp_path_factory.mktemp("killed"), processes.free_port()
    entry = start_emulator(folder / "emulator", port, folder / "log", os.environ["PATH"], save_seconds=0)
    yield lay(port, folder, batch=BATCH, threads=THREADS, hide_seconds=HIDE_SECONDS)
    processes.stop(entry)


def test_a_run_killed_at_every_step_loses_nothing(ground: Ground) -> None:
    fill(ground, LETTERS)
    with killer(ground) as helper:
        for step in STEPS:
            for when in WHENS:
                assert command(helper, (step, when, 2))[0] == -signal.SIGKILL, (step, when)
        for _ in range(30):
            status, told = command(helper, ("finish",))
            assert status == 0, told
            if depth(ground) == 0:
                break
            # What the killed ones received is hidden still.
            time.sleep(0.5)
    outcome = take_outcome(ground, LETTERS)
    assert outcome.lost == 0 and outcome.same_keys
    assert outcome.duplicates <= len(STEPS) * len(WHENS) * IN_FLIGHT
    _check_books(ground)


def _check_books(ground: Ground) -> None:
    """Every letter is in the journal once, and in the object that the journal names."""
    from namecard_release.dlq_composition import build_desk

    loaded = load_settings(ground.settings)
    ledger = open_ledger(loaded.paths.ledger_url)
    entries = ledger.entries("dev", limit=10 * LETTERS)
    assert len(entries) == LETTERS
    assert {str(entry.state) for entry in entries} <= {"SENT", "INTENDED"}
    archive = build_desk(loaded, "dev", ledger).ports.archive
    kept = {key: {line.letter.message_id for line in archive.read(key)} for key in {one.archive for one in entries}}
    assert all(one.message_id in kept[one.archive] for one in entries)
    ledger.close()
