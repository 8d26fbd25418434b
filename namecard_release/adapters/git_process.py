"""Running git where no configuration, hook, prompt or foreign transport has a say. What is asked of it is `git`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from namecard_release.errors import PermanentError, TransientError
from namecard_release.redaction import redact

# Reaching a private repository is the machine's business; everything else of our environment is not git's.
_PASSTHROUGH = (
    *("HOME", "PATH", "TMPDIR", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GIT_ASKPASS", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
_FIXED = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C.UTF-8",
}
_OPTIONS = (
    *("-c", f"core.hooksPath={os.devnull}", "-c", "protocol.ext.allow=never", "-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false", "-c", "advice.detachedHead=false", "-c", "core.fsmonitor=false"),
)


@dataclass(frozen=True)
class GitResult:
    """What one git command gave; `error` is redacted."""

    code: int
    output: bytes
    error: str

    @property
    def text(self) -> str:
        """The output as text, without the last line's end."""
        return self.output.decode("utf-8", "replace").rstrip("\n")

    @property
    def why(self) -> str:
        """The line that says most about a failure."""
        lines = [line.strip() for line in self.error.splitlines() if line.strip()]
        telling = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:", "remote: "))]
        return (telling or lines or ["git gave no reason"])[0]


def run_git(
    *words: str,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout_seconds: float = 120.0,
) -> GitResult:
    """Run git and give what it said, whatever its exit code.

    Raises TransientError when it takes too long and PermanentError when there is no git.
    """
    try:
        process = subprocess.Popen(
            ["git", *_OPTIONS, *words],
            env={**{name: os.environ[name] for name in _PASSTHROUGH if name in os.environ}, **_FIXED, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise PermanentError(f"git cannot be started: {error.strerror}; install git 2.39 or newer") from error
    try:
        output, error_output = process.communicate(stdin, timeout_seconds)
    except subprocess.TimeoutExpired as error:
        raise TransientError(f"git {words[-1] if words else ''} gave no answer in {timeout_seconds:.0f} s") from error
    finally:
        _end(process)
    return GitResult(process.returncode, output, redact(error_output.decode("utf-8", "replace")))


def git_in(folder: Path, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> GitResult:
    """Run git on a bare repository's folder."""
    return run_git(f"--git-dir={folder}", *words, stdin=stdin, env=env)


def expect(result: GitResult, what: str) -> GitResult:
    """Give the result of a command that must not fail. Raises PermanentError with git's words."""
    if result.code != 0:
        raise PermanentError(f"{what}: {result.why}")
    return result


def _end(process: subprocess.Popen[bytes]) -> None:
    # Transports are processes of their own: the whole session goes when we were interrupted or out of time.
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
