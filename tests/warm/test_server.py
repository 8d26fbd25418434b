"""The run server with processes that it really forks; what they execute is the tests' own."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from namecard_release.warm.names import is_step_process
from namecard_release.warm.protocol import (
    SOCKET_NAME,
    WORKERS_FOLDER,
    NoRunServerError,
    RunServerError,
    StartRun,
    ask,
    is_serving,
    read_request,
)
from namecard_release.warm.server import RunServer
from namecard_release.warm.workers import Workers, interrupt, is_alive


def write_down(arguments: str) -> None:
    """Write the process's pid and whether it is a step's where the test said; end as it said."""
    path, _, then = arguments.partition("|")
    Path(path).write_text(f"{os.getpid()} {is_step_process()}")
    if then == "sleep":
        time.sleep(60)
    if then == "die":
        os._exit(7)


@dataclass
class Reports:
    """What was reported to Dagster."""

    told: list[tuple[str, int]] = field(default_factory=list)
    broken: bool = False

    def __call__(self, run_id: str, exit_code: int) -> None:
        self.told.append((run_id, exit_code))
        if self.broken:
            raise RuntimeError("no database")


@contextmanager
def serving(folder: Path, report: Reports) -> Iterator[RunServer]:
    server = RunServer(folder, execute=write_down, report=report, preload=("namecard_release.warm",))
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        until(lambda: is_serving(folder))
        yield server
    finally:
        server.stop()
        thread.join(20)


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_runs_are_started_watched_and_reported(tmp_path: Path) -> None:
    report = Reports()
    with serving(tmp_path, report):
        ended = ask(tmp_path, StartRun("ended", f"{tmp_path}/ended"))
        died = ask(tmp_path, StartRun("died", f"{tmp_path}/died|die"))
        until(lambda: len(report.told) == 2)
        assert sorted(report.told) == [("died", 7), ("ended", 0)]
        assert (tmp_path / "ended").read_text() == f"{ended.pid} False"
        assert ended.pid != died.pid
        until(lambda: not list((tmp_path / WORKERS_FOLDER).iterdir()))
    assert not (tmp_path / SOCKET_NAME).exists()


def test_a_run_is_found_by_its_file_and_is_not_started_twice(tmp_path: Path) -> None:
    report = Reports()
    with serving(tmp_path, report):
        ask(tmp_path, StartRun("long", f"{tmp_path}/long|sleep"))
        worker = Workers(tmp_path / WORKERS_FOLDER).find("long")
        assert worker is not None and is_alive(worker)
        with pytest.raises(RunServerError, match="is being executed already"):
            ask(tmp_path, StartRun("long", f"{tmp_path}/again"))
        assert not (tmp_path / "again").exists()
        until((tmp_path / "long").exists)
        assert interrupt(worker)
        until(lambda: bool(report.told))
        assert not is_alive(worker)


def test_a_report_that_fails_keeps_the_file_and_the_watch(tmp_path: Path) -> None:
    report = Reports(broken=True)
    with serving(tmp_path, report):
        ask(tmp_path, StartRun("one", f"{tmp_path}/one|die"))
        until(lambda: len(report.told) == 1)
        report.broken = False
        ask(tmp_path, StartRun("two", f"{tmp_path}/two"))
        until(lambda: len(report.told) == 2)
        # Run monitoring finds the dead worker by it.
        assert Workers(tmp_path / WORKERS_FOLDER).find("one") is not None


def test_a_run_outlives_its_server(tmp_path: Path) -> None:
    with serving(tmp_path, Reports()):
        started = ask(tmp_path, StartRun("long", f"{tmp_path}/long|sleep"))
        until((tmp_path / "long").exists)
    worker = Workers(tmp_path / WORKERS_FOLDER).find("long")
    assert worker is not None and worker.pid == started.pid
    assert is_alive(worker)
    with serving(tmp_path, Reports()):
        assert Workers(tmp_path / WORKERS_FOLDER).find("long") == worker
    os.kill(worker.pid, signal.SIGKILL)


def test_what_is_no_request_starts_nothing_and_ends_nothing(tmp_path: Path) -> None:
    report = Reports()
    with serving(tmp_path, report):
        for line in (b"", b"{}\n", b"[]\n", b"not json\n", b'{"run_id": 1\n'):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.connect(str(tmp_path / SOCKET_NAME))
                link.sendall(line)
        ask(tmp_path, StartRun("after", f"{tmp_path}/after"))
        until(lambda: report.told == [("after", 0)])


def test_two_servers_of_one_folder_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path, Reports()):
        second = RunServer(tmp_path, execute=write_down, report=Reports(), preload=())
        with pytest.raises(RunServerError, match="another run server listens"):
            second.serve()
        assert is_serving(tmp_path)


def test_a_socket_that_a_killed_server_left_is_taken_over(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(tmp_path / SOCKET_NAME))
    assert not is_serving(tmp_path)
    with pytest.raises(NoRunServerError):
        ask(tmp_path, StartRun("run", ""))
    report = Reports()
    with serving(tmp_path, report):
        ask(tmp_path, StartRun("run", f"{tmp_path}/run"))
        until(lambda: report.told == [("run", 0)])


def test_a_folder_deeper_than_an_address_may_be_long(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30)
    with pytest.raises(NoRunServerError, match="no run server listens in"):
        ask(deep, StartRun("run", ""))
    deep.mkdir()
    report = Reports()
    with serving(deep, report):
        ask(deep, StartRun("run", f"{tmp_path}/run"))
        until(lambda: report.told == [("run", 0)])


def test_a_server_that_says_nothing_may_have_started_the_run(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.bind(str(tmp_path / SOCKET_NAME))
        silent.listen()
        with pytest.raises(RunServerError, match="did not answer: TimeoutError"):
            ask(tmp_path, StartRun("run", ""), timeout=0.05)


@pytest.mark.parametrize("line", [b"{}", b"[]", b"3", b"{", b'{"run_id": "x"}'])
def test_requests_are_read_strictly(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a request"):
        read_request(line)
