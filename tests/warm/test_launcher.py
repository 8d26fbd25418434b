"""The launcher on an instance of its own: what it tells of a run's process, and when it starts a run the usual way."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.errors import DagsterLaunchFailedError
from dagster._core.launcher import LaunchRunContext, WorkerStatus
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.storage.dagster_run import DagsterRunStatus

from namecard_release.warm.launcher import WARM_TAG, WarmRunLauncher
from namecard_release.warm.protocol import SOCKET_NAME, WORKERS_FOLDER, Started, read_request, write_answer
from namecard_release.warm.workers import Workers

_LAUNCHER = {"run_launcher": {"module": "namecard_release.warm.launcher", "class": "WarmRunLauncher"}}


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(overrides=_LAUNCHER, temp_dir=str(tmp_path)) as made:
        yield made


def launcher_of(instance: dg.DagsterInstance) -> WarmRunLauncher:
    launcher = instance.run_launcher
    assert isinstance(launcher, WarmRunLauncher)
    return launcher


def add_run(
    instance: dg.DagsterInstance, tags: dict[str, str], status: DagsterRunStatus = DagsterRunStatus.STARTED
) -> dg.DagsterRun:
    return instance.add_run(dg.DagsterRun(job_name="job", tags=tags, status=status))


def workers_of(instance: dg.DagsterInstance) -> Workers:
    return Workers(Path(instance.root_directory) / WORKERS_FOLDER)


def test_health_is_told_by_the_process(instance: dg.DagsterInstance) -> None:
    launcher, workers = launcher_of(instance), workers_of(instance)
    assert launcher.supports_check_run_worker_health
    run = add_run(instance, {WARM_TAG: "true"})
    assert launcher.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND
    with subprocess.Popen(["sleep", "60"]) as process:
        workers.add(run.run_id, process.pid)
        assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
        process.kill()
    found = launcher.check_run_worker_health(run)
    assert (found.status, found.msg) == (WorkerStatus.FAILED, f"the run's process {process.pid} is gone")


@pytest.mark.parametrize("tags", [{}, {WARM_TAG: "false"}])
def test_of_a_run_started_the_usual_way_the_code_server_tells(
    instance: dg.DagsterInstance, tags: dict[str, str]
) -> None:
    assert launcher_of(instance).check_run_worker_health(add_run(instance, tags)).status is WorkerStatus.RUNNING


def test_terminating_interrupts_the_process(instance: dg.DagsterInstance) -> None:
    run = add_run(instance, {WARM_TAG: "true"})
    with subprocess.Popen(["sleep", "60"]) as process:
        workers_of(instance).add(run.run_id, process.pid)
        assert launcher_of(instance).terminate(run.run_id)
        assert process.wait() == -signal.SIGINT
    stored = instance.get_run_by_id(run.run_id)
    assert stored is not None and stored.status is DagsterRunStatus.CANCELING


def test_terminating_what_is_over_or_gone_says_so(instance: dg.DagsterInstance) -> None:
    launcher = launcher_of(instance)
    ended = add_run(instance, {WARM_TAG: "true"}, DagsterRunStatus.SUCCESS)
    gone = add_run(instance, {WARM_TAG: "true"})
    assert not launcher.terminate("no-such-run")
    assert not launcher.terminate(ended.run_id)
    assert not launcher.terminate(gone.run_id)


def launch(instance: dg.DagsterInstance) -> dg.DagsterRun:
    pointer = dg._core.code_pointer.ModuleCodePointer("module", "defs")  # type: ignore[attr-defined]
    origin = JobPythonOrigin("job", RepositoryPythonOrigin("python", pointer))
    run = instance.add_run(dg.DagsterRun(job_name="job", status=DagsterRunStatus.STARTING, job_code_origin=origin))
    try:
        launcher_of(instance).launch_run(LaunchRunContext(run, None))
    finally:
        stored = instance.get_run_by_id(run.run_id)
        assert stored is not None
        run = stored
    return run


def test_without_a_server_a_run_starts_the_usual_way_and_says_so(instance: dg.DagsterInstance) -> None:
    # The usual way wants a workspace, which is not given: that it was asked is what is seen here.
    with pytest.raises(dg.DagsterInvariantViolationError, match="requires a workspace"):
        launch(instance)
    (run,) = instance.get_runs()
    assert run.tags[WARM_TAG] == "false"
    told = [entry.message for entry in instance.all_logs(run.run_id)]
    assert any("Started in the usual, slower way: no run server listens" in text for text in told)


def answering(instance: dg.DagsterInstance, answer: Started, asked: list[str]) -> threading.Thread:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(Path(instance.root_directory) / SOCKET_NAME))
    server.listen()

    def _serve() -> None:
        link, _ = server.accept()
        with server, link, link.makefile("rb") as lines:
            asked.append(read_request(lines.readline()).run_id)
            link.sendall(write_answer(answer))

    thread = threading.Thread(target=_serve)
    thread.start()
    return thread


def test_a_server_is_handed_the_run(instance: dg.DagsterInstance) -> None:
    asked: list[str] = []
    thread = answering(instance, Started(os.getpid()), asked)
    run = launch(instance)
    thread.join()
    assert asked == [run.run_id]
    assert run.tags[WARM_TAG] == "true"


def test_a_server_that_refuses_fails_the_launch_and_nothing_starts_it_again(instance: dg.DagsterInstance) -> None:
    thread = answering(instance, Started(None, "is being executed already"), [])
    with pytest.raises(DagsterLaunchFailedError, match="did not start the run: is being executed already"):
        launch(instance)
    thread.join()
