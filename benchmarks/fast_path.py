"""First failing request to first healthy answer, with the fast path and without it, in one run on one fresh sandbox.

Twice in each environment a release that fails is promoted, requests to one of its services fail during its bake, and
the alarm sensor rolls it back by itself; once `fast_path` is on and once off. `prod` serves auth and cards through
aliases, `staging` everything by $LATEST. Each repetition takes other services, for an alarm stays in ALARM for its
window of five minutes.

    python -m benchmarks.fast_path [REPEATS]        about 7 minutes for 1 repeat; 2 at most
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.bench import Bench, open_bench, tell
from benchmarks.report import Target, at_most, describe_machine
from namecard_release.domain.fast_path import StepState
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.errors import PermanentError, ReleaseError
from namecard_release.sandbox import stack
from namecard_release.sandbox.driving import find_public_url, wait_for
from namecard_release.sandbox.settings_file import to_toml
from namecard_release.sandbox.timeline import find_rollback_run
from namecard_release.sandbox.traffic import BackgroundTraffic, Outcome

# Behind aliases in prod, and by $LATEST everywhere.
PAIRS = (("auth", "cards"), ("ocr", "enrichment"))
ENVIRONMENTS = ("prod", "staging")
# The emulator starts a process for each request that finds none idle: more of them starve a small machine.
_RATE = 2.0
_END_SECONDS = 300.0
_QUIET_SECONDS = 3.0


@dataclass(frozen=True)
class Healing:
    """One rollback in seconds since the first failing request was sent.

    `healthy` is when the first good answer after it was there, `last_failing` when the last failing request was sent,
    `steps` when the last step of the fast path was in force (None without one), `rolled_back` the end (None where the
    rollback was held: the machine was too busy).
    """

    environment: str
    service: str
    fast_path: bool
    alias: bool
    healthy: float
    last_failing: float
    first_step: float | None
    steps: float | None
    deploying: float
    rolled_back: float | None
    requests: int
    failed: int


@dataclass(frozen=True)
class Comparison:
    """An environment's medians with and without the fast path, and how much shorter the outage is (`ratio`)."""

    with_fast_path: float
    without: float
    ratio: float


@dataclass(frozen=True)
class Report:
    """Every rollback, the comparison by environment, and the machine's load before and after."""

    by_environment: dict[str, Comparison]
    target: dict[str, Target]
    each: Sequence[Healing]
    machine: dict[str, str]
    load: tuple[float, float]
    disturbed: Sequence[str]


def first_healthy(outcomes: Sequence[Outcome]) -> tuple[float, float, float]:
    """Give when the first failing request was sent, when a good answer was first there after it, and the last failing.

    Raises PermanentError when nothing failed, or nothing was good afterwards.
    """
    ordered = sorted(outcomes, key=lambda outcome: outcome.at)
    failing = [outcome.at for outcome in ordered if not outcome.ok]
    good = [outcome.at + outcome.seconds for outcome in ordered if failing and outcome.ok and outcome.at > failing[0]]
    if not failing or not good:
        raise PermanentError(f"of {len(ordered)} requests {len(failing)} failed and {len(good)} were good afterwards")
    return failing[0], min(good), failing[-1]


def compare(each: Sequence[Healing], environment: str) -> Comparison:
    """Compare the medians of an environment."""
    own = [one for one in each if one.environment == environment]
    fast, plain = (median(one.healthy for one in own if one.fast_path is on) for on in (True, False))
    return Comparison(round(fast, 3), round(plain, 3), round(fast / plain, 3))


def switch(bench: Bench, environment: str, *, on: bool) -> None:
    """Write `fast_path` into the sandbox's settings; every run reads the file when it begins."""
    file = bench.state.settings_file
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    table["environments"][environment]["fast_path"] = on
    file.write_text(to_toml(table), encoding="utf-8")


def heal(bench: Bench, service: str, *, fast: bool) -> Healing:
    """Promote the release that fails, fail requests of one service, and wait until the sensor has rolled it back."""
    switch(bench, bench.environment, on=fast)
    run_id = bench.launch("C")
    bench.wait_for(run_id, PromotionPhase.BAKING)
    base, stage = find_public_url(bench.settings, bench.environment)
    tell(f"{bench.environment}: fail requests to {service}, fast_path = {fast}")
    with BackgroundTraffic(base, stage, (service,), _RATE) as traffic:
        promotion = _wait_for_rollback(bench, run_id)
        threading.Event().wait(_QUIET_SECONDS)
    healing = _read(bench, promotion, service, fast, traffic.outcomes())
    tell(f"healthy after {healing.healthy:.2f} s, rolled back after {healing.rolled_back} s")
    return healing


