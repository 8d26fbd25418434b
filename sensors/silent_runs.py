"""Runs whose process is gone without anybody having seen it die: marked as failed, so that they are resumed."""

import dagster as dg

from namecard_release.workflow.beating import SILENT_SECONDS, find_dead_runs
from namecard_release.workflow.pipeline import Pipeline


@dg.sensor(
    name="silent_run_sensor",
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks the run of a promotion as failed when it gives no sign of life any more, so that it is resumed.",
)
def silent_run_sensor(context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.SkipReason:
    """Look once; what the failed run leaves is `failed_run_sensor`'s and Dagster's own retries'."""
    why = f"the run's process gave no sign of life for {SILENT_SECONDS:.0f} s: it died with its machine or code server"
    ended = []
    for promotion in find_dead_runs(pipeline):
        run = context.instance.get_run_by_id(promotion.run_id)
        if run is not None and not run.is_finished:
            context.instance.report_run_failed(run, why)
            ended.append(f"run {run.run_id[:8]} of {promotion.id}: {why}")
    return dg.SkipReason("; ".join(ended) or "every run under way gives signs of life")
