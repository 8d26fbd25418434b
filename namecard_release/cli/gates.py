"""The group `gates`: what a release's gates said. Its further commands are in modules beside this one."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from namecard_release.cli import waiving
from namecard_release.cli.output import exit_codes, print_json, print_table, when
from namecard_release.cli.reading import JsonOption, SettingsOption, read_ledger, read_settings, resolve
from namecard_release.cli.waiving import plain_waiver
from namecard_release.domain.gates import GateResult, describe_waiver
from namecard_release.errors import MisuseError
from namecard_release.workflow.waiving import look_with_waivers

gates = typer.Typer(help="A release's gates: read, run, waive.", no_args_is_help=True)


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
        ledger, now = read_ledger(loaded), datetime.now(UTC)
        results = look_with_waivers(loaded, ledger, ledger.gates(sha, env), env, now)
        waivers = [plain_waiver(waiver, now) for waiver in ledger.waivers(sha)]
    if json:
        told = [{**asdict(r), "seconds": round(r.seconds, 2)} for r in results]
        print_json({"release": sha, "gates": told, "waivers": waivers})
        return
    print_table(("ENDED", "GATE", "ENVIRONMENT", "VERDICT", "SECONDS", "WAIVER", "REASON"), [_row(r) for r in results])


def _row(result: GateResult) -> tuple[str, ...]:
    waived = result.waived
    verdict = str(result.verdict) if waived is None else f"{result.verdict} ({waived.under})"
    return (
        when(result.ended_at),
        result.gate,
        result.environment or "-",
        verdict,
        f"{result.seconds:.1f}",
        "-" if waived is None else describe_waiver(waived)[:80],
        result.reason[:120],
    )


gates.command()(waiving.waive)
gates.command()(waiving.unwaive)
gates.command()(waiving.waivers)
