"""`migrations judge`: whether earlier code can live on the schema that files leave. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from namecard_release.cli.output import FAILED, GOOD, UNKNOWN, exit_codes, print_json
from namecard_release.cli.reading import JsonOption
from namecard_release.domain.compatibility import Catalogue, Compatibility, Safety, judge_changes
from namecard_release.domain.migrations import is_migration_name

_CODES = {Safety.SAFE: GOOD, Safety.UNSAFE: FAILED, Safety.UNKNOWN: UNKNOWN}


def judge(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="A file, a folder of .sql files, a checkout.")],
    database_url: Annotated[
        str | None, typer.Option("--database-url", help="The database before these files, to know what is there.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Judge whether code that knows nothing of these files can run on the schema they leave."""
    with exit_codes():
        verdict = judge_paths(paths, database_url)
    if json:
        print_json({"verdict": verdict.safety, "reasons": [asdict(reason) for reason in verdict.reasons]})
    else:
        _print(verdict)
    if _CODES[verdict.safety] != GOOD:
        raise typer.Exit(_CODES[verdict.safety])


def judge_paths(paths: Sequence[Path], database_url: str | None) -> Compatibility:
    """Judge the files at paths, in the order in which the migrator applies them.

    Raises MisuseError for a path that is no SQL file, TransientError when the database cannot be read.
    """
    from namecard_release.adapters.sql.reading import read_file

    files = [read_file(path) for path in order_files(paths)]
    return judge_changes(files, None if database_url is None else _read_catalogue(database_url))


def order_files(paths: Sequence[Path]) -> list[Path]:
    """List the files that paths name: by name if all have migrations' names, else as given.

    Raises MisuseError as `find_files` does.
    """
    from namecard_release.adapters.migration_files import find_files

    files = list(find_files(paths))
    return sorted(files, key=lambda file: file.name) if all(is_migration_name(file.name) for file in files) else files


def _read_catalogue(url: str) -> Catalogue:
    from namecard_release.adapters.postgres import check_url
    from namecard_release.adapters.target_database import PostgresTarget

    return PostgresTarget(check_url(url, "--database-url")).catalogue()


def _print(verdict: Compatibility) -> None:
    typer.echo(f"{verdict.safety}")
    for reason in verdict.reasons:
        typer.echo(f"{reason.file}:{reason.line}: {reason.rule}: {reason.why}")
