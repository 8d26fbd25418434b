"""Commands run to their end in a small environment, their output redacted. What an exit code means is the domain's."""

from __future__ import annotations

import contextlib
import os
import re
import select
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from namecard_release.domain.gates import CommandOutcome
from namecard_release.ports import LineSink
from namecard_release.redaction import LineRedactor, redact, secrets_of

# Of our own environment a command sees only how to reach the network and its caches, never our credentials.
PASSTHROUGH = (
    *("HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER", "LOGNAME"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "XDG_CACHE_HOME", "PNPM_HOME", "COREPACK_HOME"),
    *("npm_config_registry", "NPM_CONFIG_REGISTRY", "npm_config_cache", "NPM_CONFIG_CACHE", "NPM_CONFIG_USERCONFIG"),
)
_GUARD = Path(__file__).with_name("guard.py")
_TAIL_LINES = 60
_LONGEST_LINE = 4000
_CHUNK = 65536
# The guard kills five seconds after it asked; it is killed itself when it does not end soon after that.
_GUARD_SECONDS = 8.0
_LAST_WORDS_SECONDS = 1.0
_ENOUGH_SECONDS = 0.25
_STOPPED_BY = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")


class ProcessRunner:
    """Runs commands under a guard process, so that none of their processes outlives the call or this process.

    `path` goes before PATH; `passthrough` names the variables of our own environment that a command may see.
    """

    def __init__(self, path: tuple[str, ...] = (), passthrough: tuple[str, ...] = PASSTHROUGH) -> None:
        self._path = path
        self._passthrough = passthrough

    def run(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        timeout_seconds: float,
        on_line: LineSink | None = None,
        enough: Callable[[], bool] | None = None,
    ) -> CommandOutcome:
        """Run one command with a closed standard input; output and errors come as one stream of redacted lines.

        A program or folder that is not there is an outcome with `not_started`; at the time limit, and when this
        call is interrupted or `enough` says so, all its processes are ended (TERM, then KILL after five seconds).
        """
        shown = tuple(redact(word) for word in argv)
        environment = self._environment(env)
        # A name with a slash is relative to the command's folder, as it would be for a shell there.
        program = shutil.which(str(cwd / argv[0]) if os.sep in argv[0] else argv[0], path=environment["PATH"])
        if program is None:
            return CommandOutcome(shown, None, 0.0, not_started=f"no program {shown[0]!r} on the path")
        if not cwd.is_dir():
            return CommandOutcome(shown, None, 0.0, not_started=f"no folder {cwd}")
        words = [str(Path(program).absolute()), *argv[1:]]
        return _Call(shown, LineRedactor(secrets_of(env)), on_line, enough).run(
            words, cwd, environment, timeout_seconds
        )

    def find(self, program: str) -> Path | None:
        """Give the file behind a program's name or absolute path, links followed; None when there is none."""
        found = shutil.which(program, path=self._environment({})["PATH"])
        return None if found is None else Path(found).resolve()

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in self._passthrough if name in os.environ}
        path = os.pathsep.join((*self._path, env.get("PATH", os.environ.get("PATH", os.defpath))))
        return {"LANG": "C.UTF-8", **kept, "CI": "1", **env, "PATH": path}


