"""All measurements in one run on a fresh sandbox: one JSON object on stdout, progress on stderr."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.bench import open_bench, tell
from benchmarks.report import Report
from benchmarks.suite import measure
from namecard_release.errors import ReleaseError
from namecard_release.sandbox import stack


def main() -> int:
    """Measure everything and print it. Exit codes: 0 when all was measured (whatever the targets say), 1 otherwise."""
    # Asked to stop, it still takes its sandbox down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        report = measure_on_fresh_sandbox()
    except ReleaseError as error:
        print(f"error: not everything was measured: {error}", file=sys.stderr)
        return 1
    print(json.dumps(asdict(report), indent=2))
    return 0


def measure_on_fresh_sandbox() -> Report:
    """Bring a sandbox up in a temporary folder, measure on it, and leave nothing of it whatever happens."""
    with tempfile.TemporaryDirectory(prefix="namecard-bench-", ignore_cleanup_errors=True) as folder:
        root = Path(folder) / "sandbox"
        try:
            return measure(open_bench(stack.up(root, tell)))
        finally:
            stack.down(root, purge=True)


if __name__ == "__main__":
    sys.exit(main())
