"""Incidents opened, joined and resolved by alarm state, and their clock. Each sensor only asks and tells."""

from concurrent.futures import ThreadPoolExecutor

import dagster as dg

from jobs.incident_evidence import evidence_request, incident_evidence_job
from namecard_release.time_limits import within
from namecard_release.workflow.incident_clock import tick_clock
from namecard_release.workflow.incident_evidence import want_evidence
from namecard_release.workflow.incidents import Look, look_for_incidents
from namecard_release.workflow.pipeline import Pipeline

# What was pushed meanwhile is taken up in the next tick: better a look that was given up than one that is waited for.
_LOOK_SECONDS = 8.0


@dg.sensor(
    name="incident_sensor",
    jobs=[incident_evidence_job],
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Opens one incident for each thing that is wrong, by alarms read and alarms pushed; ends what is over.",
)
def incident_sensor(
    context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.SensorResult | dg.SkipReason:
    """Look at every environment's alarms once, and ask for the evidence of what has none yet."""
    looks = _look(pipeline)
    for look in looks:
        if look.unread is not None:
            context.log.warning(f"{look.environment}: {look.unread}")
    told = "; ".join(text for look in looks for text in _lines(look)) or "nothing new"
    context.log.info(told)
    wanted = want_evidence(pipeline)
    if not wanted:
        return dg.SkipReason(told)
    # Asked for until it is there: whoever opened the incident may have died before it asked.
    return dg.SensorResult(run_requests=[evidence_request(one.id) for one in wanted])


def _look(pipeline: Pipeline) -> list[Look]:
    """Look at all environments at once: one whose CloudWatch is slow delays no other."""

    def look(name: str) -> Look:
        with within(_LOOK_SECONDS):
            return look_for_incidents(pipeline, name)

    names = tuple(pipeline.settings.environments)
    with ThreadPoolExecutor(max(1, len(names)), thread_name_prefix="incidents") as pool:
        return list(pool.map(look, names))


def _lines(look: Look) -> list[str]:
    unread = [f"{look.environment}: alarms unknown: {look.unread}"] if look.unread is not None else []
    return [*look.done, *unread]


@dg.sensor(
    name="incident_clock_sensor",
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Queues what falls due of incidents: pages, escalations, statuses, summaries, retrospectives.",
)
def incident_clock_sensor(pipeline: dg.ResourceParam[Pipeline]) -> dg.SkipReason:
    """Queue what fell due by now."""
    return dg.SkipReason("; ".join(tick_clock(pipeline)) or "nothing is due")
