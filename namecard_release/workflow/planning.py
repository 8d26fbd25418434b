"""The migration plan of a release: lint, ledger difference, migrator's lock, bundle, and a trial of what is pending.

Judging what was read is the domain's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from namecard_release.domain.gates import GateResult, Phase, Verdict
from namecard_release.domain.linting import Finding, find_escapes
from namecard_release.domain.migrations import (
    MigrationFile,
    MigrationPlan,
    SchemaCopy,
    TargetReading,
    TrialResult,
    digest_ledger,
    plan_migrations,
)
from namecard_release.domain.planning import (
    ReleasePlan,
    build_plan,
    choose_linted,
    drop_known,
    explain_no_trial,
    find_refused,
    judge_findings,
    judge_ledger,
    judge_tried,
    judge_untouched,
    refuse_escapes,
)
from namecard_release.errors import MisuseError, PermanentError, TransientError
from namecard_release.ports import LineSink, SqlLinter, TargetDatabase, TrialServer
from namecard_release.workflow.assembling import find_kept, gather_inputs
from namecard_release.workflow.gating import conclude
from namecard_release.workflow.parts import MIGRATION_LINT, remember_phases
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.remembering import Memory, plan_inputs, recall
from namecard_release.workflow.sources import Source

_NOT_READ = "nothing was connected to"


@dataclass(frozen=True)
class PlanPorts:
    """What a plan asks: `target` is None where none was named, and the plan is then against an empty ledger."""

    linter: SqlLinter
    trial: TrialServer
    target: TargetDatabase | None


@dataclass(frozen=True)
class PlannedMigrations:
    """The gate's result with the plan behind it."""

    result: GateResult
    plan: ReleasePlan


def plan_release(
    pipeline: Pipeline, environment: str, source: Source, run_id: str, on_line: LineSink
) -> PlannedMigrations:
    """Plan a release's migrations against an environment: the platform's lint and the plan of its files.

    The target is only read; the trial happens on a throw-away database. An earlier plan of the same files against
    the same ledger may stand for this one.
    """
    started = pipeline.clock.now()
    sha = source.release.sha
    files = pipeline.repository.migration_files(sha)
    bundle = _find_bundle(pipeline, environment, source)
    ports = PlanPorts(pipeline.linter, pipeline.trial, pipeline.site(environment).target)
    try:
        draft = _draft(ports, files, bundle, pipeline.settings.platform.known_escapes)
    except MisuseError as error:
        draft = build_plan((Phase("lint", Verdict.FAILED, str(error)),), plan_migrations(files, (), bundle))
    memory = Memory(None)
    if isinstance(draft, _Draft):
        inputs = plan_inputs(pipeline, environment, source, files, draft.target, bundle)
        memory = recall(pipeline, "migration_plan", sha, inputs, run_id, environment)
        if memory.result is not None:
            return PlannedMigrations(memory.result, draft.untried())
    platform_lint = pipeline.settings.gates.migration_lint
    phases = remember_phases(pipeline, MIGRATION_LINT, source, platform_lint, run_id, on_line)
    plan = draft if isinstance(draft, ReleasePlan) else _finish(ports, files, draft)
    evidence = {"tree": source.release.tree, **describe_evidence(plan), **memory.evidence}
    result = conclude(pipeline, "migration_plan", sha, (*phases, *plan.phases), started, run_id, evidence, environment)
    return PlannedMigrations(result, plan)


def plan_files(
    ports: PlanPorts,
    files: Sequence[MigrationFile],
    bundle: Sequence[str] | None = None,
    known_escapes: Collection[str] = (),
) -> ReleasePlan:
    """Plan files against a target that is only read, and try what is pending on a throw-away database.

    A file that would leave the migrator's transaction is refused before any connection, unless `known_escapes` names
    it as applied already. Raises MisuseError for a file that is no SQL, and what the giver of a target's URL raises.
    """
    draft = _draft(ports, files, bundle, known_escapes)
    return draft if isinstance(draft, ReleasePlan) else _finish(ports, files, draft)


@dataclass(frozen=True)
class _Draft:
    """A plan before its trial: files linted and held against the target, which was read unless `unread` says why."""

    ledger: MigrationPlan
    lint: Phase
    findings: tuple[Finding, ...]
    target: TargetReading | None
    unread: str

    def untried(self) -> ReleasePlan:
        """Give the plan without a trial, for one that an earlier plan stands for."""
        phases = (self.lint, *judge_ledger(self.ledger, self.target, self.unread))
        return build_plan(phases, self.ledger, self.findings, None, self.target)


def _draft(
    ports: PlanPorts, files: Sequence[MigrationFile], bundle: Sequence[str] | None, known_escapes: Collection[str]
) -> _Draft | ReleasePlan:
    """Lint and read the target; what must be refused before any connection is a plan already."""
    linted = choose_linted(files)
    try:
        findings = ports.linter.lint(linted)
    except TransientError as error:
        return _unconnected(_unlinted(error), files, bundle)
    refused = find_refused(findings, files, known_escapes)
    if refused:
        return _unconnected(refuse_escapes(refused), files, bundle, findings)
    target, unread = _read(ports.target)
    plan = plan_migrations(files, target.rows if target is not None else (), bundle)
    if target is None:
        findings = drop_known(findings, files, known_escapes)
    lint, findings = _lint_pending(ports, files, linted, plan, findings, ledger_known=not unread)
    return _Draft(plan, lint, findings, target, unread)


