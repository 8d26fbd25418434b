"""Draining dead letters, beside the bare loop of receive, send and delete: one JSON object on stdout.

`python -m benchmarks.dlq`. Both take turns, with as many threads, so that a machine that is busy is busy for both; the
drain's settings are the defaults, a bare loop of one thread is told beside them. Then a drain is killed at each of its
steps and finished; then asynchronous invocations are timed. Exit codes: 0 when all was measured and within the targets,
1 otherwise.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean, median

from benchmarks.bench import tell
from benchmarks.dlq_child import STEPS, WHENS, drain, open_desk
from benchmarks.dlq_ground import QUEUE, TARGET, Ground, command, depth, empty, fill, killer, lay, take_outcome
from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.dead_letters.ways import FunctionWay
from namecard_release.dlq_settings import DeadLetters
from namecard_release.errors import PermanentError
from namecard_release.sandbox import processes
from namecard_release.sandbox.emulator_process import REGION, client_environment, endpoint, start_emulator

LETTERS, ROUNDS, INVOCATIONS = 10_000, 7, 200
_DEFAULTS = DeadLetters()
THREADS, BATCH, HIDE_SECONDS = _DEFAULTS.threads, _DEFAULTS.batch, _DEFAULTS.hide_seconds
SHARE_TARGET, MOVES_LIMIT = 0.8, 500
_KILLED_HIDE_SECONDS = 10
_MOST_FINISHES = 60


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="namecard-bench-") as name, _emulator(Path(name)) as port:
        measured = _measure(port, Path(name))
    print(json.dumps(measured, indent=2))
    return 0 if measured["within"] else 1


def _measure(port: int, folder: Path) -> dict[str, object]:
    ground = lay(port, folder, batch=BATCH, threads=THREADS, hide_seconds=HIDE_SECONDS)
    load = os.getloadavg()[0]
    alone = _bare(ground, 1)
    drains, bares = _take_turns(ground)
    ours = median(drains)
    # Each drain against the bare loops right before and right after it.
    shares = [one / mean(bares[at : at + 2]) for at, one in enumerate(drains)]
    share = median(shares)
    killed = _kill(ground, folder)
    invoked = _invoke(ground)
    good = killed["lost"] == 0 and killed["same_keys"] and killed["duplicates"] <= killed["most_duplicates"]
    within = share >= SHARE_TARGET and ours > MOVES_LIMIT and good
    return {
        "letters": LETTERS,
        "threads": THREADS,
        "batch": BATCH,
        "bare_of_one_thread_per_second": round(alone),
        "bare_per_second": [round(one) for one in bares],
        "drains_per_second": [round(one) for one in drains],
        "shares": [round(one, 3) for one in shares],
        "ours_per_second": round(ours),
        "share_of_bare": round(share, 3),
        "targets": {"share_of_bare": SHARE_TARGET, "above_per_second": MOVES_LIMIT},
        "killed": killed,
        "invocations_per_second": invoked,
        "load_before": round(load, 2),
        "within": within,
    }


def _take_turns(ground: Ground) -> tuple[list[float], list[float]]:
    """Drain between bare loops; gives both in letters a second, the first and the last of them a bare loop."""
    drains, bares = [], [_bare(ground, THREADS)]
    for _ in range(ROUNDS):
        drains.append(_ours(ground))
        bares.append(_bare(ground, THREADS))
        tell(f"bare {bares[-2]:.0f}/s, ours {drains[-1]:.0f}/s, bare {bares[-1]:.0f}/s")
    return drains, bares


def _ours(ground: Ground) -> float:
    _prepare(ground)
    desk = open_desk(ground.settings)
    begun = time.perf_counter()
    told = drain(desk, LETTERS)
    seconds = time.perf_counter() - begun
    if told.get("replayed") != LETTERS:
        raise PermanentError(f"not everything was replayed: {told}")
    return LETTERS / seconds


def _bare(ground: Ground, threads: int) -> float:
    _prepare(ground)
    sqs, source, target = ground.client("sqs"), ground.url(QUEUE), ground.url(TARGET)
    left, lock = [LETTERS], threading.Lock()

    def move() -> None:
        while left[0] > 0:
            answer = sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=10, VisibilityTimeout=HIDE_SECONDS)
            messages = answer.get("Messages", [])
            if not messages:
                continue
            bodies = [{"Id": str(n), "MessageBody": m["Body"]} for n, m in enumerate(messages)]
            sqs.send_message_batch(QueueUrl=target, Entries=bodies)
            receipts = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
            sqs.delete_message_batch(QueueUrl=source, Entries=receipts)
            with lock:
                left[0] -= len(messages)

    workers = [threading.Thread(target=move) for _ in range(threads)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return LETTERS / (time.perf_counter() - begun)


def _prepare(ground: Ground) -> None:
    empty(ground, QUEUE)
    empty(ground, TARGET)
    fill(ground, LETTERS)


def _kill(ground: Ground, folder: Path) -> dict[str, object]:
    """Kill a drain at each step, before and after it, then let one finish; count what arrived."""
    _prepare(ground)
    text = ground.settings.read_text(encoding="utf-8")
    short = folder / "killed.toml"
    short.write_text(text.replace(f'"hide_seconds" = {HIDE_SECONDS}', f'"hide_seconds" = {_KILLED_HIDE_SECONDS}'))
    kills = [(step, when, 2) for step in STEPS for when in WHENS]
    with killer(replace(ground, settings=short)) as helper:
        for kill in kills:
            status, _ = command(helper, kill)
            if status != -9:
                raise PermanentError(f"the drain was not killed at {kill}")
        tell("killed at every step; let one finish")
        told = _finish(ground, helper)
    most = len(kills) * THREADS * 10
    return {"kills": len(kills), **asdict(take_outcome(ground, LETTERS)), "most_duplicates": most, "finish": told}


def _finish(ground: Ground, helper: subprocess.Popen[str]) -> str:
    """Drain until nothing is in the queue, hidden letters of the killed runs among it; gives what the last one told."""
    for _ in range(_MOST_FINISHES):
        status, told = command(helper, ("finish",))
        if status != 0:
            raise PermanentError(f"the drain after the kills did not finish: {told}")
        if depth(ground) == 0:
            return told
        time.sleep(1)
    raise PermanentError(f"the queue is not empty after {_MOST_FINISHES} drains: {told}")


def _invoke(ground: Ground) -> float:
    """Time asynchronous invocations, one call each, by the threads of a drain: `target = "function"`."""
    empty(ground, QUEUE)
    fill(ground, INVOCATIONS)
    desk = open_desk(ground.settings)
    way = FunctionWay(AwsClients(REGION, endpoint(ground.port), client_environment(ground.port)))
    begun = time.perf_counter()
    drain(replace(desk, ports=replace(desk.ports, way=way)), INVOCATIONS)
    return round(INVOCATIONS / (time.perf_counter() - begun), 1)


@contextmanager
def _emulator(folder: Path) -> Iterator[int]:
    port = processes.free_port()
    entry = start_emulator(folder / "emulator", port, folder / "log", os.environ["PATH"], save_seconds=0)
    try:
        yield port
    finally:
        processes.stop(entry)


if __name__ == "__main__":
    sys.exit(main())
