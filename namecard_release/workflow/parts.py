"""A part of a gate that is remembered on its own, because it depends on less than the gate does."""

from __future__ import annotations

from collections.abc import Sequence

from namecard_release.domain.gates import GateResult, Phase, Verdict
from namecard_release.gate_settings import GatePhase
from namecard_release.ports import LineSink
from namecard_release.workflow.gating import conclude, run_phases
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.remembering import command_inputs, recall
from namecard_release.workflow.sources import Source

# The platform's lint of migrations looks at the tree alone, the migration plan at a target as well.
MIGRATION_LINT = "migration_lint"


def remember_phases(
    pipeline: Pipeline, part: str, source: Source, phases: Sequence[GatePhase], run_id: str, on_line: LineSink
) -> tuple[Phase, ...]:
    """Run phases that are only a part of a gate, unless an earlier run of them stands; only what passed is kept.

    What did not pass is the gate's to tell.
    """
    if not phases:
        return ()
    started = pipeline.clock.now()
    memory = recall(pipeline, part, source.release.sha, command_inputs(pipeline, part, source, phases), run_id)
    if memory.result is not None:
        return tuple(_as_told(phase, memory.result) for phase in memory.result.phases)
    done = run_phases(pipeline, source, phases, on_line)
    if all(phase.verdict is Verdict.PASSED for phase in done):
        evidence = {"tree": source.release.tree, **memory.evidence}
        conclude(pipeline, part, source.release.sha, done, started, run_id, evidence)
    return done


def _as_told(phase: Phase, result: GateResult) -> Phase:
    # Without its seconds: it took none in this run.
    return Phase(phase.name, phase.verdict, f"{phase.reason}, {result.reason.partition(':')[0]}", None, phase.tail)
