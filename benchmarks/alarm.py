"""Seconds from an alarm's ALARM to the first step of the rollback that the daemon's sensor launched.

Each repetition breaks the same release anew and sends requests to one service only, another one each time: an alarm
stays in ALARM for its window of five minutes, and one that is in ALARM before a deploy is no cause. The emulator's
transition times have millisecond resolution and the state is to be read as soon as it is set, so they are taken.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bench import ENVIRONMENT, Bench, tell
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.errors import PermanentError
from namecard_release.sandbox.driving import find_public_url
from namecard_release.sandbox.timeline import find_rollback_run
from namecard_release.sandbox.traffic import request_once

SERVICES = ("auth", "cards", "ocr", "enrichment", "uploads")
_REQUESTS = 4


@dataclass(frozen=True)
class Reaction:
    """One rollback by the sensor; `since_request` counts from the first failing request to the same first step."""

    service: str
    alarm_to_first_step: float
    alarm_to_rolled_back: float
    since_request: float


def measure_reaction(bench: Bench, service: str) -> tuple[Reaction, Promotion]:
    """Promote C, fail requests of one service during its bake, and wait for the rollback."""
    run_id = bench.launch("C")
    bench.wait_for(run_id, PromotionPhase.BAKING)
    base, stage = find_public_url(bench.settings, ENVIRONMENT)
    tell(f"fail requests to {service}")
    outcomes = [request_once(base, stage, service) for _ in range(_REQUESTS)]
    if any(outcome.ok for outcome in outcomes):
        raise PermanentError(f"requests to {service} were to fail on C and did not")
    promotion = bench.wait_for(run_id, PromotionPhase.ROLLED_BACK)
    return _read_reaction(bench, promotion, service, outcomes[0].at), promotion


def _read_reaction(bench: Bench, promotion: Promotion, service: str, first_request: float) -> Reaction:
    run = find_rollback_run(bench.settings, promotion.id)
    if run is None or run.first_step is None:
        raise PermanentError(f"Dagster knows no rollback run of {promotion.id}")
    site = bench.pipeline.site(ENVIRONMENT)
    arns = run.tags.get("namecard/alarm", "").split(",")
    readings = site.cloud.alarms(site.settings.stack_names)
    since = [reading.since.timestamp() for reading in readings if reading.arn in arns]
    if not since:
        raise PermanentError(f"the rollback of {promotion.id} names no alarm of its stacks")
    ended = bench.moment_of(promotion, PromotionPhase.ROLLED_BACK)
    alarm = min(since)
    times = (run.first_step - alarm, ended - alarm, run.first_step - first_request)
    return Reaction(service, *(round(seconds, 3) for seconds in times))
