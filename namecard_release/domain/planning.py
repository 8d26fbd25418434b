"""The whole plan of a release's migrations: ledger, lint, migrator and trial judged together.

Reading them is elsewhere; comparing files with a ledger is in `migrations`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from namecard_release.domain.gates import Phase, Verdict, combine_phases
from namecard_release.domain.linting import Finding, Level, find_escapes
from namecard_release.domain.migrations import MigrationFile, MigrationPlan, TargetReading, TrialResult, judge_trial

# More files than this are not all linted: what applied ones say cannot be changed, and is not worth waiting for.
LINTED_FILES = 500
# Without one of these no text ends a transaction, nor hides something that does.
_LEAVING = re.compile(
    r"\\|\b(?:begin|commit|rollback|abort|end|start|prepare|savepoint|release|call|do|execute|set)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class ReleasePlan:
    """What a deploy would do to a target's schema, and everything it was judged by.

    `target` is None where the target was not read; `ledger` is then the plan against an empty ledger, and the verdict
    is never PASSED unless no target was named. `trial` is None where nothing is pending.
    """

    verdict: Verdict
    reason: str
    phases: tuple[Phase, ...]
    ledger: MigrationPlan
    findings: tuple[Finding, ...] = ()
    trial: TrialResult | None = None
    target: TargetReading | None = None


def build_plan(
    phases: Sequence[Phase],
    ledger: MigrationPlan,
    findings: Sequence[Finding] = (),
    trial: TrialResult | None = None,
    target: TargetReading | None = None,
) -> ReleasePlan:
    """Put a plan together: one failed phase fails it, else one unread leaves it unknown."""
    verdict, reason = combine_phases(phases)
    if verdict is Verdict.PASSED:
        reason = "; ".join(phase.reason for phase in phases)
    return ReleasePlan(verdict, reason, tuple(phases), ledger, tuple(findings), trial, target)


def choose_linted(files: Sequence[MigrationFile]) -> tuple[MigrationFile, ...]:
    """Choose the files to lint before any connection: all, or of many those that could leave the transaction."""
    if len(files) <= LINTED_FILES:
        return tuple(files)
    return tuple(file for file in files if _LEAVING.search(file.sql))


def find_refused(
    findings: Sequence[Finding], files: Sequence[MigrationFile], known: Collection[str]
) -> tuple[Finding, ...]:
    """Find the escapes that are refused before any connection: those of files not known to be applied everywhere.

    A file that ends the migrator's transaction stays applied whatever its trial says (platform contract,
    "Migrations"). `known` are file names.
    """
    names = {file.path: file.name for file in files}
    return tuple(escape for escape in find_escapes(findings) if names.get(escape.file) not in known)


def drop_known(
    findings: Sequence[Finding], files: Sequence[MigrationFile], known: Collection[str]
) -> tuple[Finding, ...]:
    """Leave out the escapes of known files, which a ledger that was not read would call pending."""
    refused = set(find_refused(findings, files, known))
    escapes = set(find_escapes(findings))
    return tuple(one for one in findings if one not in escapes or one in refused)


def refuse_escapes(escapes: Sequence[Finding]) -> Phase:
    """Refuse files that would leave the migrator's transaction; nothing may have been connected to."""
    told = "; ".join(f"{one.file}:{one.line}: {one.message}" for one in escapes)
    advice = "if it is applied everywhere already, name it as a known escape"
    return Phase(
        "lint", Verdict.FAILED, f"refused before any connection, for it would leave the transaction: {told}; {advice}"
    )


def judge_findings(
    findings: Sequence[Finding], files: Sequence[MigrationFile], plan: MigrationPlan, *, ledger_known: bool
) -> Phase:
    """Judge the lint: an error in a pending file fails; one in an applied file is shown, for it cannot be changed.

    Where the target's ledger is not known, an error is unknown to matter.
    """
    pending = set(plan.pending)
    names = {file.path: file.name for file in files}
    errors = [one for one in findings if one.level is Level.ERROR and names.get(one.file) in pending]
    if not errors:
        shown = f", {len(findings)} findings to look at" if findings else ""
        return Phase("lint", Verdict.PASSED, f"{len(pending)} pending files are clean{shown}")
    told = "; ".join(f"{one.file}:{one.line}: {one.rule}: {one.message}" for one in errors)
    if ledger_known:
        return Phase("lint", Verdict.FAILED, told)
    return Phase("lint", Verdict.UNKNOWN, f"the ledger does not tell whether these are applied: {told}")


def judge_ledger(plan: MigrationPlan, target: TargetReading | None, unread: str) -> tuple[Phase, ...]:
    """Judge files against the ledger and whether a migrator runs; an unread target is unknown, unless `unread` is
    empty: then no target was named.
    """
    if plan.verdict is Verdict.FAILED:
        phases = [Phase("ledger", Verdict.FAILED, plan.reason)]
    elif unread:
        phases = [Phase("ledger", Verdict.UNKNOWN, f"the target's ledger was not read: {unread}")]
    elif target is None:
        phases = [Phase("ledger", Verdict.PASSED, f"{plan.reason}, against an empty ledger: no target was named")]
    else:
        phases = [Phase("ledger", plan.verdict, plan.reason)]
    if target is not None and target.migrator_running:
        told = "a migrator run is in progress (advisory lock 1867, 2401): wait for its end and plan again"
        phases.append(Phase("migrator", Verdict.UNKNOWN, told))
    return tuple(phases)


def explain_no_trial(
    plan: MigrationPlan, target: TargetReading | None, escapes: Sequence[Finding], missing: str | None
) -> str | None:
    """Say why pending files are not tried, or None where they can be."""
    if escapes:
        return "a pending file would leave the transaction"
    if plan.verdict is Verdict.FAILED:
        return "the files do not fit the ledger or the bundle"
    if target is not None and target.migrator_running:
        return "a migrator run is in progress on the target"
    return missing


def judge_tried(trial: TrialResult | None) -> tuple[Phase, ...]:
    """Give the trial as a phase; no phase where nothing was pending."""
    if trial is None:
        return ()
    verdict, reason = judge_trial(trial)
    return (Phase("trial", verdict, reason, trial.seconds),)


def judge_untouched(before: TargetReading, after: TargetReading | None, unread: str) -> Phase:
    """Compare a target before and after its schema was copied: what changed in between was planned on sand."""
    if after is None:
        return Phase("target", Verdict.UNKNOWN, f"the target was not read again after the trial: {unread}")
    if after.migrator_running or after.rows != before.rows or after.catalogue_digest != before.catalogue_digest:
        return Phase("target", Verdict.UNKNOWN, "the target's schema or ledger changed meanwhile: plan again")
    return Phase("target", Verdict.PASSED, f"the target is as it was: catalogue {before.catalogue_digest[:12]}")
