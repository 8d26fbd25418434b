"""The group `migrations`: its commands put together. What each does is in the module beside this one."""

from __future__ import annotations

import typer

from namecard_release.cli import judging, linting, planning

migrations = typer.Typer(
    help="Read migration files: lint them, judge a rollback over them, plan them.", no_args_is_help=True
)
migrations.command()(linting.lint)
migrations.command()(judging.judge)
migrations.command()(planning.plan)
