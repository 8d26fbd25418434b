"""What every gate is as an asset, and the gates that are about a release alone: quality, launch readiness, monitor."""

from collections.abc import Callable

import dagster as dg

from assets.evidence import Metadata, gate_check, gate_metadata, told_plainly
from assets.requests import ENVIRONMENT_TAG, RELEASES
from namecard_release.domain.gates import GateResult
from namecard_release.gate_settings import GatePhase
from namecard_release.ports import LineSink
from namecard_release.workflow.gating import RELEASE_GATES, run_gate
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.sources import Source, ready_source
from namecard_release.workflow.waiving import look_with_waivers

# Runs a gate over a ready source in a run; gives its result and what to show beside it.
GateStep = Callable[[Pipeline, Source, str, LineSink], tuple[GateResult, Metadata]]

_TOLD = {
    "quality": "Lint, type check, tests and builds of the whole workspace (runbook section 3).",
    "launch_readiness": "Budgets, checklist and monitoring guidance (runbook section 3, launch:verify).",
    "synthetic_monitor": "The synthetic monitor that runs before every deployment (runbook section 2).",
}


def build_gate(key: dg.AssetKey, group: str, kind: str, description: str, step: GateStep) -> dg.AssetsDefinition:
    """Build a gate's asset, with a blocking check of the same name that carries its evidence."""

    @dg.asset(
        key=key,
        description=description,
        partitions_def=RELEASES,
        group_name=group,
        kinds={kind},
        deps=["source"],
        check_specs=[dg.AssetCheckSpec(key.path[-1], asset=key, blocking=True)],
    )
    def _gate(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        with told_plainly():
            ready = ready_source(pipeline, context.partition_key, context.log.debug)
            result, shown = step(pipeline, ready, context.run.run_id, context.log.debug)
            place = result.environment or context.run.tags.get(ENVIRONMENT_TAG)
            now = pipeline.clock.now()
            (result,) = look_with_waivers(pipeline.settings, pipeline.ledger, (result,), place, now)
        return dg.MaterializeResult(metadata=gate_metadata(result) | shown, check_results=[gate_check(result)])

    return _gate


def build_release_gates() -> list[dg.AssetsDefinition]:
    """Build one asset per release gate."""
    return [build_gate(dg.AssetKey(g), "release", "nodejs", _TOLD[g], _command_step(g)) for g in RELEASE_GATES]


def _command_step(gate: str) -> GateStep:
    def _step(pipeline: Pipeline, source: Source, run_id: str, on_line: LineSink) -> tuple[GateResult, Metadata]:
        phases: tuple[GatePhase, ...] = getattr(pipeline.settings.gates, gate)
        return run_gate(pipeline, gate, source, phases, run_id, on_line), {}

    return _step
