"""The run server: forks every run's process from one that has loaded Dagster and the definitions.

It starts, watches and reports; stopping a run is the launcher's (by the worker's file), and so are retries Dagster's.
Run it under a supervisor beside the daemon: `python -m namecard_release.warm.server`, with DAGSTER_HOME set.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from namecard_release.warm.names import name_process
from namecard_release.warm.protocol import (
    WORKERS_FOLDER,
    RunServerError,
    Started,
    StartRun,
    listening,
    read_request,
    write_answer,
)
from namecard_release.warm.workers import Workers

# What a run imports anyway, in the order of its need. None of it starts a thread or opens a connection at import.
PRELOAD = (
    "dagster",
    "dagster._cli.api",
    "sqlalchemy",
    "alembic",
    "psycopg2",
    "boto3",
    "botocore.session",
    "pglast",
    "namecard_release.definitions",
    "namecard_release.adapters.git",
)
_ACCEPT_SECONDS = 0.1
_REAP_SECONDS = 0.1
_READ_SECONDS = 5.0
_LONGEST_LINE = 1 << 20
_log = logging.getLogger(__name__)

# Executes a run, given Dagster's serialised arguments.
Execute = Callable[[str], None]
# Tells Dagster that a run's process (run id, exit code) is gone.
Report = Callable[[str, int], None]


def execute(arguments: str) -> None:
    """Execute a run in this process as `dagster api execute_run` does, whose contract every launcher relies on."""
    from dagster._cli.api import execute_run_command

    execute_run_command.main(args=[arguments], standalone_mode=False)


def report_gone(run_id: str, exit_code: int) -> None:
    """Tell Dagster that a run's process has ended, unless the run ended before it."""
    from dagster import DagsterInstance

    with DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return
        instance.report_engine_event(f"The run's process ended unexpectedly with exit code {exit_code}.", run)
        instance.report_run_failed(run)


@dataclass
class RunServer:
    """The server of one folder, DAGSTER_HOME; `execute` and `report` are Dagster's where nothing else is given."""

    folder: Path
    execute: Execute = execute
    report: Report = report_gone
    preload: Sequence[str] = PRELOAD
    _stopping: threading.Event = field(default_factory=threading.Event)
    _running: dict[str, BaseProcess] = field(default_factory=dict)
    _starting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Find the workers' files."""
        self._context = multiprocessing.get_context("forkserver")
        self._workers = Workers(self.folder / WORKERS_FOLDER)

    def serve(self) -> None:
        """Load everything, then start runs until it is stopped; runs under way go on without it.

        Raises RunServerError when another server listens in the folder.
        """
        self._load()
        with listening(self.folder) as server:
            self._workers.forget_dead()
            reaper = threading.Thread(target=self._reap, name="reaper", daemon=True)
            reaper.start()
            server.settimeout(_ACCEPT_SECONDS)
            _log.info("runs are started from here")
            while not self._stopping.is_set():
                self._accept(server)
            reaper.join()

    def stop(self) -> None:
        """Start no further run."""
        self._stopping.set()

    def _load(self) -> None:
        """Start the fork server and wait for a first process of it, so that the first run is as quick as any."""
        self._context.set_forkserver_preload(list(self.preload))
        first = self._context.Process(target=_nothing)
        first.start()
        first.join()
        if first.exitcode != 0:
            raise RunServerError(f"the definitions do not load: a first process ended as {first.exitcode}")

    def _accept(self, server: socket.socket) -> None:
        try:
            link, _ = server.accept()
        except TimeoutError:
            return
        with link:
            link.settimeout(_READ_SECONDS)
            try:
                with link.makefile("rb") as lines:
                    line = lines.readline(_LONGEST_LINE)
                # Nothing at all: somebody looked whether a server listens.
                if line:
                    link.sendall(write_answer(self._start(read_request(line))))
            except (OSError, ValueError) as error:
                _log.warning("a request was not understood or not waited for: %s", error)

    def _start(self, request: StartRun) -> Started:
        with self._starting:
            if request.run_id in self._running:
                return Started(None, f"the run {request.run_id} is being executed already")
            name = name_process(request.run_id)
            process = self._context.Process(target=self.execute, args=(request.arguments,), name=name)
            process.start()
            self._running[request.run_id] = process
            pid = process.pid or 0
            self._workers.add(request.run_id, pid)
        return Started(pid)

    def _reap(self) -> None:
        from multiprocessing.connection import wait

        while not self._stopping.is_set():
            with self._starting:
                known = {process.sentinel: run_id for run_id, process in self._running.items()}
            if not known:
                self._stopping.wait(_REAP_SECONDS)
                continue
            for sentinel in wait(list(known), timeout=_REAP_SECONDS):
                if isinstance(sentinel, int):
                    self._end(known[sentinel])

    def _end(self, run_id: str) -> None:
        process = self._running[run_id]
        process.join()
        try:
            self.report(run_id, process.exitcode or 0)
        except Exception:  # noqa: BLE001
            # The edge of this process: one report that fails must not end the watch over the other runs. Run
            # monitoring finds the dead worker by its file.
            _log.exception("the end of the run %s was not reported", run_id)
        else:
            self._workers.forget(run_id)
        with self._starting:
            del self._running[run_id]


def _nothing() -> None:
    pass


def main() -> int:
    """Serve in DAGSTER_HOME until SIGTERM or SIGINT. Exit codes: 0 when stopped, 1 when it cannot serve."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        print("error: DAGSTER_HOME is not set: name the folder with dagster.yaml", file=sys.stderr)
        return 1
    server = RunServer(Path(home))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    try:
        server.serve()
    except (RunServerError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
