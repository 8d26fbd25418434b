"""An environment's readiness, checked on a schedule: stacks, alarms, ledger, probes."""

import dagster as dg

from assets.evidence import phase_check, phase_table, told_plainly
from namecard_release.domain.gates import combine_phases
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.readying import check_readiness


def build_readiness(environment: str) -> dg.AssetsDefinition:
    """Build the asset of an environment's readiness with its check."""
    key = dg.AssetKey([environment, "readiness"])

    @dg.asset(
        key=key,
        group_name=environment,
        kinds={"cloudwatch"},
        check_specs=[dg.AssetCheckSpec("ready", asset=key)],
    )
    def readiness(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        """Whether this environment is fit to take a release now; unread is neither fit nor unfit."""
        with told_plainly():
            phases = check_readiness(pipeline, environment)
        verdict, reason = combine_phases(phases)
        metadata = {
            "verdict": dg.MetadataValue.text(str(verdict)),
            "reason": dg.MetadataValue.text(reason),
            "signals": phase_table(phases),
        }
        return dg.MaterializeResult(metadata=metadata, check_results=[phase_check("ready", phases)])

    return readiness
