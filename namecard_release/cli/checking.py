"""`doctor`: whether this machine and the settings can release anything, part by part."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from namecard_release.cli.output import FAILED, GOOD, UNKNOWN, exit_codes, print_json, print_table
from namecard_release.cli.reading import JsonOption, SettingsOption, read_ledger, read_settings
from namecard_release.domain.gates import Phase, Verdict, combine_phases, judge_command
from namecard_release.domain.heartbeats import ALARM_SENSOR
from namecard_release.errors import PermanentError, ReleaseError, TransientError
from namecard_release.settings import Settings
from namecard_release.time_limits import within
from namecard_release.workflow.pipeline import Pipeline

if TYPE_CHECKING:
    from namecard_release.adapters.dagster_api import DagsterApi
    from namecard_release.ledger.sql_ledger import SqlLedger

# For each question; they are asked side by side.
_SECONDS = 20.0
_THREADS = 16


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
    """Check everything that a promotion needs, one phase each, side by side, each within its time.

    What cannot be read is UNKNOWN, what is refused or absent FAILED; neither hides another.
    """
    from namecard_release.composition import build_pipeline

    pipeline = build_pipeline(settings, _open_or_not(settings))
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="doctor") as pool:
        asked = [pool.submit(_ask, name, read) for name, read in _questions(settings, pipeline)]
        # On this thread, which is the one that signals reach.
        ran = [_run_tool(pipeline, name, argv) for name, argv in _tools(settings)]
        return (*ran, *(phase for one in asked for phase in one.result()))


def _open_or_not(settings: Settings) -> SqlLedger:
    """Open the ledger; one that does not answer is given as it is, for each question to find that out."""
    from namecard_release.ledger.open import make_engine, open_ledger
    from namecard_release.ledger.sql_ledger import SqlLedger

    unopened = SqlLedger(make_engine(settings.paths.ledger_url))
    try:
        with within(_SECONDS):
            return open_ledger(settings.paths.ledger_url)
    except ReleaseError:
        return unopened


def _tools(settings: Settings) -> tuple[tuple[str, tuple[str, ...]], ...]:
    cdk = (*settings.tools.cdk, "--version")
    return ("node", ("node", "--version")), ("pnpm", ("pnpm", "--version")), ("cdk", cdk)


def _questions(settings: Settings, pipeline: Pipeline) -> list[tuple[str, Callable[[], tuple[Phase, ...]]]]:
    from namecard_release.composition import build_control
    from namecard_release.workflow.delivering import Post, judge_channels
    from namecard_release.workflow.readying import judge_alarm_sensor

    told: list[tuple[str, Callable[[], str]]] = [
        ("repository", lambda: f"{len(pipeline.repository.heads())} branches and tags"),
        ("ledger", lambda: f"{len(read_ledger(settings).history(limit=1000))} promotions"),
        ("dagster", lambda: _describe_dagster(build_control(settings))),
    ]
    for env in settings.environments:
        told += [(f"{env} aws", partial(_describe_stacks, pipeline, env))]
        told += [(f"{env} database", partial(_describe_rows, pipeline, env))]
    post = Post(pipeline.outbox, pipeline.senders, pipeline.clock.now)
    return [
        *((name, partial(_tell, name, read)) for name, read in told),
        (ALARM_SENSOR, lambda: (judge_alarm_sensor(pipeline),)),
        ("channels", lambda: judge_channels(post, ask=True)),
    ]


def _tell(name: str, read: Callable[[], str]) -> tuple[Phase, ...]:
    return (Phase(name, Verdict.PASSED, read()),)


def _ask(name: str, read: Callable[[], tuple[Phase, ...]]) -> tuple[Phase, ...]:
    try:
        with within(_SECONDS):
            return read()
    except TransientError as error:
        return (Phase(name, Verdict.UNKNOWN, str(error)),)
    except ReleaseError as error:
        return (Phase(name, Verdict.FAILED, str(error)),)


def _run_tool(pipeline: Pipeline, name: str, argv: tuple[str, ...]) -> Phase:
    outcome = pipeline.runner.run(argv, Path("/"), {}, 30.0)
    phase = judge_command(name, outcome)
    told = outcome.tail[-1] if outcome.tail else phase.reason
    return Phase(name, phase.verdict, told if phase.verdict is Verdict.PASSED else f"{phase.reason}: {told}")


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
