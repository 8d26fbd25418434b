"""One environment's deployment of a release: admitted, deployed, verified, probed, then left to bake."""

import dagster as dg

from assets.evidence import Metadata, phase_check, phase_table, told_plainly
from assets.links import console_links
from assets.requests import RELEASES, opened_promotion
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.gates import Phase
from namecard_release.domain.promotion import Promotion
from namecard_release.domain.release import short
from namecard_release.workflow.deploying import deploy_release, find_assembly
from namecard_release.workflow.leasing import hold_lease
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.promoting import admit_promotion
from namecard_release.workflow.verifying import Deployment, conclude_deployment, verify_release
from namecard_release.workflow.watching import Fallback, find_fallback


def build_deployment(environment: str, requires: tuple[str, ...]) -> dg.AssetsDefinition:
    """Build the asset of an environment's deployment; `requires` are the environments a release comes through."""
    key = dg.AssetKey([environment, "deployment"])
    gates = ["quality", "launch_readiness", "synthetic_monitor"]
    own = [dg.AssetKey([environment, name]) for name in ("migration_plan", "assembly")]
    before = [dg.AssetKey([name, "health"]) for name in requires]

    @dg.asset(
        key=key,
        partitions_def=RELEASES,
        group_name=environment,
        kinds={"aws", "cloudformation"},
        deps=[*gates, *own, *before],
        check_specs=[
            dg.AssetCheckSpec("verified", asset=key, blocking=True),
            dg.AssetCheckSpec("probes", asset=key, blocking=True),
        ],
    )
    def deployment(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        """The release running in this environment: deployed from its assembly, compared with what is really there."""
        with told_plainly():
            promotion = admit_promotion(pipeline, opened_promotion(context, pipeline, environment))
            assembly = find_assembly(pipeline, promotion, environment)
            fallback = find_fallback(pipeline, promotion)
            context.log.info(describe_fallback(fallback))
            with hold_lease(pipeline, environment, promotion.id) as heartbeat:
                promotion, phase = deploy_release(pipeline, promotion, assembly, heartbeat, context.log.debug)
                files = pipeline.repository.migration_files(promotion.release)
                deployed = verify_release(pipeline, promotion, assembly, files)
                shown = describe_deployment(promotion, assembly, deployed, phase)
                with told_plainly(shown):
                    promotion = conclude_deployment(pipeline, deployed, context.run.run_id)
        shown |= describe_bake(promotion, fallback) | console_links(pipeline.settings, environment)
        return dg.MaterializeResult(metadata=shown, check_results=deployment_checks(deployed))

    return deployment


def deployment_checks(deployed: Deployment) -> list[dg.AssetCheckResult]:
    """Show verification and probes as the deployment's two checks."""
    return [phase_check("verified", deployed.verification), phase_check("probes", deployed.probes)]


def describe_fallback(fallback: Fallback) -> str:
    """Say before a deploy what a rollback would mean."""
    if fallback.last_good is None:
        return "if this goes wrong there is no verified release to roll back to"
    target, safety = fallback.last_good, fallback.safety
    return f"if this goes wrong, rollback to {short(target.release)} is {safety.safety}: {safety.reason}"


def describe_deployment(
    promotion: Promotion, assembly: Assembly, deployed: Deployment, phase: Phase | None
) -> Metadata:
    """Show a deployment as metadata."""
    waived: Metadata = {"waived": dg.MetadataValue.text("; ".join(promotion.waived))} if promotion.waived else {}
    return waived | {
        "promotion": dg.MetadataValue.text(promotion.id),
        "actor": dg.MetadataValue.text(promotion.actor),
        "assembly": dg.MetadataValue.text(assembly.digest),
        "schema": dg.MetadataValue.text(deployed.schema or "no migration applied"),
        "address": dg.MetadataValue.url(deployed.base_url),
        "deploy": phase_table([phase]) if phase else dg.MetadataValue.text("found deployed by an earlier run"),
        "verification": phase_table(deployed.verification),
        "service probes": phase_table(deployed.probes),
    }


def describe_bake(promotion: Promotion, fallback: Fallback) -> Metadata:
    """Show until when a promotion bakes and what a rollback of it would mean."""
    shown: Metadata = {
        "phase": dg.MetadataValue.text(str(promotion.phase)),
        "rollback": dg.MetadataValue.text(describe_fallback(fallback)),
    }
    if promotion.bake_until is not None:
        shown["bake_until"] = dg.MetadataValue.timestamp(promotion.bake_until)
    return shown
