"""`drift`: whether an environment is as the ledger's release left it. It reads and changes nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from namecard_release.cli.output import FAILED, GOOD, UNKNOWN, exit_codes, print_json, print_table
from namecard_release.cli.reading import JsonOption, SettingsOption, read_settings
from namecard_release.domain.gates import Verdict, combine_phases
from namecard_release.domain.release import short


def drift(
    env: Annotated[str, typer.Option("--env", help="The environment.")],
    detect: Annotated[bool, typer.Option(help="Have CloudFormation compare its resources, too (minutes).")] = True,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Compare what runs with the ledger's release: code, aliases, templates, alarms, queue, dashboard, resources.

    Exit code 0: nothing differs; 1: something does; 3: something could not be read, and nothing that was read differs.
    """
    with exit_codes():
        loaded = read_settings(settings)
        loaded.environment(env)
        from namecard_release.composition import build_pipeline
        from namecard_release.workflow.drifting import check_drift

        report = check_drift(build_pipeline(loaded), env, detect=detect)
    verdict, reason = combine_phases(report.phases)
    if json:
        print_json({"verdict": str(verdict), "reason": reason, **asdict(report)})
    else:
        typer.echo(f"{env}: {short(report.release or '-')} by {report.promotion or 'nobody'}")
        print_table(("CHECK", "VERDICT", "DETAIL"), [(p.name, str(p.verdict), p.reason) for p in report.phases])
    code = {Verdict.PASSED: GOOD, Verdict.FAILED: FAILED}.get(verdict, UNKNOWN)
    if code:
        raise typer.Exit(code)