class _Call:
    """One command under way."""

    def __init__(
        self,
        shown: tuple[str, ...],
        redactor: LineRedactor,
        on_line: LineSink | None,
        enough: Callable[[], bool] | None,
    ) -> None:
        self._shown = shown
        self._redactor = redactor
        self._on_line = on_line
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._enough = enough
        self._next_question = 0.0
        self._timed_out = False
        self._cut_short = False

    def run(self, words: Sequence[str], cwd: Path, env: Mapping[str, str], timeout_seconds: float) -> CommandOutcome:
        started = time.monotonic()
        report, report_end = os.pipe()
        try:
            guard = _start_guard(words, cwd, env, report_end)
        except OSError as error:
            os.close(report)
            return CommandOutcome(self._shown, None, 0.0, not_started=error.strerror or "cannot start a process")
        finally:
            os.close(report_end)
        try:
            for line in self._lines(guard, report, started + timeout_seconds):
                self._take(line)
        finally:
            told = _end(guard, report)
        return self._outcome(told, time.monotonic() - started)

    def _lines(self, guard: subprocess.Popen[bytes], report: int, deadline: float) -> Iterator[bytes]:
        pending = b""
        for chunk in self._chunks(guard, report, deadline):
            *lines, pending = (pending + chunk).split(b"\n")
            yield from lines
            if len(pending) > _CHUNK:
                yield pending
                pending = b""
        if pending:
            yield pending

    def _chunks(self, guard: subprocess.Popen[bytes], report: int, deadline: float) -> Iterator[bytes]:
        assert guard.stdout is not None
        ending = False
        with selectors.DefaultSelector() as selector:
            selector.register(guard.stdout, selectors.EVENT_READ)
            selector.register(report, selectors.EVENT_READ)
            while True:
                if not ending and self._is_enough():
                    self._cut_short = ending = True
                    deadline = time.monotonic() + _GUARD_SECONDS
                    _let_go(guard)
                left = deadline - time.monotonic()
                if left <= 0 and ending:
                    return
                if left <= 0:
                    self._timed_out = ending = True
                    deadline = time.monotonic() + _GUARD_SECONDS
                    _let_go(guard)
                    continue
                patience = left if ending or self._enough is None else min(left, _ENOUGH_SECONDS)
                ready = {key.fd for key, _ in selector.select(patience)}
                if guard.stdout.fileno() in ready:
                    chunk = os.read(guard.stdout.fileno(), _CHUNK)
                    if not chunk:
                        return
                    yield chunk
                elif report in ready:
                    # The guard has ended, or was killed: its command's last words are in the pipe already.
                    selector.unregister(report)
                    ending, deadline = True, time.monotonic() + _LAST_WORDS_SECONDS

    def _is_enough(self) -> bool:
        now = time.monotonic()
        if self._enough is None or now < self._next_question:
            return False
        self._next_question = now + _ENOUGH_SECONDS
        return self._enough()

    def _take(self, raw: bytes) -> None:
        text = _ESCAPES.sub("", raw.decode("utf-8", "replace")).rstrip("\r").rpartition("\r")[2]
        line = self._redactor(text)
        if len(line) > _LONGEST_LINE:
            line = f"{line[:_LONGEST_LINE]} ... ({len(line)} characters)"
        self._tail.append(line)
        if self._on_line is not None:
            self._on_line(line)

    def _outcome(self, told: str, seconds: float) -> CommandOutcome:
        word, _, rest = told.partition(" ")
        tail = tuple(self._tail)
        if word == "failed":
            return CommandOutcome(self._shown, None, 0.0, tail, not_started=redact(rest.splitlines()[0]))
        code: int | None = None
        if self._cut_short and told != "exited 0":
            return CommandOutcome(self._shown, None, seconds, tail, cut_short=True)
        if not self._timed_out and word == "exited":
            code = int(rest)
        elif not self._timed_out and word == "signalled" and int(rest) not in _STOPPED_BY:
            code = -int(rest)
        return CommandOutcome(self._shown, code, seconds, tail, timed_out=self._timed_out)


def _start_guard(words: Sequence[str], cwd: Path, env: Mapping[str, str], report: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_GUARD), str(report), *words],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(report,),
        start_new_session=True,
        bufsize=0,
    )


def _let_go(guard: subprocess.Popen[bytes]) -> None:
    # Closing the lifeline is the request to end, and holds even if we are killed right after; the signal is for the
    # case that a fork of ours still has the lifeline.
    if guard.stdin is not None:
        guard.stdin.close()
    guard.terminate()


def _end(guard: subprocess.Popen[bytes], report: int) -> str:
    """End whatever still runs and give the guard's report, empty when it was killed itself."""
    told = ""
    try:
        if not select.select([report], [], [], 0)[0]:
            _let_go(guard)
        guard.wait(_GUARD_SECONDS)
        told = os.read(report, 4096).decode(errors="replace").strip()
    except subprocess.TimeoutExpired:
        pass
    finally:
        os.close(report)
        for pipe in (guard.stdin, guard.stdout):
            if pipe is not None:
                pipe.close()
        if not told:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(guard.pid, signal.SIGKILL)
            guard.wait()
    return told
