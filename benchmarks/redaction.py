"""How fast secrets are taken out of text: `python -m benchmarks.redaction` prints JSON.

Ten megabytes of a service's log lines, twenty known secrets; beside it, in the same run, the time to parse these lines.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

from namecard_release.redaction import know_secrets, redact

_LINES = 33_000
_ROUNDS = 3


def make_lines(count: int) -> list[str]:
    """Make log lines as the platform's logger writes them."""
    dice = random.Random(1)
    return [
        json.dumps(
            {
                "level": "info",
                "message": "lambda.invocation.completed",
                "timestamp": "2026-03-02T09:00:00Z",
                "service": "cards",
                "requestId": f"{dice.getrandbits(128):032x}",
                "correlationIds": {"x-amzn-trace-id": f"Root=1-67a-{dice.getrandbits(96):024x}"},
                "data": {"path": f"/v1/cards/{number}", "durationMs": 12.5},
            }
        )
        for number in range(count)
    ]


def measure(work: Callable[[], object]) -> float:
    """Give the shortest of a few times, in seconds of this process."""
    times = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def main() -> None:
    """Measure and print."""
    lines = make_lines(_LINES)
    text = "\n".join(lines)
    dice = random.Random(2)
    know_secrets(f"secret-{dice.getrandbits(128):x}" for _ in range(20))
    whole, parsed = measure(lambda: redact(text)), measure(lambda: [json.loads(line) for line in lines])
    half = measure(lambda: redact(text[: len(text) // 2]))
    told = {
        "megabytes": round(len(text) / 1e6, 1),
        "redact_seconds": round(whole, 2),
        "redact_line_by_line_seconds": round(measure(lambda: [redact(line) for line in lines]), 2),
        "half_of_it_seconds": round(half, 2),
        "json_parse_seconds": round(parsed, 2),
        "ratio_to_parsing": round(whole / parsed, 1),
        "growth_for_twice_the_text": round(whole / half, 2),
    }
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
