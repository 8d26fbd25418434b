"""An environment's drift, checked on a schedule: what runs beside what the ledger says."""

import dagster as dg

from assets.evidence import phase_check, phase_table, told_plainly
from namecard_release.domain.gates import combine_phases
from namecard_release.workflow.drifting import check_drift
from namecard_release.workflow.pipeline import Pipeline


def build_drift(environment: str) -> dg.AssetsDefinition:
    """Build the asset of an environment's drift with its check."""
    key = dg.AssetKey([environment, "drift"])

    @dg.asset(
        key=key,
        group_name=environment,
        kinds={"cloudformation"},
        check_specs=[dg.AssetCheckSpec("in_sync", asset=key)],
    )
    def drift(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        """Whether this environment is as the ledger's release left it; unread is neither."""
        with told_plainly():
            report = check_drift(pipeline, environment)
        verdict, reason = combine_phases(report.phases)
        metadata = {
            "verdict": dg.MetadataValue.text(str(verdict)),
            "reason": dg.MetadataValue.text(reason),
            "release": dg.MetadataValue.text(report.release or "none"),
            "promotion": dg.MetadataValue.text(report.promotion or "none"),
            "compared": phase_table(report.phases),
        }
        return dg.MaterializeResult(metadata=metadata, check_results=[phase_check("in_sync", report.phases)])

    return drift
