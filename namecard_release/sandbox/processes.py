"""Background servers of the sandbox: started detached, found again by pid and start time, stopped for certain.

Nothing in here knows what it starts.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from namecard_release.errors import PermanentError, TransientError

LOOPBACK = "127.0.0.1"
# psutil and the kernel agree on a start time to a clock tick; anything further apart is another process.
_SAME_START_SECONDS = 0.05
_POLL_SECONDS = 0.05


class ProcessRecord(BaseModel):
    """A started process: its pid, which is also its group's, and when it started (epoch seconds)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    started: float


@dataclass(frozen=True)
class Launch:
    """What to start: argument list, whole environment, log file, working folder and, as root, another user."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    folder: Path
    user: int | None = None
    group: int | None = None


def start(launch: Launch) -> ProcessRecord:
    """Start a process in a session of its own, its output appended to the log file.

    Raises PermanentError when it cannot be started.
    """
    launch.log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with launch.log.open("ab") as log:
            process = subprocess.Popen(
                list(launch.arguments),
                env=dict(launch.environment),
                cwd=launch.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=launch.user,
                group=launch.group,
                extra_groups=None if launch.user is None else [],
            )
    except OSError as error:
        raise PermanentError(f"Cannot start {launch.arguments[0]}: {error}") from error
    # The record outlives this process, which never waits for the child: keep no reference that warns about it.
    process.returncode = 0
    return record(process.pid)


def record(pid: int) -> ProcessRecord:
    """Return the record of a process that was just started; one that is gone already gets the time of asking."""
    try:
        return ProcessRecord(pid=pid, started=psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return ProcessRecord(pid=pid, started=time.time())


def is_running(entry: ProcessRecord | None) -> bool:
    """Tell whether that very process still runs; a recycled pid or a zombie does not count."""
    return entry is not None and _find(entry) is not None


def stop(entry: ProcessRecord | None, timeout: float = 10.0, first: signal.Signals = signal.SIGTERM) -> None:
    """End a process and all it left behind: SIGTERM (or `first`), then SIGKILL after `timeout` seconds.

    Members of its group that outlived it are ended too. A recycled pid is never touched.
    """
    if entry is None:
        return
    leader = _find(entry)
    if leader is not None:
        family = _family(leader, entry)
        _signal([leader], first)
        _, alive = psutil.wait_procs([leader], timeout=timeout)
        _end(family + alive, signal.SIGKILL if alive else signal.SIGTERM)
    _end(_orphans(entry), signal.SIGTERM)


def kill(entry: ProcessRecord | None) -> None:
    """End a process and its children at once, without letting them clean up."""
    leader = None if entry is None else _find(entry)
    if entry is not None and leader is not None:
        _end([leader, *_family(leader, entry)], signal.SIGKILL)


def stop_strays(marker: tuple[str, str], keep: Sequence[ProcessRecord]) -> int:
    """End processes whose environment holds the marker (name, value) and that no kept process accounts for.

    They are what a killed start left behind. Neither the caller nor its ancestors are touched. Returns how many.
    """
    strays = [process for process in _marked(marker) if not _belongs(process, {entry.pid for entry in keep})]
    _end(strays, signal.SIGTERM)
    return len(strays)


def free_port() -> int:
    """Return a TCP port of the loopback interface that nothing listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on that loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def reuse_port(port: int | None, patience: float = 2.0) -> int:
    """Return the given port when it is free within `patience` seconds, so that addresses survive a restart.

    A server that was just killed holds its port for a moment. Otherwise another free port is returned.
    """
    deadline = time.monotonic() + patience
    while port is not None and time.monotonic() < deadline:
        if port_is_free(port):
            return port
        time.sleep(_POLL_SECONDS)
    return free_port()


def wait_until(ready: Callable[[], bool], what: str, timeout: float, entry: ProcessRecord | None, log: Path) -> None:
    """Poll `ready` until it holds.

    Raises PermanentError with the log's tail when the process dies, TransientError after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not ready():
        if entry is not None and not is_running(entry):
            raise PermanentError(f"{what} ended while starting; its log {log} ends with: {tail(log)}")
        if time.monotonic() > deadline:
            raise TransientError(f"{what} was not ready after {timeout:.0f} s; see its log {log}")
        time.sleep(_POLL_SECONDS)


def answers(url: str, timeout: float = 2.0) -> bool:
    """Tell whether an HTTP GET is answered with a status under 500."""
    try:
        with urllib.request.urlopen(url, timeout=timeout):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500
    except (OSError, ValueError):
        return False


def accepts(port: int) -> bool:
    """Tell whether something accepts connections on that loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0):
            return True
    except OSError:
        return False


def tail(log: Path, characters: int = 300) -> str:
    """Return the end of a log file on one line."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return "(no log)"
    return " | ".join(line for line in text[-characters:].splitlines() if line.strip())


def _find(entry: ProcessRecord) -> psutil.Process | None:
    try:
        process = psutil.Process(entry.pid)
        same = abs(process.create_time() - entry.started) < _SAME_START_SECONDS
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _family(leader: psutil.Process, entry: ProcessRecord) -> list[psutil.Process]:
    try:
        children = leader.children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    known = {child.pid for child in children}
    return children + [process for process in _orphans(entry) if process.pid not in known]


def _orphans(entry: ProcessRecord) -> list[psutil.Process]:
    """Members of the process's session, itself excepted; a session's id is not reused while it has members."""
    found = []
    for process in psutil.process_iter():
        try:
            member = process.pid != entry.pid and _session(process.pid) == entry.pid
            if member and process.create_time() >= entry.started - _SAME_START_SECONDS:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _marked(marker: tuple[str, str]) -> list[psutil.Process]:
    own = {process.pid for process in (psutil.Process(), *psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in own and process.environ().get(marker[0]) == marker[1]:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def _belongs(process: psutil.Process, leaders: set[int]) -> bool:
    try:
        ancestors = {parent.pid for parent in process.parents()}
    except psutil.Error:
        return True
    return process.pid in leaders or _session(process.pid) in leaders or bool(ancestors & leaders)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _signal(targets: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in targets:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def _end(targets: Sequence[psutil.Process], first: signal.Signals, timeout: float = 2.0) -> None:
    _signal(targets, first)
    _, alive = psutil.wait_procs(list(targets), timeout=timeout)
    _signal(alive, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=timeout)