def _wait_for_rollback(bench: Bench, run_id: str) -> Promotion:
    ended: list[Promotion] = []

    def look() -> bool:
        found = bench.promotion_of(run_id)
        own = [p for p in bench.pipeline.ledger.history(bench.environment, limit=5) if p.kind is PromotionKind.ROLLBACK]
        ended[:] = [p for p in own if p.requested_at > found.requested_at and p.ended_at is not None]
        return found.phase is PromotionPhase.ROLLED_BACK or bool(ended)

    if not wait_for(look, _END_SECONDS):
        raise PermanentError(f"the release of run {run_id} was not rolled back within {_END_SECONDS:.0f} s")
    if ended and ended[0].phase is not PromotionPhase.SUCCEEDED:
        # On a busy machine cold services do not answer a probe in time; when traffic was healed is known all the same.
        bench.disturbed.append(f"{ended[0].id} is {ended[0].phase}: {ended[0].reason[:200]}")
        tell(bench.disturbed[-1])
        return bench.promotion_of(run_id)
    return bench.wait_for(run_id, PromotionPhase.ROLLED_BACK)


def _read(bench: Bench, promotion: Promotion, service: str, fast: bool, outcomes: Sequence[Outcome]) -> Healing:
    zero, healthy, last = first_healthy(outcomes)
    rollback = next(p for p in bench.pipeline.ledger.history(bench.environment) if p.kind is PromotionKind.ROLLBACK)
    run = find_rollback_run(bench.settings, promotion.id)
    steps = bench.pipeline.ledger.steps(rollback.id)
    if fast != any(step.state is StepState.DONE for step in steps):
        told = [r.reason for r in bench.pipeline.ledger.gates(rollback.release, bench.environment)[:8]]
        raise PermanentError(f"fast_path = {fast}, yet {len(steps)} steps were taken: {told}")
    ends = [step.ended_at.timestamp() for step in steps if step.ended_at is not None]
    return Healing(
        environment=bench.environment,
        service=service,
        fast_path=fast,
        alias=any(step.step.alias and step.step.logical_id.lower().startswith(service) for step in steps),
        healthy=round(healthy - zero, 3),
        last_failing=round(last - zero, 3),
        first_step=None if run is None or run.first_step is None else round(run.first_step - zero, 3),
        steps=round(max(ends) - zero, 3) if ends else None,
        deploying=round(bench.moment_of(rollback, PromotionPhase.VERIFYING) - zero, 3),
        rolled_back=None if promotion.ended_at is None else round(promotion.ended_at.timestamp() - zero, 3),
        requests=len(outcomes),
        failed=sum(1 for outcome in outcomes if not outcome.ok),
    )


def measure(bench: Bench, repeats: int) -> Report:
    """Measure both environments, each way as often as asked for, in turns."""
    load = os.getloadavg()[0]
    each: list[Healing] = []
    staging, prod = replace(bench, environment="staging"), replace(bench, environment="prod")
    for letter in ("B", "C"):
        # Only what was healthy in staging may enter prod.
        staging.promote(letter)
    prod.promote("B")
    each += _heal_in_turns(prod, repeats)
    staging.promote("B")
    each += _heal_in_turns(staging, repeats)
    compared = {name: compare(each, name) for name in ENVIRONMENTS}
    target = {name: at_most(one.ratio, 1.0) for name, one in compared.items()}
    loads = (round(load, 2), round(os.getloadavg()[0], 2))
    return Report(compared, target, each, dict(describe_machine()), loads, bench.disturbed)


def _heal_in_turns(bench: Bench, repeats: int) -> Iterator[Healing]:
    for fast_service, plain_service in PAIRS[:repeats]:
        yield heal(bench, fast_service, fast=True)
        yield heal(bench, plain_service, fast=False)


def main() -> int:
    """Measure and print one JSON object. Exit code 0 when all was measured, whatever the target says."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory(prefix="namecard-bench-", ignore_cleanup_errors=True) as folder:
        root = Path(folder) / "sandbox"
        try:
            report = measure(open_bench(stack.up(root, tell)), repeats)
        except ReleaseError as error:
            print(f"error: not everything was measured: {error}", file=sys.stderr)
            return 1
        finally:
            stack.down(root, purge=True)
    print(json.dumps(asdict(report), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
