"""How long a triage of 1 GB of JSON lines takes, 5 % of it garbage, and in how much memory; beside jq in the same run.

`python -m benchmarks.triage [MEGABYTES]` prints one JSON object on stdout. The file is the same in every run. Where
there is no jq, a bare loop of Python's own json over the same file stands for it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.bench import tell
from benchmarks.report import describe_machine

MEGABYTES = 1000
SECONDS, MEMORY_MB = 30.0, 300.0
_SERVICES = ("auth", "cards", "ocr", "enrichment", "uploads", "search")
_ERRORS = ("ValidationError", "DbConnectionError", "TypeError", "ThrottlingException")
_BATCH = 2000
# The same question to both: failed invocations by error and path, and nothing for what is no JSON.
_JQ = (
    'reduce (inputs | fromjson? | select(type == "object" and .message == "lambda.invocation.failed")'
    ' | (.service + " " + .error.name)) as $key ({}; .[$key] += 1)'
)


@dataclass(frozen=True)
class Planted:
    """What the file holds: its size, lines, malformed ones, and failed invocations by service and error."""

    bytes: int
    lines: int
    garbage: int
    failed: dict[str, int]


@dataclass(frozen=True)
class Run:
    """One program over the file: wall and processor seconds, and the most memory it held.

    The kernel counts a program's memory from its fork on, so no figure is below what this one holds itself.
    """

    seconds: float
    cpu_seconds: float
    memory_mb: float


@dataclass(frozen=True)
class Measured:
    """Ours beside the baseline; `ratio` is ours to it, `right` whether every count is the planted one."""

    file: Planted
    ours: Run
    baseline: str
    beside: Run
    ratio: float
    right: bool
    targets: dict[str, bool]
    load: tuple[float, float]
    machine: object


def write_file(path: Path, size: int, garbage: float = 0.05, seed: int = 1867) -> Planted:
    """Write a log of about `size` bytes; about 1 in 50 invocations fails. The garbage changes no other line."""
    dice, noise = random.Random(seed), random.Random(seed + 1)
    failed: Counter[str] = Counter()
    lines = bad = written = 0
    with path.open("wb") as file:
        while written < size:
            batch: list[bytes] = []
            for line in _invocations(dice, failed, _BATCH):
                batch.append(line)
                while noise.random() < garbage:
                    batch.append(_garbage(noise, line))
                    bad += 1
            text = b"\n".join(batch) + b"\n"
            file.write(text)
            lines, written = lines + len(batch), written + len(text)
    return Planted(written, lines, bad, dict(failed))


def _invocations(dice: random.Random, failed: Counter[str], count: int) -> Iterator[bytes]:
    for _ in range(count):
        service = dice.choice(_SERVICES)
        request = f"{dice.getrandbits(128):032x}"
        ids = {"x-correlation-id": f"c-{dice.randrange(50_000)}", "x-amzn-trace-id": f"Root=1-{request}"}
        moment = f"2026-03-01T12:{dice.randrange(60):02d}:{dice.randrange(60):02d}.{dice.randrange(1000):03d}Z"
        head = {"level": "info", "message": "lambda.invocation.started", "timestamp": moment, "service": service}
        head |= {"requestId": request, "invocationId": request, "coldStart": False, "correlationIds": ids}
        path = f"/staging/v1/{service}"
        yield json.dumps({**head, "data": {"path": path}}, separators=(",", ":")).encode()
        end = {"path": path, "durationMs": round(dice.lognormvariate(4, 1), 1)}
        if dice.random() < 0.02:
            name = dice.choice(_ERRORS)
            failed[f"{service} {name}"] += 1
            error = {
                "name": name,
                "message": "it went wrong",
                "stack": f"{name}: it went wrong\n    at f (index.js:1:2)",
            }
            head |= {"level": "error", "message": "lambda.invocation.failed", "data": end, "error": error}
        else:
            head |= {"message": "lambda.invocation.completed", "data": {**end, "statusCode": 200}}
        yield json.dumps(head, separators=(",", ":")).encode()


def _garbage(noise: random.Random, line: bytes) -> bytes:
    """Make a line that is no JSON object: cut off, broken UTF-8, meaningless bytes, plain text, other JSON."""
    kinds = (
        lambda: line[: noise.randrange(1, len(line))],
        lambda: line.replace(b"lambda.", b"\xff\xfelambda."),
        lambda: b"\x00" + noise.randbytes(80).replace(b"\n", b"."),
        lambda: b"something was printed here",
        lambda: b"[1, 2, 3]",
    )
    return noise.choice(kinds)()


def run_program(argv: list[str], output: Path) -> Run:
    """Run a program to its end and give what it took, by the kernel's own account of that one process."""
    begun = time.perf_counter()
    with output.open("wb") as out:
        process = subprocess.Popen(argv, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, argv[:3])
    return Run(round(seconds, 2), round(usage.ru_utime + usage.ru_stime, 2), round(usage.ru_maxrss / 1024, 1))


def measure(megabytes: int = MEGABYTES) -> Measured:
    """Write the file, run both over it, and compare what they counted with what was planted."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="namecard-triage-") as folder:
        file, ours, theirs = (Path(folder) / name for name in ("log.jsonl", "ours.json", "theirs.json"))
        tell(f"writing {megabytes} MB")
        planted = write_file(file, megabytes * 1_000_000)
        tell("triage")
        own = run_program([_program(), *_words(file)], ours)
        jq = shutil.which("jq")
        tell(f"{'jq' if jq else 'a bare json loop, for there is no jq'}")
        beside = run_program(_beside(jq, file), theirs)
        right = _is_right(planted, json.loads(ours.read_bytes()), json.loads(theirs.read_bytes()))
    targets = {"seconds": own.seconds < SECONDS, "memory_mb": own.memory_mb < MEMORY_MB, "right": right}
    name, ratio = ("jq" if jq else "bare json loop"), round(own.seconds / beside.seconds, 2)
    loads = (round(load, 2), round(os.getloadavg()[0], 2))
    return Measured(planted, own, name, beside, ratio, right, targets, loads, describe_machine())


def _program() -> str:
    return str(Path(sys.executable).with_name("namecard-release"))


def _words(file: Path) -> list[str]:
    return ["logs", "triage", "--file", str(file), "--json"]


def _beside(jq: str | None, file: Path) -> list[str]:
    if jq is not None:
        return [jq, "--null-input", "--raw-input", _JQ, str(file)]
    return [sys.executable, "-c", _BARE, str(file)]


_BARE = """
import collections, json, sys
found = collections.Counter()
for line in open(sys.argv[1], "rb"):
    try:
        record = json.loads(line)
    except ValueError:
        continue
    if isinstance(record, dict) and record.get("message") == "lambda.invocation.failed":
        found[record["service"] + " " + record["error"]["name"]] += 1
print(json.dumps(found))
"""


def _is_right(planted: Planted, ours: dict[str, object], theirs: dict[str, int]) -> bool:
    groups: Counter[str] = Counter()
    for group in ours["groups"]:  # type: ignore[attr-defined]
        groups[f"{group['service']} {group['error']}"] += group["count"]
    lines = ours["lines"]
    counted = (lines["malformed"], lines["total"]) == (planted.garbage, planted.lines)  # type: ignore[index]
    return counted and dict(groups) == planted.failed == theirs


def main() -> int:
    """Measure and print; exit code 1 when a target is missed."""
    told = measure(int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES)
    print(json.dumps(asdict(told), indent=2))
    return 0 if all(told.targets.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
