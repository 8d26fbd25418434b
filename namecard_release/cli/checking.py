"""`doctor`: whether this machine and the settings can release anything, part by part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from namecard_release.cli.output import FAILED, GOOD, UNKNOWN, exit_codes, print_json, print_table
from namecard_release.cli.reading import JsonOption, SettingsOption, read_ledger, read_settings
from namecard_release.domain.gates import Phase, Verdict, combine_phases, judge_command
from namecard_release.domain.heartbeats import ALARM_SENSOR
from namecard_release.errors import PermanentError, ReleaseError, TransientError
from namecard_release.settings import Settings
from namecard_release.workflow.pipeline import Pipeline

if TYPE_CHECKING:
    from namecard_release.adapters.dagster_api import DagsterApi


def doctor(settings: SettingsOption = None, json: JsonOption = False) -> None:
    """Check tools, repository, ledger, Dagster, and every environment's AWS and database; changes nothing."""
    with exit_codes():
        loaded = read_settings(settings)
        phases = diagnose(loaded)
    verdict, _ = combine_phases(phases)
    if json:
        print_json({"verdict": verdict, "checks": phases})
    else:
        print_table(("CHECK", "VERDICT", "DETAIL"), [(p.name, str(p.verdict), p.reason) for p in phases])
    code = {Verdict.PASSED: GOOD, Verdict.FAILED: FAILED}.get(verdict, UNKNOWN)
    if code:
        raise typer.Exit(code)


def diagnose(settings: Settings) -> tuple[Phase, ...]:
    """Check everything that a promotion needs, one phase each; what cannot be read is UNKNOWN."""
    from namecard_release.composition import build_control, build_pipeline

    pipeline = build_pipeline(settings)
    checks: list[tuple[str, Callable[[], str]]] = [
        ("repository", lambda: f"{len(pipeline.repository.heads())} branches and tags"),
        ("ledger", lambda: f"{len(read_ledger(settings).history(limit=1000))} promotions"),
        ("dagster", lambda: _describe_dagster(build_control(settings))),
    ]
    for name in settings.environments:
        checks += [
            (f"{name} aws", lambda name=name: _describe_stacks(pipeline, name)),  # type: ignore[misc]
            (f"{name} database", lambda name=name: _describe_rows(pipeline, name)),  # type: ignore[misc]
        ]
    tools = [("node", "node", "--version"), ("pnpm", "pnpm", "--version"), ("cdk", *settings.tools.cdk, "--version")]
    ran = [_run_tool(pipeline, name, tuple(argv)) for name, *argv in tools]
    return (*ran, *[_check(name, read) for name, read in checks], _check_alarm_sensor(pipeline), *_ask(pipeline))


def _check_alarm_sensor(pipeline: Pipeline) -> Phase:
    from namecard_release.workflow.readying import judge_alarm_sensor

    try:
        return judge_alarm_sensor(pipeline)
    except ReleaseError as error:
        return Phase(ALARM_SENSOR, Verdict.UNKNOWN, str(error))


def _ask(pipeline: Pipeline) -> tuple[Phase, ...]:
    from namecard_release.workflow.delivering import Post, judge_channels

    try:
        return judge_channels(Post(pipeline.outbox, pipeline.senders, pipeline.clock.now), ask=True)
    except TransientError as error:
        return (Phase("channels", Verdict.UNKNOWN, str(error)),)


def _run_tool(pipeline: Pipeline, name: str, argv: tuple[str, ...]) -> Phase:
    outcome = pipeline.runner.run(argv, Path("/"), {}, 30.0)
    phase = judge_command(name, outcome)
    told = outcome.tail[-1] if outcome.tail else phase.reason
    return Phase(name, phase.verdict, told if phase.verdict is Verdict.PASSED else f"{phase.reason}: {told}")


def _check(name: str, read: Callable[[], str]) -> Phase:
    try:
        return Phase(name, Verdict.PASSED, read())
    except TransientError as error:
        return Phase(name, Verdict.UNKNOWN, str(error))
    except ReleaseError as error:
        return Phase(name, Verdict.FAILED, str(error))


def _describe_stacks(pipeline: Pipeline, environment: str) -> str:
    site = pipeline.site(environment)
    statuses = site.cloud.stack_statuses(site.settings.stack_names)
    return ", ".join(f"{stack.name} {stack.status or 'not deployed'}" for stack in statuses)


def _describe_rows(pipeline: Pipeline, environment: str) -> str:
    return f"{len(pipeline.site(environment).target.rows())} migrations applied"


def _describe_dagster(control: DagsterApi) -> str:
    locations = control.loaded()
    broken = [f"{one.name}: {one.error}" for one in locations if not one.is_loaded]
    if broken or not locations:
        raise PermanentError("; ".join(broken) or "no code location is configured")
    return f"{', '.join(one.name for one in locations)} loaded"
