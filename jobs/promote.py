"""One promotion job per environment, over the release's assets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from assets.requests import ENVIRONMENT_TAG, KIND_TAG
from namecard_release.domain.promotion import PromotionKind
from namecard_release.workflow.gating import RELEASE_GATES

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

# Gates run side by side, so each is a process; a fork server with these modules loaded starts one in a third of a
# second, where a fresh interpreter takes two (docs/adr/0006).
_PRELOAD = ["dagster", "sqlalchemy", "namecard_release.definitions", "namecard_release.adapters.git"]


def promote_job_name(environment: str) -> str:
    """Name an environment's promotion job."""
    return f"promote_{environment}_job"


def build_promote_job(environment: str) -> UnresolvedAssetJobDefinition:
    """Build the job that takes one release (its partition) through the gates into an environment."""
    own = [[environment, name] for name in ("migration_plan", "assembly", "deployment")]
    selection = dg.AssetSelection.assets("source", *RELEASE_GATES, *own)
    return dg.define_asset_job(
        promote_job_name(environment),
        selection=selection,
        tags={ENVIRONMENT_TAG: environment, KIND_TAG: str(PromotionKind.PROMOTION)},
        executor_def=dg.multiprocess_executor.configured(
            {"max_concurrent": 3, "start_method": {"forkserver": {"preload_modules": _PRELOAD}}}
        ),
        description=f"Gates, deploys and verifies a release in {environment}; the alarm sensor watches its bake.",
    )
