"""Acknowledgements made in PagerDuty, taken over into the ledger: from there on nothing pages."""

import time

import dagster as dg

from namecard_release.workflow.acknowledging import take_acknowledgements
from namecard_release.workflow.pipeline import Pipeline

# A tick must end well before Dagster gives it up (60 s), also when its last question runs into a time-out (20 s).
_ROUND_SECONDS = 25.0


@dg.sensor(
    name="acknowledgement_sensor",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes over who acknowledged an incident in PagerDuty, so that its clock pages nobody any more.",
)
def acknowledgement_sensor(context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.SkipReason:
    """Ask about what nobody has taken; the cursor is where the last round had to stop."""
    end = time.monotonic() + _ROUND_SECONDS
    asked = take_acknowledgements(pipeline, context.cursor or None, lambda: time.monotonic() > end)
    context.update_cursor(asked.stopped_at or "")
    if asked.unread is not None:
        context.log.warning(asked.unread)
    unread = [f"acknowledgements unknown: {asked.unread}"] if asked.unread is not None else []
    return dg.SkipReason("; ".join([*asked.done, *unread]) or "nobody has acknowledged anything")
