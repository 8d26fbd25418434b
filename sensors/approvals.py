"""The approvals sensor: the one place that continues, or ends, a promotion that waits for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from assets.requests import ACTOR_TAG, CONTINUES_TAG, PROMOTION_TAG, REASON_TAG
from jobs.promote import promote_job_name
from namecard_release.domain.promotion import Promotion
from namecard_release.domain.release import short
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.promoting import root_of_promotion
from namecard_release.workflow.waiting import Waiting, look_at_waiting

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

SENSOR_NAME = "approvals_sensor"


def build_approvals_sensor(jobs: Sequence[UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """Build the sensor over the promotion jobs."""

    @dg.sensor(
        name=SENSOR_NAME,
        jobs=jobs,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Continues a promotion when the last approval that it waits for arrives; ends one that expired.",
    )
    def approvals_sensor(pipeline: dg.ResourceParam[Pipeline]) -> dg.SensorResult | dg.SkipReason:
        """Look at all that waits and launch what may go on."""
        waiting = look_at_waiting(pipeline)
        ready = [continue_request(one.promotion) for one in waiting if one.reason is None]
        if not ready:
            return dg.SkipReason("; ".join(_line(one) for one in waiting) or "no promotion waits for people")
        return dg.SensorResult(run_requests=ready)

    return approvals_sensor


def continue_request(promotion: Promotion) -> dg.RunRequest:
    """Ask for a run that goes on with a promotion, once for each time that it waited."""
    return dg.RunRequest(
        run_key=f"continue-{promotion.id}-{promotion.run_id}",
        job_name=promote_job_name(promotion.environment),
        partition_key=promotion.release,
        tags={
            CONTINUES_TAG: root_of_promotion(promotion.id),
            PROMOTION_TAG: promotion.id,
            ACTOR_TAG: promotion.actor,
            REASON_TAG: promotion.reason,
        },
    )


def _line(one: Waiting) -> str:
    promotion = one.promotion
    return f"{promotion.environment} {short(promotion.release)}: {one.reason}, until {one.until:%Y-%m-%d %H:%M} UTC"
