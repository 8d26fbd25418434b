"""The group `logs`: its commands put together. What each does is in the module beside this one."""

from __future__ import annotations

import typer

from namecard_release.cli import ranking, triaging

logs = typer.Typer(help="Read the platform's logs: triage what failed, rank what is slow.", no_args_is_help=True)
logs.command()(triaging.triage)
logs.command()(ranking.endpoints)
