"""One environment's deployment of a release: admitted, deployed, verified, probed, then left to bake."""

from collections.abc import Iterator

import dagster as dg

from assets.evidence import (
    Metadata,
    failure_table,
    log_tail,
    name_table,
    phase_check,
    phase_table,
    reason_table,
    roll_forward_steps,
    told_plainly,
)
from assets.links import console_links
from assets.requests import RELEASES, opened_promotion
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.gates import Phase
from namecard_release.domain.promotion import Promotion
from namecard_release.workflow.deploying import deploy_release, find_assembly
from namecard_release.workflow.drifting import refuse_drift
from namecard_release.workflow.foretelling import describe_fallback, foretell_rollback
from namecard_release.workflow.leasing import hold_lease
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.promoting import admit_promotion, is_settled, refuse_closed_entry
from namecard_release.workflow.scenarios import run_scenarios
from namecard_release.workflow.verifying import Deployment, conclude_deployment, verify_release
from namecard_release.workflow.waiting import refuse_unapproved
from namecard_release.workflow.watching import Fallback

Shown = dg.AssetObservation | dg.MaterializeResult


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
    def deployment(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> Iterator[Shown]:
        """The release running in this environment: deployed from its assembly, compared with what is really there."""
        with told_plainly():
            promotion = admit_promotion(pipeline, opened_promotion(context, pipeline, environment))
            assembly = find_assembly(pipeline, promotion, environment)
            files = pipeline.repository.migration_files(promotion.release)
            if is_settled(promotion):
                yield _found_settled(verify_release(pipeline, promotion, assembly, files), assembly)
                return
            with hold_lease(pipeline, environment, promotion.id, on_line=context.log.info) as heartbeat:
                held = heartbeat.pipeline
                # What was true before the wait may not be any more: what came before changed the environment.
                refuse_closed_entry(held, promotion)
                refuse_unapproved(held, promotion)
                refuse_drift(held, promotion)
                fallback = foretell_rollback(held, promotion, context.run.run_id, context.log.debug)
                told = describe_fallback(fallback)
                context.log.info(told)
                yield _observation(key, promotion, fallback, told)
                promotion, phase = deploy_release(held, promotion, assembly, heartbeat, context.log.debug, note=told)
                deployed = verify_release(held, promotion, assembly, files)
                deployed = run_scenarios(held, deployed, context.log.debug)
                shown = describe_deployment(promotion, assembly, deployed, phase)
                with told_plainly(shown):
                    promotion = conclude_deployment(held, deployed, context.run.run_id)
        shown |= describe_bake(promotion, fallback) | console_links(pipeline.settings, environment)
        yield dg.MaterializeResult(metadata=shown, check_results=deployment_checks(deployed))

    return deployment


def deployment_checks(deployed: Deployment) -> list[dg.AssetCheckResult]:
    """Show verification (the API scenarios with it) and probes as the deployment's two checks."""
    verified = (*deployed.verification, *deployed.scenarios)
    return [phase_check("verified", verified), phase_check("probes", deployed.probes)]


def _found_settled(deployed: Deployment, assembly: Assembly) -> dg.MaterializeResult:
    # A run that was killed after its last write: nothing is left to do, and nothing that was decided is touched.
    shown = describe_deployment(deployed.promotion, assembly, deployed, None)
    return dg.MaterializeResult(metadata=shown, check_results=deployment_checks(deployed))


def _observation(key: dg.AssetKey, promotion: Promotion, fallback: Fallback, told: str) -> dg.AssetObservation:
    # Yielded, since what is logged by the context is lost with a step that fails.
    shown = describe_verdict(fallback)
    return dg.AssetObservation(key, description=told, metadata=shown, partition=promotion.release)


def describe_verdict(fallback: Fallback) -> Metadata:
    """Show what a rollback would mean: the verdict, its statements, the rehearsal, and what to do instead."""
    safety = fallback.safety
    shown: Metadata = {"rollback": dg.MetadataValue.text(describe_fallback(fallback))}
    if fallback.last_good is not None:
        shown["rollback verdict"] = dg.MetadataValue.text(str(safety.safety))
        shown["migrations between"] = name_table("migration", safety.between, "between")
    if safety.reasons:
        shown["rollback reasons"] = reason_table(safety.reasons)
    if fallback.rehearsal is not None:
        shown["rehearsal"] = phase_table(fallback.rehearsal.phases)
        shown["rehearsal log"] = log_tail(fallback.rehearsal.phases)
    if safety.roll_forward is not None:
        shown["roll forward"] = roll_forward_steps(safety.roll_forward)
    return shown


def describe_deployment(
    promotion: Promotion, assembly: Assembly, deployed: Deployment, phase: Phase | None
) -> Metadata:
    """Show a deployment as metadata."""
    scenarios: Metadata = {"api scenarios": phase_table(deployed.scenarios)} if deployed.scenarios else {}
    waived: Metadata = {"waived": dg.MetadataValue.text("; ".join(promotion.waived))} if promotion.waived else {}
    return (
        waived
        | scenarios
        | failure_table(deployed.scenarios)
        | {
            "promotion": dg.MetadataValue.text(promotion.id),
            "actor": dg.MetadataValue.text(promotion.actor),
            "assembly": dg.MetadataValue.text(assembly.digest),
            "schema": dg.MetadataValue.text(deployed.schema or "no migration applied"),
            "address": dg.MetadataValue.url(deployed.base_url),
            "deploy": phase_table([phase]) if phase else dg.MetadataValue.text("found deployed by an earlier run"),
            "verification": phase_table(deployed.verification),
            "service probes": phase_table(deployed.probes),
        }
    )


def describe_bake(promotion: Promotion, fallback: Fallback) -> Metadata:
    """Show until when a promotion bakes and what a rollback of it would mean."""
    shown: Metadata = {"phase": dg.MetadataValue.text(str(promotion.phase)), **describe_verdict(fallback)}
    if promotion.bake_until is not None:
        shown["bake_until"] = dg.MetadataValue.timestamp(promotion.bake_until)
    return shown
