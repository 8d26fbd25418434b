"""Gates run and recorded. What a verdict means is the domain's; how a gate looks in the UI is the assets'."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from namecard_release.domain.gates import GateResult, Phase, Verdict, combine_phases, judge_command
from namecard_release.ports import LineSink
from namecard_release.settings import GatePhase
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.remembering import command_inputs, recall
from namecard_release.workflow.sources import Source, run_command

RELEASE_GATES = ("quality", "launch_readiness", "synthetic_monitor")
ENVIRONMENT_GATES = ("migration_plan", "assembly")


def run_gate(
    pipeline: Pipeline, gate: str, source: Source, phases: Sequence[GatePhase], run_id: str, on_line: LineSink
) -> GateResult:
    """Run a gate's commands in a release's worktree and record the result, unless an earlier one stands for it."""
    started = pipeline.clock.now()
    inputs = command_inputs(pipeline, gate, source, phases)
    memory = recall(pipeline, gate, source.release.sha, inputs, run_id)
    if memory.result is not None:
        return memory.result
    done = run_phases(pipeline, source, phases, on_line)
    evidence = {"tree": source.release.tree, **memory.evidence}
    return conclude(pipeline, gate, source.release.sha, done, started, run_id, evidence)


def run_phases(
    pipeline: Pipeline, source: Source, phases: Sequence[GatePhase], on_line: LineSink | None
) -> tuple[Phase, ...]:
    """Run phases in order; after one that does not pass the rest are told as not run, as `&&` would."""
    done: list[Phase] = []
    for phase in phases:
        stopped = next((p.name for p in done if p.verdict is not Verdict.PASSED), None)
        if stopped is not None:
            done.append(Phase(phase.name, Verdict.UNKNOWN, f"not run after {stopped}"))
            continue
        done.append(judge_command(phase.name, run_command(pipeline, phase, source.folder, on_line)))
    return tuple(done)


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
