"""The migration plan of a release for one environment: ledger difference, the platform's lint, a trial."""

from __future__ import annotations

from dataclasses import dataclass, field

from namecard_release.domain.gates import GateResult, Phase, Verdict
from namecard_release.domain.migrations import (
    LedgerRow,
    MigrationFile,
    MigrationPlan,
    TrialResult,
    judge_trial,
    plan_migrations,
)
from namecard_release.errors import TransientError
from namecard_release.ports import LineSink
from namecard_release.workflow.gating import conclude
from namecard_release.workflow.parts import MIGRATION_LINT, remember_phases
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.remembering import plan_inputs, recall
from namecard_release.workflow.sources import Source


@dataclass(frozen=True)
class PlannedMigrations:
    """The gate's result with the plan behind it; `plan` is None where the target's ledger was not read."""

    result: GateResult
    plan: MigrationPlan | None
    trial: TrialResult | None
    rows: tuple[LedgerRow, ...] = field(default=())


def plan_release(
    pipeline: Pipeline, environment: str, source: Source, run_id: str, on_line: LineSink
) -> PlannedMigrations:
    """Plan a release's migrations against an environment: lint first, then the ledger, then a trial of what pends.

    The target is only read; the trial happens on a throw-away database. An earlier plan of the same files against
    the same ledger may stand for this one.
    """
    started = pipeline.clock.now()
    files = pipeline.repository.migration_files(source.release.sha)
    rows, unread = _read_rows(pipeline, environment)
    plan = None if rows is None else plan_migrations(files, rows)
    inputs = plan_inputs(pipeline, environment, source, files, rows)
    memory = recall(pipeline, "migration_plan", source.release.sha, inputs, run_id, environment)
    if memory.result is not None:
        return PlannedMigrations(memory.result, plan, None, rows or ())
    lint = pipeline.settings.gates.migration_lint
    phases = [*remember_phases(pipeline, MIGRATION_LINT, source, lint, run_id, on_line)]
    phases.append(_ledger_phase(plan, unread))
    trial = _try_pending(pipeline, files, plan)
    if trial is not None:
        verdict, reason = judge_trial(trial)
        phases.append(Phase("trial", verdict, reason, trial.seconds))
    evidence = {**_evidence(source, plan), **memory.evidence}
    result = conclude(
        pipeline, "migration_plan", source.release.sha, tuple(phases), started, run_id, evidence, environment
    )
    return PlannedMigrations(result, plan, trial, rows or ())


def _read_rows(pipeline: Pipeline, environment: str) -> tuple[tuple[LedgerRow, ...] | None, str]:
    try:
        return pipeline.site(environment).target.rows(), ""
    except TransientError as error:
        return None, str(error)


def _ledger_phase(plan: MigrationPlan | None, unread: str) -> Phase:
    if plan is None:
        return Phase("ledger", Verdict.UNKNOWN, f"the target's ledger was not read: {unread}")
    return Phase("ledger", plan.verdict, plan.reason)


def _try_pending(
    pipeline: Pipeline, files: tuple[MigrationFile, ...], plan: MigrationPlan | None
) -> TrialResult | None:
    if plan is None or plan.verdict is not Verdict.PASSED or not plan.pending:
        return None
    pending = set(plan.pending)
    base = [file for file in files if file.name not in pending]
    return pipeline.trial.apply(base, [file for file in files if file.name in pending])


def _evidence(source: Source, plan: MigrationPlan | None) -> dict[str, str]:
    told = {"tree": source.release.tree}
    if plan is not None:
        told |= {"pending": str(len(plan.pending)), "applied": str(len(plan.applied))}
    return told
