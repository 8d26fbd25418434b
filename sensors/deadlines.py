"""Promotions past a deadline: held with the reason, their runs ended. A bake's end is the alarm sensor's."""

import dagster as dg

from namecard_release.domain.deadlines import Overdue
from namecard_release.workflow.overdue import end_overdue
from namecard_release.workflow.pipeline import Pipeline


@dg.sensor(
    name="deadline_sensor",
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Holds a promotion that makes no progress for longer than its environment allows, and ends its run.",
)
def deadline_sensor(context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.SkipReason:
    """Look once; the runs of overdue promotions are stopped, the ledger tells why."""
    ended = end_overdue(pipeline)
    for one in ended:
        _stop_run(context.instance, one)
    told = "; ".join(f"{one.promotion.id}: {one.reason}" for one in ended)
    return dg.SkipReason(told or "nothing is overdue")


def _stop_run(instance: dg.DagsterInstance, overdue: Overdue) -> None:
    run = instance.get_run_by_id(overdue.promotion.run_id) if overdue.promotion.run_id else None
    if run is not None and not run.is_finished:
        instance.run_launcher.terminate(run.run_id)
