"""The composition root: every definition of the code location, from one settings file."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from assets.assembly import build_assembly_asset, build_migration_plan
from assets.deployment import build_deployment
from assets.drift import build_drift
from assets.gates import build_release_gates
from assets.health import build_health
from assets.readiness import build_readiness
from assets.source import source
from jobs.dlq import DLQ_JOBS
from jobs.drift import build_drift_job
from jobs.incident_evidence import incident_evidence_job
from jobs.incidents import INCIDENT_JOBS
from jobs.people import PEOPLE_JOBS
from jobs.playbooks import PLAYBOOK_JOBS
from jobs.promote import build_promote_job
from jobs.readiness import build_readiness_job
from jobs.rollback import rollback_job
from jobs.rollback_plan import rollback_plan_job
from namecard_release.resources import PipelineResource
from namecard_release.settings import Settings, find_settings, load_settings
from namecard_release.workflow.pipeline import Pipeline
from sensors.acknowledgements import acknowledgement_sensor
from sensors.alarms import alarm_rollback_sensor
from sensors.approvals import build_approvals_sensor
from sensors.commits import commits_sensor
from sensors.deadlines import deadline_sensor
from sensors.dlq_schedules import build_drain_schedule
from sensors.incidents import incident_clock_sensor, incident_sensor
from sensors.outbox import outbox_sensor
from sensors.run_status import cancelled_run_sensor, failed_run_sensor
from sensors.schedules import drift_schedule, readiness_schedule
from sensors.silent_runs import silent_run_sensor


def build_defs(settings: Settings, pipeline: object, open_pipeline: Callable[[], Pipeline]) -> dg.Definitions:
    """Build the definitions for the settings' environments.

    `pipeline` is the resource that steps are given; `open_pipeline` gives the same to a run outside of its steps.
    """
    names = tuple(settings.environments)
    promoting = [build_promote_job(name, open_pipeline) for name in names]
    per_environment = [
        definition
        for name, environment in settings.environments.items()
        for definition in (
            build_migration_plan(name),
            build_assembly_asset(name),
            build_deployment(name, environment.requires),
            build_health(name),
            build_readiness(name),
            build_drift(name),
        )
    ]
    return dg.Definitions(
        assets=[source, *build_release_gates(), *per_environment],
        jobs=[
            *promoting,
            rollback_job,
            rollback_plan_job,
            build_readiness_job(names),
            build_drift_job(names),
            *PEOPLE_JOBS,
            *DLQ_JOBS,
            *INCIDENT_JOBS,
            *PLAYBOOK_JOBS,
            incident_evidence_job,
        ],
        sensors=[
            alarm_rollback_sensor,
            deadline_sensor,
            outbox_sensor,
            build_approvals_sensor(promoting),
            failed_run_sensor,
            cancelled_run_sensor,
            silent_run_sensor,
            commits_sensor,
            incident_sensor,
            incident_clock_sensor,
            acknowledgement_sensor,
        ],
        schedules=[readiness_schedule, drift_schedule, build_drain_schedule(settings.dead_letters)],
        resources={"pipeline": pipeline},
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Load the code location from the settings file that `find_settings` names."""
    path = find_settings(None).resolve()
    resource = PipelineResource(settings_file=str(path))
    return build_defs(load_settings(path), resource, resource.open)
