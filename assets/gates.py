"""The gates that are about a release alone: quality, launch readiness, synthetic monitor."""

import dagster as dg

from assets.evidence import gate_check, gate_metadata, told_plainly
from assets.requests import RELEASES
from namecard_release.settings import GatePhase, Settings
from namecard_release.workflow.gating import RELEASE_GATES, run_gate
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.sources import ready_source

_TOLD = {
    "quality": "Lint, type check, tests and builds of the whole workspace (runbook section 3).",
    "launch_readiness": "Budgets, checklist and monitoring guidance (runbook section 3, launch:verify).",
    "synthetic_monitor": "The synthetic monitor that runs before every deployment (runbook section 2).",
}


def build_release_gates() -> list[dg.AssetsDefinition]:
    """Build one asset per release gate, each with its blocking check of the same name."""
    return [_build_gate(gate) for gate in RELEASE_GATES]


def _build_gate(gate: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=gate,
        description=_TOLD[gate],
        partitions_def=RELEASES,
        group_name="release",
        kinds={"nodejs"},
        deps=["source"],
        check_specs=[dg.AssetCheckSpec(gate, asset=gate, blocking=True)],
    )
    def _gate(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        with told_plainly():
            ready = ready_source(pipeline, context.partition_key, context.log.debug)
            phases = _phases(pipeline.settings, gate)
            result = run_gate(pipeline, gate, ready, phases, context.run_id, context.log.debug)
        return dg.MaterializeResult(metadata=gate_metadata(result), check_results=[gate_check(result)])

    return _gate


def _phases(settings: Settings, gate: str) -> tuple[GatePhase, ...]:
    phases: tuple[GatePhase, ...] = getattr(settings.gates, gate)
    return phases
