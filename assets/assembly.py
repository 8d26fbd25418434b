"""What a release means for one environment before any deploy: its migration plan and its assembly."""

import dagster as dg

from assets.evidence import Metadata, gate_check, gate_metadata, name_table, told_plainly
from assets.requests import RELEASES
from namecard_release.workflow.assembling import build_assembly
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.planning import PlannedMigrations, plan_release
from namecard_release.workflow.sources import ready_source


def build_migration_plan(environment: str) -> dg.AssetsDefinition:
    """Build the asset of an environment's migration plan with its blocking check."""
    key = dg.AssetKey([environment, "migration_plan"])

    @dg.asset(
        key=key,
        partitions_def=RELEASES,
        group_name=environment,
        kinds={"postgresql"},
        deps=["source"],
        check_specs=[dg.AssetCheckSpec("migration_plan", asset=key, blocking=True)],
    )
    def migration_plan(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        """The release's migrations against this environment's ledger, and a trial of what is pending."""
        with told_plainly():
            ready = ready_source(pipeline, context.partition_key, context.log.debug)
            planned = plan_release(pipeline, environment, ready, context.run_id, context.log.debug)
        metadata = gate_metadata(planned.result) | _describe_plan(planned)
        return dg.MaterializeResult(metadata=metadata, check_results=[gate_check(planned.result)])

    return migration_plan


def _describe_plan(planned: PlannedMigrations) -> Metadata:
    if planned.plan is None:
        return {}
    plan = planned.plan
    return {
        "pending migrations": name_table("migration", plan.pending, "pending"),
        "applied migrations": name_table("migration", plan.applied, "applied"),
        "does not fit": name_table("migration", (*plan.mismatched, *plan.unexpected, *plan.misnamed), "refused"),
    }


def build_assembly_asset(environment: str) -> dg.AssetsDefinition:
    """Build the asset of an environment's assembly with its blocking check."""
    key = dg.AssetKey([environment, "assembly"])

    @dg.asset(
        key=key,
        partitions_def=RELEASES,
        group_name=environment,
        kinds={"cloudformation"},
        deps=["source"],
        check_specs=[dg.AssetCheckSpec("assembly", asset=key, blocking=True)],
    )
    def assembly(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        """The release built and synthesised once for this environment, kept by its content."""
        with told_plainly():
            ready = ready_source(pipeline, context.partition_key, context.log.debug)
            built = build_assembly(pipeline, environment, ready, context.run_id, context.log.debug)
        metadata = gate_metadata(built.result) | {"reused": dg.MetadataValue.bool(built.reused)}
        if built.assembly is not None:
            metadata["stacks"] = dg.MetadataValue.text(", ".join(built.assembly.stacks))
        return dg.MaterializeResult(metadata=metadata, check_results=[gate_check(built.result)])

    return assembly
