"""Commits of the platform made known as releases, so that a person can pick one in the UI."""

import dagster as dg

from assets.requests import RELEASES
from namecard_release.errors import TransientError
from namecard_release.workflow.pipeline import Pipeline


@dg.sensor(
    name="commits_sensor",
    asset_selection=dg.AssetSelection.assets("source"),
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Adds the commits at the tips of the platform's branches and tags as releases.",
)
def commits_sensor(
    context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.SensorResult | dg.SkipReason:
    """Add every tip that is not known yet."""
    try:
        heads = pipeline.repository.heads()
    except TransientError as error:
        return dg.SkipReason(str(error))
    known = set(context.instance.get_dynamic_partitions("releases"))
    fresh = [release.sha for release in reversed(heads) if release.sha not in known]
    if not fresh:
        return dg.SkipReason(f"{len(heads)} tips, all known")
    return dg.SensorResult(dynamic_partitions_requests=[RELEASES.build_add_request(fresh)])
