"""The program's way in: what is asked for most, and in a hurry, is answered without loading every other command."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

_HURRIED = frozenset({"status", "history"})


def run() -> None:
    """Run the command line."""
    try:
        find_app(sys.argv[1:])()
    except KeyboardInterrupt:
        sys.exit(130)


def find_app(words: Sequence[str]) -> typer.Typer:
    """Give the application that knows the command which the words begin with."""
    if words and words[0] in _HURRIED:
        # It ends before there is anything worth collecting, and looking for it takes a tenth of its time.
        gc.disable()
        return _reading_app()
    from namecard_release.cli.main import app
    from namecard_release.redaction import install_redaction

    install_redaction()

    return app


def _reading_app() -> typer.Typer:
    import typer

    from namecard_release.cli import reading

    app = typer.Typer(name="namecard-release", add_completion=False, pretty_exceptions_enable=False)
    app.command()(reading.status)
    app.command()(reading.history)
    return app
