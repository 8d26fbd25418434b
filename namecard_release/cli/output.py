"""What the command line prints and the exit code it ends with. Nothing is decided here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path

import typer

from namecard_release.errors import MisuseError, ReleaseError, TransientError

GOOD, FAILED, MISUSE, UNKNOWN = 0, 1, 2, 3


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn this project's errors into one or two lines on stderr and an exit code."""
    try:
        yield
    except MisuseError as error:
        _end(error, MISUSE)
    except TransientError as error:
        _end(error, UNKNOWN)
    except ReleaseError as error:
        _end(error, FAILED)


def _end(error: ReleaseError, code: int) -> None:
    typer.echo(f"error: {error}", err=True)
    raise typer.Exit(code)


def note(text: str) -> None:
    """Print progress on stderr, so that stdout stays the result."""
    typer.echo(text, err=True)
    sys.stderr.flush()


def print_json(value: object) -> None:
    """Print a value as JSON: dataclasses by field, times in ISO 8601."""
    typer.echo(json.dumps(value, default=_plain, indent=2))


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns as wide as their content."""
    table = [tuple(headers), *[tuple(row) for row in rows]]
    widths = [max(len(row[i]) for row in table) for i in range(len(headers))]
    for row in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def when(moment: datetime | None) -> str:
    """Show a moment to a person, in UTC."""
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}Z"
