"""`migrations lint`: what the files of a change may not do, before anything is connected to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from namecard_release.cli.output import FAILED, exit_codes, print_json
from namecard_release.cli.reading import JsonOption
from namecard_release.domain.gates import Verdict


def lint(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="A file, a folder of .sql files, a checkout.")],
    json: JsonOption = False,
) -> None:
    """Lint migration files: what leaves the migrator's transaction, what is lost, what blocks; reads files only."""
    from namecard_release.adapters.migration_files import find_migration_files
    from namecard_release.adapters.sql.linter import PostgresLinter
    from namecard_release.domain.linting import conclude_lint

    with exit_codes():
        report = conclude_lint(PostgresLinter().lint(find_migration_files(paths)))
    if json:
        print_json(report)
    else:
        for found in report.findings:
            typer.echo(f"{found.file}:{found.line} {found.level} {found.rule} {found.message}")
        typer.echo(f"{report.verdict}: {len(report.findings)} findings", err=True)
    if report.verdict is not Verdict.PASSED:
        raise typer.Exit(FAILED)
