"""Gates run and recorded. What a verdict means is the domain's; how a gate looks in the UI is the assets'."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from namecard_release.domain.gates import GateResult, Phase, Verdict, combine_phases
from namecard_release.domain.rehearsal import REHEARSAL_GATE
from namecard_release.gate_settings import GatePhase
from namecard_release.ports import LineSink
from namecard_release.workflow.checks import bench_of, read_gate, run_in_order
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.remembering import command_inputs, recall
from namecard_release.workflow.sources import Source

RELEASE_GATES = ("quality", "launch_readiness", "synthetic_monitor")
ENVIRONMENT_GATES = ("migration_plan", "assembly")
# Told for people and for the watch; they admit and refuse no release.
VERDICT_GATE = "rollback_verdict"
INFORMATIVE_GATES = (VERDICT_GATE, REHEARSAL_GATE)


def run_gate(
    pipeline: Pipeline, gate: str, source: Source, phases: Sequence[GatePhase], run_id: str, on_line: LineSink
) -> GateResult:
    """Run a gate's commands in a release's worktree, read what we check of it ourselves, and record the result.

    An earlier result of the same inputs may stand for it.
    """
    started = pipeline.clock.now()
    inputs = command_inputs(pipeline, gate, source, phases)
    memory = recall(pipeline, gate, source.release.sha, inputs, run_id)
    if memory.result is not None:
        return memory.result
    done = (*run_phases(pipeline, source, phases, on_line), *read_gate(bench_of(pipeline), gate, source.folder))
    evidence = {"tree": source.release.tree, **memory.evidence}
    return conclude(pipeline, gate, source.release.sha, done, started, run_id, evidence)


def run_phases(
    pipeline: Pipeline, source: Source, phases: Sequence[GatePhase], on_line: LineSink | None
) -> tuple[Phase, ...]:
    """Run phases in order in a release's worktree, as `run_in_order` does."""
    return run_in_order(pipeline.runner, phases, source.folder, on_line)


def conclude(
    pipeline: Pipeline,
    gate: str,
    sha: str,
    phases: tuple[Phase, ...],
    started: datetime,
    run_id: str,
    evidence: dict[str, str],
    environment: str | None = None,
    told: str = "",
) -> GateResult:
    """Combine phases into the gate's result and record it; `told` stands before the reason of one that passed."""
    verdict, reason = combine_phases(phases)
    if told and verdict is Verdict.PASSED:
        reason = f"{told}: {reason}"
    result = GateResult(
        gate=gate,
        release=sha,
        verdict=verdict,
        reason=reason,
        started_at=started,
        ended_at=pipeline.clock.now(),
        environment=environment,
        phases=phases,
        evidence=evidence,
        run_id=run_id,
    )
    pipeline.ledger.record_gate(result)
    return result
