"""The drift job: every environment compared with the ledger in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

DRIFT_JOB = "drift_job"


def build_drift_job(environments: tuple[str, ...]) -> UnresolvedAssetJobDefinition:
    """Build the job that compares the environments with what the ledger says runs there."""
    return dg.define_asset_job(
        DRIFT_JOB,
        selection=dg.AssetSelection.assets(*[[name, "drift"] for name in environments]),
        executor_def=dg.in_process_executor,
        description="Compares code, aliases, templates, alarms, queue and dashboard with the ledger's release.",
    )
