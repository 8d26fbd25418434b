"""The readiness job: every environment's readiness in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

READINESS_JOB = "readiness_job"


def build_readiness_job(environments: tuple[str, ...]) -> UnresolvedAssetJobDefinition:
    """Build the job that checks the readiness of the environments."""
    return dg.define_asset_job(
        READINESS_JOB,
        selection=dg.AssetSelection.assets(*[[name, "readiness"] for name in environments]),
        executor_def=dg.in_process_executor,
        description="Checks stacks, alarms, schema and services of every environment.",
    )
