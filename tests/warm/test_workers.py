"""The files that tell a run's process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from namecard_release.warm.workers import Worker, Workers, interrupt, is_alive, started_at


def test_a_process_is_found_by_its_run_and_forgotten(tmp_path: Path) -> None:
    workers = Workers(tmp_path / "workers")
    assert workers.find("run") is None
    workers.add("run", os.getpid())
    found = workers.find("run")
    assert found == Worker(os.getpid(), started_at(os.getpid()))
    assert is_alive(found)
    workers.forget("run")
    assert workers.find("run") is None


@pytest.mark.parametrize("text", ["", "nothing", "- -", "12a 3"])
def test_a_file_that_is_no_workers_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "run").write_text(text)
    assert Workers(tmp_path).find("run") is None


def test_a_recycled_pid_is_not_the_worker() -> None:
    assert not is_alive(Worker(os.getpid(), (started_at(os.getpid()) or 0) + 1))
    assert not interrupt(Worker(os.getpid(), 1))


def test_a_worker_without_a_start_time_is_told_by_its_pid() -> None:
    assert is_alive(Worker(os.getpid(), None))


def test_a_zombie_is_dead_and_an_interrupt_is_ctrl_c() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        worker = Worker(process.pid, started_at(process.pid))
        assert is_alive(worker)
        assert interrupt(worker)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(worker)
        assert process.wait() == -signal.SIGINT
    assert not is_alive(worker)


def test_only_the_dead_are_forgotten(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        gone = process.pid
    workers = Workers(tmp_path)
    workers.add("alive", os.getpid())
    (tmp_path / "dead").write_text(f"{gone} 1")
    (tmp_path / "broken").write_text("?")
    workers.forget_dead()
    assert [file.name for file in tmp_path.iterdir()] == ["alive"]
