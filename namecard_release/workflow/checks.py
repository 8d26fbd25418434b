"""A gate's phases on a checkout: the platform's commands and our own reading. Recording a result is in `gating`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from namecard_release.domain.budgets import Expected
from namecard_release.domain.failure_reading import FailureReader
from namecard_release.domain.failures import Failure
from namecard_release.domain.gates import Phase, Verdict, judge_command, name_failures
from namecard_release.domain.launch import find_problems, judge_launch
from namecard_release.domain.linting import conclude_lint
from namecard_release.errors import ReleaseError, TransientError
from namecard_release.gate_settings import Command, GatePhase, Gates
from namecard_release.ports import CheckoutReader, CommandRunner, LineSink, SqlLinter
from namecard_release.workflow.pipeline import Pipeline

CHECKOUT_GATES = ("quality", "launch_readiness", "synthetic_monitor", "migration_lint")


@dataclass(frozen=True)
class Bench:
    """What checking a folder takes; `expected` are the services and environments that need launch budgets."""

    runner: CommandRunner
    linter: SqlLinter
    checkouts: CheckoutReader
    gates: Gates
    expected: Expected


def bench_of(pipeline: Pipeline) -> Bench:
    """Take from a pipeline what checking a folder takes."""
    settings = pipeline.settings
    expected = Expected(settings.platform.services, settings.environment_names())
    return Bench(pipeline.runner, pipeline.linter, pipeline.checkouts, settings.gates, expected)


def check_gate(bench: Bench, gate: str, folder: Path, on_line: LineSink) -> tuple[Phase, ...]:
    """Check one of CHECKOUT_GATES on a folder: its commands in order, then our own reading."""
    phases: tuple[GatePhase, ...] = getattr(bench.gates, gate)
    return (*run_in_order(bench.runner, phases, folder, on_line), *read_gate(bench, gate, folder))


def run_in_order(
    runner: CommandRunner, phases: Sequence[GatePhase], folder: Path, on_line: LineSink | None
) -> tuple[Phase, ...]:
    """Run phases in order; after one that does not pass the rest are told as not run, as `&&` would."""
    done: list[Phase] = []
    for phase in phases:
        stopped = next((p.name for p in done if p.verdict is not Verdict.PASSED), None)
        if stopped is not None:
            done.append(Phase(phase.name, Verdict.UNKNOWN, f"not run after {stopped}"))
            continue
        done.append(run_phase(runner, phase.name, phase, folder, on_line))
    return tuple(done)


def run_phase(runner: CommandRunner, name: str, command: Command, folder: Path, on_line: LineSink | None) -> Phase:
    """Run one command as a phase; its whole output is read for what failed, of which the outcome keeps only the end."""
    reader = FailureReader()

    def _take(line: str) -> None:
        reader.take(line)
        if on_line is not None:
            on_line(line)

    outcome = runner.run(command.argv, folder, command.env, command.timeout_seconds, _take)
    return name_failures(judge_command(name, outcome), reader.failures)


def read_gate(bench: Bench, gate: str, folder: Path) -> tuple[Phase, ...]:
    """Read what this project itself checks of a gate, whatever the platform's command says."""
    own: Mapping[str, tuple[str, Callable[[Bench, str, Path], Phase]]] = {
        "launch_readiness": ("documents", _read_launch),
        "migration_lint": ("statements", _lint_migrations),
    }
    if gate not in own:
        return ()
    name, read = own[gate]
    try:
        return (read(bench, name, folder),)
    except TransientError as error:
        return (Phase(name, Verdict.UNKNOWN, str(error)),)
    except ReleaseError as error:
        return (Phase(name, Verdict.FAILED, str(error)),)


def _read_launch(bench: Bench, name: str, folder: Path) -> Phase:
    return judge_launch(name, find_problems(bench.checkouts.launch_files(folder), bench.expected))


def _lint_migrations(bench: Bench, name: str, folder: Path) -> Phase:
    files = bench.checkouts.migrations(folder)
    report = conclude_lint(bench.linter.lint(files))
    told = tuple(Failure("", f"{f.file}:{f.line}", f"{f.level}: {f.rule}: {f.message}") for f in report.findings)
    if report.verdict is Verdict.PASSED:
        return Phase(name, Verdict.PASSED, f"{len(files)} files, {len(told)} warnings", failures=told)
    return name_failures(Phase(name, report.verdict, f"{len(files)} files, {len(told)} findings"), told)
