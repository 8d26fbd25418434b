"""A release's source made ready once: worktree, install, code generation, and the build. Gates are elsewhere."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from namecard_release.domain.gates import CommandOutcome, Phase, Verdict, combine_phases, judge_command
from namecard_release.domain.release import Release
from namecard_release.errors import PermanentError
from namecard_release.gate_settings import Command
from namecard_release.ports import LineSink
from namecard_release.workflow.pipeline import Pipeline

_BUILT = ".namecard-release-built"


@dataclass(frozen=True)
class Source:
    """A release with its ready worktree; `phases` tell how long each command took, none when it was ready before."""

    release: Release
    folder: Path
    phases: tuple[Phase, ...] = ()


def ready_source(pipeline: Pipeline, sha: str, on_line: LineSink | None = None) -> Source:
    """Check out a release and install it, once per release and set of commands.

    Raises PermanentError when install or preparation fails, with the end of its output.
    """
    release = pipeline.repository.resolve(sha)
    folder = pipeline.repository.checkout(release.sha)
    if is_ready(pipeline, release, folder):
        return Source(release, folder)
    commands = _commands(pipeline)
    (folder / "node_modules" / _BUILT).unlink(missing_ok=True)
    phases = run_commands(pipeline, commands, folder, on_line)
    _refuse_failure(phases, release)
    _stamp(release, folder).write_text(_digest(commands))
    return Source(release, folder, phases)


def is_ready(pipeline: Pipeline, release: Release, folder: Path) -> bool:
    """Tell whether a worktree was installed and prepared with the commands of the settings."""
    stamp = _stamp(release, folder)
    installed = (folder / "node_modules").is_dir()
    return installed and stamp.is_file() and stamp.read_text() == _digest(_commands(pipeline))


def _stamp(release: Release, folder: Path) -> Path:
    return folder.parent / f"{release.sha}.ready"


def _commands(pipeline: Pipeline) -> tuple[Command, ...]:
    return (pipeline.settings.platform.install, *pipeline.settings.platform.prepare)


def build_once(pipeline: Pipeline, source: Source, on_line: LineSink | None) -> tuple[Phase, ...]:
    """Run the platform's build in a ready source, once per worktree, tree and set of commands.

    Gives no phases when it was built before, else one for each command that ran.
    """
    platform = pipeline.settings.platform
    # Among the installed packages, so that it goes with them: a fresh install is built again.
    stamp = source.folder / "node_modules" / _BUILT
    digest = _digest((platform.install, *platform.prepare, *platform.build)) + source.release.tree
    if stamp.is_file() and stamp.read_text() == digest:
        return ()
    phases = run_commands(pipeline, platform.build, source.folder, on_line)
    if all(phase.verdict is Verdict.PASSED for phase in phases):
        stamp.write_text(digest)
    return phases


def run_commands(
    pipeline: Pipeline,
    commands: Sequence[Command],
    folder: Path,
    on_line: LineSink | None,
    extra_env: dict[str, str] | None = None,
) -> tuple[Phase, ...]:
    """Run commands one after another up to the first that does not pass, one phase each, named by its words."""
    phases: list[Phase] = []
    for command in commands:
        outcome = run_command(pipeline, command, folder, on_line, extra_env)
        phases.append(judge_command(" ".join(command.argv[:5]), outcome))
        if phases[-1].verdict is not Verdict.PASSED:
            break
    return tuple(phases)


def run_command(
    pipeline: Pipeline,
    command: Command,
    folder: Path,
    on_line: LineSink | None,
    extra_env: dict[str, str] | None = None,
) -> CommandOutcome:
    """Run one configured command in a folder with its extra environment."""
    env = {**(extra_env or {}), **command.env}
    return pipeline.runner.run(command.argv, folder, env, command.timeout_seconds, on_line)


def _refuse_failure(phases: Sequence[Phase], release: Release) -> None:
    verdict, reason = combine_phases(phases)
    if verdict is not Verdict.PASSED:
        tail = " | ".join(phases[-1].tail[-3:])
        raise PermanentError(f"release {release.short} cannot be installed: {reason}\n{tail}")


def _digest(commands: Sequence[Command]) -> str:
    text = repr([(command.argv, sorted(command.env.items())) for command in commands])
    return hashlib.sha256((text + os.uname().machine).encode()).hexdigest()
