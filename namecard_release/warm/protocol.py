"""How a run is handed to the run server: one line of JSON over a socket in the instance's folder, one line back.

The folder's rights are the access control: whoever may write there may change Dagster's instance anyway.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

SOCKET_NAME = "run-server.sock"
WORKERS_FOLDER = "run-workers"
# A server that accepted and then says nothing may have started the run: it is not started another way.
ANSWER_SECONDS = 15.0
_LONGEST_ADDRESS = 100
_LONGEST_LINE = 1 << 20


class NoRunServerError(Exception):
    """No run server listens; nothing was started."""


class RunServerError(Exception):
    """The run server was reached and did not start the run, or did not say that it did."""


@dataclass(frozen=True)
class StartRun:
    """What the server is asked: execute this run, with Dagster's own serialised arguments."""

    run_id: str
    arguments: str


@dataclass(frozen=True)
class Started:
    """What it answers: the run's process, or why there is none."""

    pid: int | None
    why: str = ""


def ask(folder: Path, request: StartRun, timeout: float = ANSWER_SECONDS) -> Started:
    """Ask the server of a folder to start a run.

    Raises NoRunServerError when none listens, RunServerError when it refuses or does not answer in `timeout` seconds.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link, _address(folder) as address:
        link.settimeout(timeout)
        try:
            link.connect(address)
        except OSError as error:
            raise NoRunServerError(f"no run server listens in {folder}: {error.strerror or error}") from None
        answer = _exchange(link, request)
    if answer.pid is None:
        raise RunServerError(f"the run server did not start the run: {answer.why}")
    return answer


def _exchange(link: socket.socket, request: StartRun) -> Started:
    try:
        link.sendall(json.dumps(asdict(request)).encode() + b"\n")
        with link.makefile("rb") as lines:
            told = json.loads(lines.readline(_LONGEST_LINE))
        return Started(told["pid"], told["why"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunServerError(f"the run server did not answer: {type(error).__name__}") from None


def is_serving(folder: Path) -> bool:
    """Tell whether a run server listens in a folder."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link, _address(folder) as address:
            return link.connect_ex(address) == 0
    except NoRunServerError:
        return False


def read_request(line: bytes) -> StartRun:
    """Read what a server is asked. Raises ValueError for anything else."""
    try:
        asked = json.loads(line)
        return StartRun(str(asked["run_id"]), str(asked["arguments"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("not a request to start a run") from error


def write_answer(answer: Started) -> bytes:
    """Write an answer as a line."""
    return json.dumps(asdict(answer)).encode() + b"\n"


@contextmanager
def listening(folder: Path) -> Iterator[socket.socket]:
    """Listen in a folder, to its owner alone; a socket that a killed server left is taken over.

    Raises RunServerError when another server listens there.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server, _address(folder) as address:
        if is_serving(folder):
            raise RunServerError(f"another run server listens in {folder}: stop it first")
        (folder / SOCKET_NAME).unlink(missing_ok=True)
        server.bind(address)
        (folder / SOCKET_NAME).chmod(0o600)
        server.listen(64)
        try:
            yield server
        finally:
            (folder / SOCKET_NAME).unlink(missing_ok=True)


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """Give the socket's address; a path longer than an address may be goes through the folder's descriptor."""
    path = str(folder / SOCKET_NAME)
    if len(path.encode()) <= _LONGEST_ADDRESS:
        yield path
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise NoRunServerError(f"no run server listens in {folder}: {error.strerror}") from None
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET_NAME}"
    finally:
        os.close(descriptor)
