"""The alarm sensor: the one place that ends a bake, in success or in a rollback, whoever else is dead."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import dagster as dg

from assets.health import health_event
from assets.requests import ACTOR_TAG, ALARM_TAG, ENVIRONMENT_TAG, PROMOTION_TAG, REASON_TAG
from jobs.rollback import ROLLBACK_JOB, rollback_job
from namecard_release.domain.heartbeats import ALARM_SENSOR
from namecard_release.domain.promotion import Promotion
from namecard_release.domain.release import short
from namecard_release.domain.rollback import Action
from namecard_release.errors import ReleaseError, TransientError
from namecard_release.time_limits import within
from namecard_release.workflow.budgeting import compare_latency
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.watching import (
    Fallback,
    Watch,
    find_fallback,
    find_serving,
    find_watched,
    find_watched_after_bake,
    look,
    look_after_bake,
)

SENSOR_NAME = "alarm_rollback_sensor"
# Dagster's sensor loop turns every 5 s: a tick that ends at 5k - 1 s leaves the shortest gap (docs/adr/0004).
_TICK_SECONDS = 24.0
_LOOK_SECONDS = 0.25
_BEAT_SECONDS = 10.0
# A tick and a last look that nobody answers, one attempt more included, end before Dagster gives a tick up (60 s).
_LOOK_LIMIT_SECONDS = 20.0
# What has succeeded is watched for hours; CloudWatch answers nine DescribeAlarms a second in an account and region.
_CALM_SECONDS = 5.0


@dataclass
class Tick:
    """What one tick found: runs to launch, assets to report, and its one line."""

    runs: list[dg.RunRequest] = field(default_factory=list)
    events: list[dg.AssetMaterialization] = field(default_factory=list)
    lines: dict[str, str] = field(default_factory=dict)

    def tell(self, promotion: Promotion, seen: Watch | ReleaseError) -> None:
        """Take in what was seen of one promotion, or why nothing was: its line, and the run to launch."""
        label = f"{promotion.environment} {short(promotion.release)}"
        if isinstance(seen, ReleaseError):
            self.lines[promotion.id] = f"{label}: not looked at: {seen}"
            return
        self.lines[promotion.id] = f"{label}: {seen.decision.action} - {seen.decision.reason}"
        self.runs += _requests(seen)

    @property
    def decided(self) -> bool:
        """Tell whether something must leave the tick at once."""
        return bool(self.runs or self.events)


def watch(pipeline: Pipeline, seconds: float, clock: Callable[[], float], wait: Callable[[float], object]) -> Tick:
    """Look at every watched promotion again and again until something is decided or the time is up.

    What has succeeded is looked at less often. That it looks is recorded every ten seconds, for a sensor that is silent
    rolls nothing back.
    """
    end, next_beat, next_calm = clock() + seconds, clock(), clock()
    fallbacks: dict[str, Fallback] = {}
    calm: dict[str, str] = {}
    while True:
        if clock() >= next_beat:
            pipeline.ledger.beat(ALARM_SENSOR, pipeline.clock.now())
            next_beat += _BEAT_SECONDS
        serving = find_serving(pipeline)
        tick = _look_once(pipeline, serving, fallbacks)
        if clock() >= next_calm:
            calm = _look_calmly(pipeline, serving, tick)
            next_calm = clock() + _CALM_SECONDS
        tick.lines = {**calm, **tick.lines}
        if tick.decided or clock() >= end:
            return tick
        wait(_LOOK_SECONDS)


def _look_once(pipeline: Pipeline, serving: Sequence[Promotion], fallbacks: dict[str, Fallback]) -> Tick:
    def _look(promotion: Promotion) -> Watch:
        known = fallbacks.get(promotion.id)
        if known is None or known.safety.unread:
            known = fallbacks[promotion.id] = find_fallback(pipeline, promotion)
        return look(pipeline, promotion, known)

    tick = Tick()
    for promotion, seen in _look_side_by_side(find_watched(pipeline, serving), _look):
        tick.tell(promotion, seen)
        if not isinstance(seen, ReleaseError) and seen.decision.action is Action.PROCEED:
            tick.events.append(health_event(promotion, seen.decision.reason, compare_latency(pipeline, promotion)))
    return tick


def _look_side_by_side(
    watched: Sequence[Promotion], look_at: Callable[[Promotion], Watch]
) -> list[tuple[Promotion, Watch | ReleaseError]]:
    """Look at every promotion in a thread of its own: an AWS or a database that is silent blinds no other watch."""

    def _look(promotion: Promotion) -> Watch | ReleaseError:
        try:
            with within(_LOOK_LIMIT_SECONDS):
                return look_at(promotion)
        except ReleaseError as error:
            return error

    if len(watched) < 2:
        return [(promotion, _look(promotion)) for promotion in watched]
    with ThreadPoolExecutor(len(watched), thread_name_prefix="look") as pool:
        return list(zip(watched, pool.map(_look, watched), strict=True))


def _look_calmly(pipeline: Pipeline, serving: Sequence[Promotion], tick: Tick) -> dict[str, str]:
    """Look at what has succeeded, and give its lines, which stand until the next such look."""
    watched = find_watched_after_bake(pipeline, serving)
    for promotion, seen in _look_side_by_side(watched, lambda one: look_after_bake(pipeline, one)):
        tick.tell(promotion, seen)
    return {promotion.id: tick.lines[promotion.id] for promotion in watched}


def _requests(seen: Watch) -> Iterator[dg.RunRequest]:
    # A recorded rollback is asked for again until its run exists: the key makes Dagster launch it once.
    if seen.decision.action is Action.ROLL_BACK:
        yield rollback_request(seen.promotion, seen.decision.reason, seen.decision.to or "", seen.decision.arns)


def rollback_request(promotion: Promotion, reason: str, to: str, arns: tuple[str, ...]) -> dg.RunRequest:
    """Ask for the rollback of a promotion, once: the run key is the promotion's own."""
    config = {"environment": promotion.environment, "to": to, "reason": reason}
    return dg.RunRequest(
        run_key=f"rollback-{promotion.id}",
        run_config={"ops": {"rollback_deployment": {"config": config}}},
        tags={
            ENVIRONMENT_TAG: promotion.environment,
            PROMOTION_TAG: promotion.id,
            ALARM_TAG: ",".join(arns) or "health-probes",
            ACTOR_TAG: SENSOR_NAME,
            REASON_TAG: reason,
        },
        job_name=ROLLBACK_JOB,
    )


@dg.sensor(
    name=SENSOR_NAME,
    jobs=[rollback_job],
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Watches the alarms of every release that bakes, and after that; rolls back, halts, or ends the bake.",
)
def alarm_rollback_sensor(pipeline: dg.ResourceParam[Pipeline]) -> dg.SensorResult | dg.SkipReason:
    """Watch for one long tick and say in one line what was seen."""
    try:
        tick = watch(pipeline, _TICK_SECONDS, time.monotonic, time.sleep)
    except TransientError as error:
        # The ledger: what was decided is in it, and is asked for again. `status` tells that nobody looks meanwhile.
        return dg.SkipReason(f"nothing was looked at: {error}")
    if not tick.decided:
        return dg.SkipReason("; ".join(tick.lines.values()) or "no release is baking")
    return dg.SensorResult(run_requests=tick.runs, asset_events=tick.events)
