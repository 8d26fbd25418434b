"""A small parent for one command, so that nothing of it outlives whoever asked for it. Run by path, never imported.

Standard library only and few imports: it starts before every command. Standard input is the lifeline: at its end,
whoever asked is gone or wants the command ended, and all descendants get TERM, then KILL. The file descriptor given
as the first argument gets one line: `exited N`, `signalled N` or `failed TEXT`.
"""

# pathlib would double the time to start.
# ruff: noqa: PTH112, PTH123, PTH208
from __future__ import annotations

import os
import select
import signal
import sys
import time

_GRACE_SECONDS = 5.0
_LOOK_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Run the command given after the status descriptor and end with nothing of it left."""
    report = int(sys.argv[1])
    os.set_inheritable(report, False)
    wake = _watch_signals()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    child = _start(sys.argv[2:], report)
    status = _wait(child, wake)
    _end_descendants(child, wake)
    if status is None:
        status = _ended.get(child)
    if status is not None:
        told = f"signalled {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exited {os.WEXITSTATUS(status)}"
        _tell(report, told)


_ended: dict[int, int] = {}
_asked_to_end = False


def _watch_signals() -> int:
    def ask(_number: int, _frame: object) -> None:
        global _asked_to_end  # noqa: PLW0603
        _asked_to_end = True

    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask)
    return read


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _start(argv: list[str], report: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        signal.set_wakeup_fd(-1)
        for number in range(1, signal.NSIG):
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                try:
                    signal.signal(number, signal.SIG_DFL)
                except (OSError, ValueError):
                    continue
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.execvp(argv[0], argv)
    except OSError as error:
        _tell(report, f"failed {error.strerror}: {argv[0]}")
    finally:
        os._exit(127)


def _wait(child: int, wake: int) -> int | None:
    # A fork of the asking process may hold the lifeline open after its death; then a new parent tells.
    parent = os.getppid()
    while not _asked_to_end and os.getppid() == parent:
        _reap()
        if child in _ended:
            return _ended[child]
        ready, _, _ = select.select([0, wake], [], [], _LOOK_SECONDS)
        if wake in ready:
            os.read(wake, 4096)
        if 0 in ready and not os.read(0, 4096):
            return None
    return None


def _reap() -> bool:
    """Reap whoever ended; False when no child is left."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True
        _ended[pid] = status


def _end_descendants(child: int, wake: int) -> None:
    """End all descendants, asked first and killed after the grace, those that left the group too."""
    deadline = time.monotonic() + _GRACE_SECONDS
    asked = False
    while _reap():
        killing = time.monotonic() >= deadline
        if killing or not asked:
            asked = True
            _signal_all(signal.SIGKILL if killing else signal.SIGTERM)
        ready, _, _ = select.select([wake], [], [], 0.02 if killing else max(deadline - time.monotonic(), 0))
        if ready:
            os.read(wake, 4096)


def _signal_all(number: int) -> None:
    if not os.path.isdir("/proc/self"):
        os.killpg(0, number)
        return
    for pid in _descendants():
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _descendants() -> list[int]:
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(name))
    found: list[int] = []
    todo = [os.getpid()]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _tell(report: int, text: str) -> None:
    try:
        os.write(report, (text + "\n").encode(errors="replace"))
    except OSError:
        return


if __name__ == "__main__":
    main()
