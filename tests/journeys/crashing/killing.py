"""How each victim is killed at the moment that a process of the pipeline has come to, and when something goes on."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from namecard_release.sandbox.dagster_process import DAEMON, RUN_SERVER
from tests.journeys.crashing.ground import Ground, find_cdk, wait_for
from tests.journeys.crashing.matrix import DEPLOYING, Cell, Moment, Victim, When

# Longer than anything that is to happen within a minute: what is slower is told with its seconds.
PATIENCE_SECONDS = 150.0
# CloudFormation goes on for a moment after the kill, alone.
_ALONE_SECONDS = 1.5
# From a launcher that may go on until its request has reached the run server's socket.
_ASKING_SECONDS = 1.0


@dataclass(frozen=True)
class Caught:
    """Where a cell is played: who came to its moment, the job whose run it is about, and the cells to come."""

    ground: Ground
    cell: Cell
    pid: int
    job: str
    left: Sequence[Cell]

    @property
    def moment(self) -> Moment:
        """The cell's moment."""
        return self.cell.moment


def kill(caught: Caught) -> float:
    """Kill the cell's victim, let everybody else go on, and give the seconds until something went on."""
    if caught.moment.trap == DEPLOYING:
        threading.Timer(_ALONE_SECONDS, caught.ground.let_migrator_go).start()
    if caught.moment.step == "launch" and caught.moment.when is not When.AFTER:
        return _seconds_to_run(caught, _kill_launching(caught))
    return _KILLS[caught.cell.victim](caught)


def _seconds_to_run(caught: Caught, killed: float) -> float:
    began = wait_for(lambda: caught.ground.run_started(caught.job, killed), PATIENCE_SECONDS, "a run that starts")
    return began - killed


def _kill_launching(caught: Caught) -> float:
    """Kill the daemon before it asks the run server, or either of them while the question is not answered."""
    ground, trap = caught.ground, caught.moment.trap
    victim = DAEMON if caught.cell.victim is Victim.DAEMON else RUN_SERVER
    if caught.moment.when is When.BEFORE:
        killed = ground.signal(victim, signal.SIGKILL)
        ground.traps.free(trap)
        return killed
    ground.signal(RUN_SERVER, signal.SIGSTOP)
    ground.traps.free(trap)
    threading.Event().wait(_ASKING_SECONDS)
    killed = ground.signal(victim, signal.SIGKILL)
    if victim == DAEMON:
        ground.signal(RUN_SERVER, signal.SIGCONT)
    return killed


def _kill_worker(caught: Caught) -> float:
    killed = time.time()
    os.kill(caught.pid, signal.SIGKILL)
    return _seconds_to_run(caught, killed)


def _kill_machine(caught: Caught) -> float:
    killed = caught.ground.kill_machine()
    with suppress(ProcessLookupError):
        os.kill(caught.pid, signal.SIGKILL)
    return _seconds_to_run(caught, killed)


def _kill_daemon(caught: Caught) -> float:
    killed = caught.ground.signal(DAEMON, signal.SIGKILL)
    caught.ground.traps.free(caught.moment.trap)
    return wait_for(lambda: caught.ground.daemon_beat(killed), PATIENCE_SECONDS, "the daemon's heart-beat") - killed


def _kill_run_server(caught: Caught) -> float:
    pid = caught.ground.pid_of(RUN_SERVER)
    killed = caught.ground.signal(RUN_SERVER, signal.SIGKILL)
    caught.ground.traps.free(caught.moment.trap)
    return wait_for(lambda: caught.ground.serves_runs(pid), PATIENCE_SECONDS, "a run server that listens") - killed


def _kill_code_server(caught: Caught) -> float:
    killed = caught.ground.kill_code_server()
    gone = time.time()
    return wait_for(lambda: caught.ground.sensor_beat(gone), PATIENCE_SECONDS, "the sensor's next look") - killed


def _kill_cdk(caught: Caught) -> float:
    # Before the deploy there is no cdk yet: the run goes on, and it is killed as soon as it is there.
    if caught.moment.when is When.BEFORE:
        caught.ground.traps.free(caught.moment.trap)
    pid = wait_for(lambda: find_cdk(caught.pid), 30, "cdk")
    killed = time.time()
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return _go_on(caught, killed)


def _cut(caught: Caught) -> float:
    killed = time.time()
    caught.ground.proxy.cut()
    return _go_on(caught, killed)


def _lose_answer(caught: Caught) -> float:
    killed = time.time()
    caught.ground.proxy.lose_answer()
    return _go_on(caught, killed)


def _go_on(caught: Caught, killed: float) -> float:
    caught.ground.traps.free(caught.moment.trap)
    return wait_for(lambda: _next_sign(caught, killed), PATIENCE_SECONDS, "the next move") - killed


def _next_sign(caught: Caught, since: float) -> float | None:
    """Give when something went on: the next move in the ledger, or the next moment that a process came to."""
    ground = caught.ground
    newest = ground.ledger.history(ground.environment, limit=2)
    signs = [at.timestamp() for p in newest for at, _, _ in ground.ledger.moves(p.id)]
    signs += [at for cell in caught.left if (at := ground.traps.met_at(cell.moment.trap)) is not None]
    return min((at for at in signs if at >= since), default=None)


_KILLS = {
    Victim.WORKER: _kill_worker,
    Victim.CDK: _kill_cdk,
    Victim.DAEMON: _kill_daemon,
    Victim.RUN_SERVER: _kill_run_server,
    Victim.CODE_SERVER: _kill_code_server,
    Victim.CONNECTION: _cut,
    Victim.ANSWER: _lose_answer,
    Victim.MACHINE: _kill_machine,
}
