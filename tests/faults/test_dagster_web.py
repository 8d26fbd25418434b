"""Dagster's web server that answers by the byte, in the middle of nothing, or not at all: a launch is told in time."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from namecard_release.adapters.dagster_api import DagsterApi
from namecard_release.cli.main import app
from namecard_release.cli.output import UNKNOWN
from namecard_release.errors import TransientError
from namecard_release.time_limits import within

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
Behave = Callable[[socket.socket, threading.Event], object]


def _drip(part: bytes, link: socket.socket, stopped: threading.Event) -> None:
    for byte in part + b" " * 100_000:
        if stopped.wait(0.02):
            return
        link.sendall(bytes([byte]))


def _body(link: socket.socket, stopped: threading.Event) -> None:
    link.sendall(HEAD)
    _drip(b'{"data": ', link, stopped)


WAYS: dict[str, Behave] = {
    "drips its headers": lambda link, stopped: _drip(b"HTTP/1.1 200 OK\r\nX-Long: ", link, stopped),
    "drips its body": _body,
    "stops in its body": lambda link, stopped: (link.sendall(HEAD + b'{"data'), stopped.wait(30)),
    "ends in its body": lambda link, _: link.sendall(HEAD + b'{"data'),
    "never answers": lambda _, stopped: stopped.wait(30),
    "closes at once": lambda _, __: None,
}


@contextmanager
def _serving(behave: Behave) -> Iterator[str]:
    stopped, listener = threading.Event(), socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)

    def _answer(link: socket.socket) -> None:
        with link, suppress(OSError):
            link.recv(1 << 16)
            behave(link, stopped)

    def _serve() -> None:
        while not stopped.is_set():
            with suppress(TimeoutError):
                threading.Thread(target=_answer, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=_serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopped.set()
        thread.join()
        listener.close()


@pytest.mark.parametrize("way", WAYS)
def test_a_launch_ends_in_time_with_what_happened(way: str) -> None:
    started = time.monotonic()
    with _serving(WAYS[way]) as url, pytest.raises(TransientError) as caught:
        DagsterApi(url, timeout_seconds=0.3).launch("staging_promote_job", {}, {})
    assert time.monotonic() - started < 3
    told = str(caught.value)
    assert told.startswith(f"Dagster at {url} does not answer (") and len(told.splitlines()) == 1
    assert "sandbox up" in told


def test_a_limit_around_it_counts() -> None:
    started = time.monotonic()
    with _serving(WAYS["drips its body"]) as url, within(0.3), pytest.raises(TransientError, match="no whole answer"):
        DagsterApi(url).launch("staging_promote_job", {}, {})
    assert time.monotonic() - started < 3


def test_the_command_line_says_so_in_a_line_and_with_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DagsterApi.__init__, "__defaults__", (0.3,))
    started = time.monotonic()
    with _serving(WAYS["drips its body"]) as url:
        words = ["promote", "--env", "staging", "--commit", "main", "--settings", str(_settings(tmp_path, url))]
        ran = CliRunner().invoke(app, words)
    assert time.monotonic() - started < 10
    assert ran.exit_code == UNKNOWN, ran.output
    assert "does not answer (no whole answer within 0.3 s)" in ran.stderr and "Traceback" not in ran.stderr


def _settings(folder: Path, url: str) -> Path:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    file = folder / "settings.toml"
    file.write_text(
        f"""[platform]
repository = "{folder}"
[environments.staging]
account = "000000000000"
stack_suffix = "staging"
context = "staging"
key = "staging"
database_url = "postgresql://nobody@127.0.0.1:1/none"
[dagster]
url = "{url}"
"""
    )
    return file
