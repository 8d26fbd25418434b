"""One promotion job per environment, over the release's assets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import dagster as dg

from assets.requests import ENVIRONMENT_TAG, KIND_TAG
from jobs.executing import build_executor
from namecard_release.domain.promotion import PromotionKind
from namecard_release.workflow.gating import RELEASE_GATES
from namecard_release.workflow.pipeline import Pipeline

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def promote_job_name(environment: str) -> str:
    """Name an environment's promotion job."""
    return f"promote_{environment}_job"


def build_promote_job(environment: str, open_pipeline: Callable[[], Pipeline]) -> UnresolvedAssetJobDefinition:
    """Build the job that takes one release (its partition) through the gates into an environment.

    `open_pipeline` gives the pipeline to the run itself, before any step has one.
    """
    own = [[environment, name] for name in ("migration_plan", "assembly", "deployment")]
    selection = dg.AssetSelection.assets("source", *RELEASE_GATES, *own)
    return dg.define_asset_job(
        promote_job_name(environment),
        selection=selection,
        tags={ENVIRONMENT_TAG: environment, KIND_TAG: str(PromotionKind.PROMOTION)},
        executor_def=build_executor(environment, open_pipeline),
        description=f"Gates, deploys and verifies a release in {environment}; the alarm sensor watches its bake.",
    )
