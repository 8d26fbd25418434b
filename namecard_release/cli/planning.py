"""`migrations plan`: a checkout's migrations against a database, with no settings, no Dagster and no repository."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from namecard_release.cli.ending import ended_cleanly
from namecard_release.cli.output import FAILED, GOOD, UNKNOWN, exit_codes, print_json, print_table
from namecard_release.cli.reading import JsonOption
from namecard_release.domain.gates import Verdict
from namecard_release.domain.migrations import TrialResult
from namecard_release.domain.planning import ReleasePlan

_URL_HELP = "Read only, and never written. Without it the plan is against an empty ledger."
_TRIAL_HELP = "A server for throw-away databases. Without it pending files are not tried: UNKNOWN."
_KNOWN_HELP = "A file that ends its own transaction and is applied already. Any other one is refused unconnected."
CheckoutOption = Annotated[Path, typer.Option("--checkout", help="Folder with services/*/migrations/*.sql.")]
DatabaseOption = Annotated[str | None, typer.Option("--database-url", help=_URL_HELP)]
TrialOption = Annotated[str | None, typer.Option("--trial-url", help=_TRIAL_HELP)]
BundleOption = Annotated[Path | None, typer.Option("--bundle", help="The migrator's bundle: folder or zip.")]
DumpOption = Annotated[Path | None, typer.Option("--pg-dump", help="The pg_dump that copies the target's schema.")]
KnownOption = Annotated[list[str] | None, typer.Option("--known-escape", help=_KNOWN_HELP)]


def plan(
    checkout: CheckoutOption,
    database_url: DatabaseOption = None,
    trial_url: TrialOption = None,
    bundle: BundleOption = None,
    pg_dump: DumpOption = None,
    known_escape: KnownOption = None,
    json: JsonOption = False,
) -> None:
    """Plan a checkout's migrations: what is pending, what does not fit, and a trial of it on a throw-away database."""
    with exit_codes(), ended_cleanly():
        made = make_plan(checkout, database_url, trial_url, bundle, pg_dump, known_escape or [])
    if json:
        print_json(plain_plan(made))
    else:
        _print_plan(made)
    code = {Verdict.PASSED: GOOD, Verdict.FAILED: FAILED}.get(made.verdict, UNKNOWN)
    if code:
        raise typer.Exit(code)


def make_plan(
    checkout: Path,
    database_url: str | None,
    trial_url: str | None,
    bundle: Path | None,
    pg_dump: Path | None,
    known_escapes: list[str],
) -> ReleasePlan:
    """Check every argument, then plan. Raises MisuseError for a wrong one before anything is connected to."""
    from namecard_release.adapters.bundles import read_bundle
    from namecard_release.adapters.migration_files import read_checkout
    from namecard_release.adapters.postgres import check_url
    from namecard_release.adapters.sql.linter import PostgresLinter
    from namecard_release.adapters.target_database import PostgresTarget
    from namecard_release.adapters.trial import PostgresTrial
    from namecard_release.workflow.planning import PlanPorts, plan_files

    files = read_checkout(checkout)
    carried = None if bundle is None else read_bundle(bundle)
    trial = PostgresTrial(None if trial_url is None else check_url(trial_url, "--trial-url"))
    target = None if database_url is None else PostgresTarget(check_url(database_url, "--database-url"), pg_dump)
    return plan_files(PlanPorts(PostgresLinter(), trial, target), files, carried, known_escapes)


def plain_plan(made: ReleasePlan) -> dict[str, object]:
    """Give a plan as plain data, in the shape that `--json` promises."""
    ledger, trial = made.ledger, made.trial or TrialResult()
    return {
        "verdict": made.verdict,
        "reason": made.reason,
        "pending": ledger.pending,
        "applied": ledger.applied,
        "mismatched": ledger.mismatched,
        "unexpected": ledger.unexpected,
        "missing_from_bundle": ledger.missing_from_bundle or (),
        "misnamed": ledger.misnamed,
        "findings": [asdict(finding) for finding in made.findings],
        "trial": asdict(trial),
        "target": None if made.target is None else {"catalogue_digest": made.target.catalogue_digest},
    }


def _print_plan(made: ReleasePlan) -> None:
    ledger = made.ledger
    typer.echo(f"{made.verdict}: {made.reason}")
    states = {
        "pending": ledger.pending,
        "applied": ledger.applied,
        "changed": ledger.mismatched,
        "unexpected": ledger.unexpected,
        "not in bundle": ledger.missing_from_bundle or (),
        "misnamed": ledger.misnamed,
    }
    rows = [(state, name) for state, names in states.items() for name in names]
    if rows:
        print_table(("STATE", "MIGRATION"), rows)
    if made.findings:
        found = [(f"{one.file}:{one.line}", str(one.level), one.rule, one.message) for one in made.findings]
        print_table(("FINDING", "LEVEL", "RULE", "MESSAGE"), found)
    if made.trial is not None and made.trial.statements:
        told = made.trial.statements
        ran = [(f"{s.file}:{s.line}", f"{s.ms:.1f}", ", ".join(s.locks), ", ".join(s.rewrites)) for s in told]
        print_table(("STATEMENT", "MS", "LOCKS", "REWRITES"), ran)
