"""The ledger kept true when a run fails, is killed or is cancelled."""

import dagster as dg

from assets.requests import CONTINUES_TAG, ENVIRONMENT_TAG, KIND_TAG, root_of
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.promoting import close_failed_run, is_promotion_of

# Dagster's words for a run whose process it found dead; they tell nobody what happened.
_FOUND_DEAD = "This run has been marked as failed from outside the execution context."
_DIED = "the run's process ended without a word: it was killed, or its machine had no memory left"


@dg.run_failure_sensor(
    name="failed_run_sensor",
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends the promotion of a run that failed or was killed, with the reason.",
)
def failed_run_sensor(context: dg.RunFailureSensorContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.SkipReason:
    """Mark the run's promotion FAILED unless the ledger already tells its end."""
    steps = [event for event in context.get_step_failure_events() if event.step_failure_data.error is not None]
    words = [str(event.step_failure_data.error.message).strip() for event in steps if event.step_failure_data.error]
    why = "; ".join(words) or _tell_death(context.failure_event.message)
    return _close(pipeline, context.dagster_run, PromotionPhase.FAILED, why.splitlines()[0][:500])


@dg.run_status_sensor(
    name="cancelled_run_sensor",
    run_status=dg.DagsterRunStatus.CANCELED,
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends the promotion of a run that a person cancelled.",
)
def cancelled_run_sensor(context: dg.RunStatusSensorContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.SkipReason:
    """Mark the run's promotion ABORTED unless the ledger already tells its end."""
    return _close(pipeline, context.dagster_run, PromotionPhase.ABORTED, "the run was cancelled")


def _tell_death(message: str | None) -> str:
    return message if message and message != _FOUND_DEAD else _DIED


def _close(pipeline: Pipeline, run: dg.DagsterRun, phase: PromotionPhase, why: str) -> dg.SkipReason:
    if KIND_TAG not in run.tags:
        return dg.SkipReason(f"run {run.run_id[:8]} changes no environment")
    environment = run.tags.get(ENVIRONMENT_TAG)
    continues = CONTINUES_TAG in run.tags
    known = pipeline.ledger.history() if environment is None else pipeline.ledger.standing(environment)
    own = [p for p in known if is_promotion_of(p.id, root_of(run))]
    closed = [p.id for p in own if close_failed_run(pipeline, p.id, run.run_id, phase, why, continues=continues)]
    told = f"{', '.join(closed)} {phase}: {why}" if closed else f"nothing to do for run {run.run_id[:8]}"
    return dg.SkipReason(told)
