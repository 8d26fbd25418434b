"""A run that is cancelled while a gate's command works: nothing of the command is left, however deep it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.processes import PidPipe, all_gone

# A gate's asset in a run of its own process, as a step of a promotion is; the command starts children of children.
_RUN = """
import sys
from dataclasses import replace
from pathlib import Path
import dagster as dg
from assets.gates import build_release_gates
from namecard_release.adapters.commands import ProcessRunner
from namecard_release.gate_settings import GatePhase
from tests.fakes.world import A, World

folder = Path(sys.argv[1])
script = "sh -c 'sleep 300 & echo $! > $PIDS; setsid sleep 300 & echo $! > $PIDS; wait' & wait"
world = World(folder)
pipeline = world.pipeline()
slow = (GatePhase(name="slow", argv=("/bin/sh", "-c", script), env={"PIDS": str(folder / "pids")}),)
gates = pipeline.settings.gates.model_copy(update={"quality": slow})
platform = pipeline.settings.platform.model_copy(update={"prepare": ()})
platform = platform.model_copy(update={"install": platform.install.model_copy(update={"argv": ("true",)})})
settings = pipeline.settings.model_copy(update={"gates": gates, "platform": platform})
pipeline = replace(pipeline, settings=settings, runner=ProcessRunner())
quality = next(one for one in build_release_gates() if one.key == dg.AssetKey("quality"))
instance = dg.DagsterInstance.ephemeral()
instance.add_dynamic_partitions("releases", [A])
dg.materialize([quality], instance=instance, partition_key=A, resources={"pipeline": pipeline})
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_gate_ends_its_commands_children_promptly(tmp_path: Path, ending: signal.Signals) -> None:
    root = Path(__file__).parents[2]
    pipe = PidPipe(tmp_path / "pids")
    words = [sys.executable, "-c", _RUN, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(words, cwd=root, env=env, stderr=subprocess.DEVNULL) as run:
        try:
            pids = pipe.read(2, 60)
            assert not all_gone(pids, 0)
            run.send_signal(ending)
            assert all_gone(pids, 3)
            run.wait(30)
        finally:
            run.kill()
            pipe.close()
