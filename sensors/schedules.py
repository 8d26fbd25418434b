"""What happens by the clock."""

from __future__ import annotations

import dagster as dg

from jobs.drift import DRIFT_JOB
from jobs.readiness import READINESS_JOB

readiness_schedule = dg.ScheduleDefinition(
    name="readiness_schedule",
    job_name=READINESS_JOB,
    cron_schedule="*/15 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Checks every environment's readiness four times an hour.",
)

drift_schedule = dg.ScheduleDefinition(
    name="drift_schedule",
    job_name=DRIFT_JOB,
    cron_schedule="7 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Compares every environment with the ledger once an hour.",
)
