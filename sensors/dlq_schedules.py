"""The scheduled drain of dead letters."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from jobs.dlq import DRAIN_JOB, DRAIN_OP
from namecard_release.dlq_settings import DeadLetters

DRAIN_SCHEDULE = "dlq_drain_schedule"


def build_drain_schedule(settings: DeadLetters) -> dg.ScheduleDefinition:
    """Build the schedule that drains the settings' environments; it runs by itself when they name any."""
    running = bool(settings.drain_environments)

    @dg.schedule(
        name=DRAIN_SCHEDULE,
        job_name=DRAIN_JOB,
        cron_schedule=settings.drain_cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED,
        description="Drains the dead letters of the environments that the settings name.",
    )
    def _schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        if not running:
            yield dg.SkipReason("dead_letters.drain_environments names no environment")
        for name in settings.drain_environments:
            yield dg.RunRequest(run_key=f"{name} {context.scheduled_execution_time}", run_config=_config(name))

    def _config(name: str) -> dict[str, object]:
        config = {"environment": name, "limit": settings.drain_limit, "plan_only": False}
        config |= {"reason": "the scheduled drain", "actor": DRAIN_SCHEDULE}
        return {"ops": {DRAIN_OP: {"config": config}}}

    return _schedule
