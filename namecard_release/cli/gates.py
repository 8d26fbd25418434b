"""The group `gates`: what a release's gates said. Its further commands are in modules beside this one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from namecard_release.cli.gates_running import run_gates
from namecard_release.cli.output import exit_codes, print_json, print_table, when
from namecard_release.cli.reading import JsonOption, SettingsOption, read_ledger, read_settings, resolve
from namecard_release.errors import MisuseError

gates = typer.Typer(help="A release's gates: read, run, waive.", no_args_is_help=True)
gates.command("run")(run_gates)


@gates.callback(invoke_without_command=True)
def show_gates(
    context: typer.Context,
    commit: Annotated[str | None, typer.Option("--commit", help="The release: a commit, branch or tag.")] = None,
    env: Annotated[str | None, typer.Option("--env", help="With this environment's gates.")] = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Show the verdicts of a release's gates with their reasons and evidence; or run or waive gates."""
    if context.invoked_subcommand is not None:
        return
    with exit_codes():
        if commit is None:
            raise MisuseError("give --commit, or one of the commands that 'gates --help' lists")
        loaded = read_settings(settings)
        if env is not None:
            loaded.environment(env)
        sha = resolve(loaded, commit)
        results = read_ledger(loaded).gates(sha, env)
    if json:
        print_json({"release": sha, "gates": [{**asdict(r), "seconds": round(r.seconds, 2)} for r in results]})
        return
    print_table(
        ("ENDED", "GATE", "ENVIRONMENT", "VERDICT", "SECONDS", "REASON"),
        [
            (when(r.ended_at), r.gate, r.environment or "-", str(r.verdict), f"{r.seconds:.1f}", r.reason[:120])
            for r in results
        ],
    )
