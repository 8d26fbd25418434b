"""Whether a rollback healed its environment, by what is measured since then; the probes are asked in `verifying`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.gates import Phase, Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.recovery import METRICS, find_lagging, judge_recovery, measured_from
from namecard_release.errors import ReleaseError
from namecard_release.workflow.gating import conclude
from namecard_release.workflow.pipeline import Pipeline

RECOVERY_GATE = "recovery"
_PAUSE_SECONDS = 2.0


def judge_recovered(
    pipeline: Pipeline, rollback: Promotion, left: Promotion | None, run_id: str, wait: Callable[[float], object]
) -> tuple[Phase, ...]:
    """Judge a deployed rollback by the metrics since then, and record that as a gate's result.

    What is not read is asked for again until the environment's `unknown_deadline_seconds` have passed.
    """
    lagging = _find_lagging(pipeline, rollback, left)
    started, waited = pipeline.clock.now(), 0.0
    limit = pipeline.settings.environment(rollback.environment).unknown_deadline_seconds
    phases = _measure(pipeline, rollback, lagging)
    # The reading itself may take long: that counts, too.
    while phases[-1].verdict is Verdict.UNKNOWN and max(waited, _seconds_since(pipeline, started)) < limit:
        wait(_PAUSE_SECONDS)
        waited += _PAUSE_SECONDS
        phases = _measure(pipeline, rollback, lagging)
    evidence = {"promotion": rollback.id}
    conclude(pipeline, RECOVERY_GATE, rollback.release, phases, started, run_id, evidence, rollback.environment)
    return phases


def _seconds_since(pipeline: Pipeline, moment: datetime) -> float:
    return (pipeline.clock.now() - moment).total_seconds()


def find_relapse(
    pipeline: Pipeline, promotion: Promotion, readings: Sequence[AlarmReading]
) -> tuple[tuple[AlarmReading, ...], str] | None:
    """Say which alarms that a rollback was to silence still breach by their metrics, and how; None where none does.

    An alarm that fires since before the rollback tells nothing itself until it has been OK.
    """
    if promotion.kind is not PromotionKind.ROLLBACK or promotion.phase is not PromotionPhase.SUCCEEDED:
        return None
    firing = {reading.arn for reading in readings if reading.state is AlarmState.ALARM}
    if not any(r.arn in firing and r.state is AlarmState.ALARM for r in promotion.baseline):
        return None
    lagging = tuple(r for r in _find_lagging(pipeline, promotion, find_left(pipeline, promotion)) if r.arn in firing)
    phase = _measure(pipeline, promotion, lagging)[-1]
    return (lagging, phase.reason) if phase.verdict is Verdict.FAILED else None


def find_left(pipeline: Pipeline, rollback: Promotion) -> Promotion | None:
    """Find the promotion that a rollback left: the newest one asked for before it whose code served."""
    standing = pipeline.ledger.standing(rollback.environment)
    return next((p for p in standing if p.code_changed and p.requested_at < rollback.requested_at), None)


def _find_lagging(pipeline: Pipeline, rollback: Promotion, left: Promotion | None) -> tuple[AlarmReading, ...]:
    rules = pipeline.settings.environment(rollback.environment).alarm_rules()
    return find_lagging(rollback.baseline, left.baseline if left is not None else (), rules)


def _measure(pipeline: Pipeline, rollback: Promotion, lagging: tuple[AlarmReading, ...]) -> tuple[Phase, ...]:
    now = pipeline.clock.now()
    since = measured_from(_deployed_at(rollback, now))
    try:
        metrics = pipeline.site(rollback.environment).cloud.alarm_metrics(lagging, since, now) if lagging else ()
    except ReleaseError as error:
        return (Phase(METRICS, Verdict.UNKNOWN, f"not read: {error}"),)
    return judge_recovery((), len(lagging), metrics)


def _deployed_at(rollback: Promotion, now: datetime) -> datetime:
    return rollback.deployed_at or rollback.deploy_started_at or now