def _finish(ports: PlanPorts, files: Sequence[MigrationFile], draft: _Draft) -> ReleasePlan:
    """Try what is pending and judge everything."""
    plan, target, unread = draft.ledger, draft.target, draft.unread
    trial, untouched = _try_pending(ports, files, plan, draft.findings, target, unread)
    phases = (draft.lint, *judge_ledger(plan, target, unread), *judge_tried(trial), *untouched)
    return build_plan(phases, plan, draft.findings, trial, target)


def _lint_pending(
    ports: PlanPorts,
    files: Sequence[MigrationFile],
    linted: Sequence[MigrationFile],
    plan: MigrationPlan,
    findings: Sequence[Finding],
    *,
    ledger_known: bool,
) -> tuple[Phase, tuple[Finding, ...]]:
    """Lint the pending files that were left out at first, and judge all findings."""
    pending, done = set(plan.pending), {file.path for file in linted}
    rest = [file for file in files if file.name in pending and file.path not in done]
    try:
        found = (*findings, *(ports.linter.lint(rest) if rest else ()))
    except TransientError as error:
        return _unlinted(error), tuple(findings)
    return judge_findings(found, files, plan, ledger_known=ledger_known), found


def _unlinted(error: TransientError) -> Phase:
    return Phase("lint", Verdict.UNKNOWN, f"unread: {error}")


def _unconnected(
    lint: Phase, files: Sequence[MigrationFile], bundle: Sequence[str] | None, findings: Sequence[Finding] = ()
) -> ReleasePlan:
    """Plan without having connected to anything: the lists are against an empty ledger, which is said."""
    plan = plan_migrations(files, (), bundle)
    ledger = judge_ledger(plan, None, _NOT_READ)
    return build_plan((lint, *ledger), plan, findings, TrialResult(unread=_NOT_READ))


def _read(target: TargetDatabase | None) -> tuple[TargetReading | None, str]:
    if target is None:
        return None, ""
    try:
        return target.read(), ""
    except TransientError as error:
        return None, str(error)


def _paths(files: Sequence[MigrationFile], names: Collection[str]) -> set[str]:
    wanted = set(names)
    return {file.path for file in files if file.name in wanted}


def _try_pending(
    ports: PlanPorts,
    files: Sequence[MigrationFile],
    plan: MigrationPlan,
    findings: Sequence[Finding],
    target: TargetReading | None,
    unread: str,
) -> tuple[TrialResult | None, tuple[Phase, ...]]:
    """Try what is pending, if anything is and nothing stands against it, and compare the target afterwards."""
    if not plan.pending:
        return None, ()
    escapes = [one for one in find_escapes(findings) if one.file in _paths(files, plan.pending)]
    why_not = explain_no_trial(plan, target, escapes, ports.trial.missing())
    if why_not is not None:
        return TrialResult(unread=why_not), ()
    schema, why_alone = _copy(ports.target, target, unread)
    trial = _try(ports.trial, files, plan, schema)
    if schema is None or target is None:
        return replace(trial, basis=f"migrations alone: {why_alone}"), ()
    again, unread_again = _read(ports.target)
    return trial, (judge_untouched(target, again, unread_again),)


def _try(
    server: TrialServer, files: Sequence[MigrationFile], plan: MigrationPlan, schema: SchemaCopy | None
) -> TrialResult:
    pending = set(plan.pending)
    ordered = sorted(files, key=lambda file: file.name)
    base = [file for file in ordered if file.name not in pending]
    return server.apply(base, [file for file in ordered if file.name in pending], schema)


def _copy(database: TargetDatabase | None, target: TargetReading | None, unread: str) -> tuple[SchemaCopy | None, str]:
    if database is None:
        return None, "no target was named"
    if target is None:
        return None, unread
    try:
        return database.copy_schema(target), ""
    except (TransientError, PermanentError) as error:
        return None, str(error)


def _find_bundle(pipeline: Pipeline, environment: str, source: Source) -> tuple[str, ...] | None:
    """Give the migrator's files in the assembly that is kept for this release and environment, if one is."""
    inputs = gather_inputs(pipeline, pipeline.site(environment), source)
    kept = find_kept(pipeline, environment, source, inputs)
    return None if kept is None else kept.migrations


def describe_evidence(plan: ReleasePlan) -> dict[str, str]:
    """Give what a plan was made from as evidence: counts, digests of ledger and catalogue, the trial's basis."""
    told = {"pending": str(len(plan.ledger.pending)), "applied": str(len(plan.ledger.applied))}
    if plan.target is not None:
        told |= {"target_ledger": digest_ledger(plan.target.rows), "catalogue": plan.target.catalogue_digest}
    if plan.trial is not None and plan.trial.basis:
        told["trial_basis"] = plan.trial.basis
    return told
