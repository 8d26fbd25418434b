"""What a release means for one environment before any deploy: its migration plan and its assembly."""

import dagster as dg

from assets.evidence import Metadata, name_table, phase_table
from assets.gates import build_gate
from namecard_release.domain.gates import GateResult
from namecard_release.ports import LineSink
from namecard_release.workflow.ahead import synthesise_ahead
from namecard_release.workflow.assembling import build_assembly
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.planning import PlannedMigrations, plan_release
from namecard_release.workflow.sources import Source


def build_migration_plan(environment: str) -> dg.AssetsDefinition:
    """Build the gate of an environment's migration plan."""

    def _step(pipeline: Pipeline, source: Source, run_id: str, on_line: LineSink) -> tuple[GateResult, Metadata]:
        planned = plan_release(pipeline, environment, source, run_id, on_line)
        return planned.result, _describe_plan(planned)

    told = "The release's migrations against this environment's ledger, and a trial of what is pending."
    return build_gate(dg.AssetKey([environment, "migration_plan"]), environment, "postgresql", told, _step)


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
    """Build the gate of an environment's assembly."""

    def _step(pipeline: Pipeline, source: Source, run_id: str, on_line: LineSink) -> tuple[GateResult, Metadata]:
        built = build_assembly(pipeline, environment, source, run_id, on_line)
        if built.assembly is None:
            return built.result, {}
        shown: Metadata = {"stacks": dg.MetadataValue.text(", ".join(built.assembly.stacks))}
        ahead = synthesise_ahead(pipeline, environment, source, run_id, on_line)
        if ahead:
            shown["synthesised ahead"] = phase_table(ahead)
        return built.result, shown

    told = "The release built and synthesised once for this environment, kept by its content."
    return build_gate(dg.AssetKey([environment, "assembly"]), environment, "cloudformation", told, _step)
