"""One tick of the alarm sensor over 5,000 alarms beside the bare paged DescribeAlarms loop, by turns in one process.

The tick is the sensor's own with the real ledger and the real client; it knows the stacks' alarms from the tick before,
as the sensor's process does, and the first one, which lists them, is told apart.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.alarm_stub import PAGE, stack_name
from benchmarks.bench import Spread, spread, tell
from benchmarks.report import Target, at_most, describe_machine
from namecard_release.composition import build_pipeline
from namecard_release.domain.gates import GateResult, Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.errors import PermanentError
from namecard_release.settings import Settings
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.verifying import PROBES_GATE
from sensors.alarms import watch

ALARMS, STACKS, ROUNDS = 5000, 10, 9
LIMIT = 1.2
ENVIRONMENT = "staging"
_AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True)
class Report:
    """Seconds of a tick and of the bare loop over all alarms, their ratio by medians, and the first tick.

    `few` is a tick over 500 of the 5,000 alarms of the account: what other stacks have costs nothing.
    """

    alarms: int
    tick: Spread
    bare: Spread
    ratio: Target
    first_tick: float
    few: Spread
    machine: dict[str, str]
    load: tuple[float, float]


def main() -> int:
    """Measure and print one JSON object; exit code 0 whatever the ratio says."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="namecard-tick-") as folder, serving() as port:
        every = make_pipeline(Path(folder) / "every", port, STACKS)
        few = make_pipeline(Path(folder) / "few", port, 1)
        client = make_client(port)
        first = timed(lambda: tick(every, ALARMS))
        tick(few, ALARMS // STACKS)
        read_bare(client)
        ticks, bare, some = [], [], []
        for _ in range(ROUNDS):
            bare.append(timed(lambda: read_bare(client)))
            ticks.append(timed(lambda: tick(every, ALARMS)))
            some.append(timed(lambda: tick(few, ALARMS // STACKS)))
            tell(f"bare {bare[-1]:.3f} s, tick {ticks[-1]:.3f} s, few {some[-1]:.3f} s")
    own, other = spread(ticks), spread(bare)
    ratio = at_most(own.median / other.median, LIMIT)
    loads = (round(load, 2), round(os.getloadavg()[0], 2))
    report = Report(ALARMS, own, other, ratio, round(first, 3), spread(some), dict(describe_machine()), loads)
    print(json.dumps(asdict(report), indent=2))
    return 0


@contextmanager
def serving() -> Iterator[int]:
    """Run the stub for the length of a block and give its port."""
    words = [sys.executable, "-m", "benchmarks.alarm_stub", str(STACKS), str(ALARMS)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as stub:
        try:
            assert stub.stdout is not None
            yield int(stub.stdout.readline())
        finally:
            stub.terminate()


def timed(work: Callable[[], object]) -> float:
    """Give the seconds that something took."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def make_client(port: int) -> Any:
    """Make the client that one would write by hand."""
    import boto3

    return boto3.client(
        "cloudwatch",
        region_name="ap-southeast-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def read_bare(client: Any) -> dict[str, str]:
    """Read the state of every alarm of the account, page by page."""
    pages = client.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": PAGE})
    states = {alarm["AlarmName"]: alarm["StateValue"] for page in pages for alarm in page["MetricAlarms"]}
    if len(states) != ALARMS:
        raise PermanentError(f"the bare loop read {len(states)} alarms")
    return states


def tick(pipeline: Pipeline, alarms: int) -> None:
    """Look once, as the sensor's tick does."""
    seen = watch(pipeline, 0.0, time.monotonic, time.sleep)
    (line,) = seen.lines.values()
    if seen.decided or f"{alarms} alarms read, none breached" not in line:
        raise PermanentError(f"the tick did not read every alarm: {line}")


def make_pipeline(folder: Path, port: int, stacks: int) -> Pipeline:
    """Make a pipeline of real adapters with one release that bakes, its baseline read from the same alarms."""
    folder.mkdir()
    own = {
        "account": "000000000000",
        **{"stack_suffix": "staging", "context": "staging", "key": "staging"},
        "database_url": "postgresql://nobody@127.0.0.1/none",
        "stacks": [stack_name(n) for n in range(stacks)],
    }
    settings = Settings.model_validate(
        {
            "platform": {"repository": str(folder)},
            "environments": {ENVIRONMENT: own},
            "paths": {"work": folder, "store": folder, "ledger_url": f"sqlite:///{folder}/ledger.sqlite"},
            "aws": {"endpoint_url": f"http://127.0.0.1:{port}", "env": _AWS},
        }
    )
    pipeline = build_pipeline(settings)
    _bake(pipeline)
    return pipeline


def _bake(pipeline: Pipeline) -> None:
    site, now, sha = pipeline.site(ENVIRONMENT), datetime.now(UTC), "a" * 40
    kind, phase = PromotionKind.PROMOTION, PromotionPhase.BAKING
    promotion = Promotion(
        *("staging-1", ENVIRONMENT, sha, kind, phase, "benchmark", "benchmark", now, now),
        deployed_at=now,
        bake_until=now + timedelta(hours=1),
        code_changed=True,
        verified=True,
        baseline=site.cloud.alarms(site.settings.stack_names),
    )
    pipeline.ledger.open_promotion(promotion)
    evidence = {"promotion": promotion.id}
    pipeline.ledger.record_gate(
        GateResult(PROBES_GATE, sha, Verdict.PASSED, "", now, now, environment=ENVIRONMENT, evidence=evidence)
    )


if __name__ == "__main__":
    sys.exit(main())
