"""A helper process that drains dead letters in children of its own, each killed at one step: one command a line.

`python -m benchmarks.dlq_child SETTINGS`; a line is `STEP WHEN NTH` (`way.send after 2`) or `finish`. A child is forked
from this process, so that it starts with everything loaded, and ends itself with SIGKILL before or after the NTH call
of the step. Each line is answered with the child's exit status (-9: killed) and what it counted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from namecard_release.dlq_composition import build_desk
from namecard_release.domain.dead_letter_plans import Mode
from namecard_release.ledger.open import open_ledger
from namecard_release.settings import load_settings
from namecard_release.workflow.dead_letters import Desk, Order
from namecard_release.workflow.draining import Drainer

ENVIRONMENT = "dev"
STEPS = ("archive.put", "journal.intend", "way.send", "queue.delete", "journal.settle")
WHENS = ("before", "after")
LIMIT = 1_000_000


class _Killing:
    """A port whose one method ends the process at its nth call; everything else is the port's own."""

    def __init__(self, port: object, method: str, when: str, nth: int) -> None:
        self._port, self._method, self._when = port, method, when
        self._left, self._lock = nth, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._guarded(found) if name == self._method else found

    def _guarded(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self._left -= 1
                due = self._left == 0
            if due and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = call(*args, **kwargs)
            if due:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return guarded


def drain(desk: Desk, limit: int = LIMIT) -> dict[str, object]:
    """Drain until the queue gives nothing more or the limit is reached; gives what was counted."""
    done = Drainer(desk, Order(Mode.DRAIN, limit, f"child-{os.getpid()}"), None).run()
    return {"verdict": str(done.verdict), "reason": done.reason, **done.counts}


def open_desk(settings: Path, kill: tuple[str, str, int] | None = None) -> Desk:
    """Build the desk of a settings file, with one port that kills."""
    loaded = load_settings(settings)
    desk = build_desk(loaded, ENVIRONMENT, open_ledger(loaded.paths.ledger_url))
    if kill is None:
        return desk
    port, _, method = kill[0].partition(".")
    killing: Any = {port: _Killing(getattr(desk.ports, port), method, kill[1], kill[2])}
    return replace(desk, ports=replace(desk.ports, **killing))


def run_child(settings: Path, kill: tuple[str, str, int] | None) -> tuple[int, str]:
    """Fork a child that drains; gives its exit status and what it wrote."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        try:
            with os.fdopen(writing, "w") as told:
                json.dump(drain(open_desk(settings, kill)), told)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as told:
        text = told.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def main() -> int:
    """Serve commands until the input ends."""
    settings = Path(sys.argv[1])
    # Loads what boto3 loads late; no thread and no connection of it is left for the children.
    import botocore.httpsession  # noqa: F401

    for line in sys.stdin:
        words = line.split()
        kill = None if words == ["finish"] else (words[0], words[1], int(words[2]))
        status, text = run_child(settings, kill)
        print(json.dumps({"status": status, "told": text}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
