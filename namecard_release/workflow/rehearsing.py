"""A rollback rehearsed before its release is deployed: the earlier release's own tests on the newer schema.

Never part of a rollback: what was found is on record by then. What it may change in the verdict is the domain's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from namecard_release.domain.gates import GateResult, Phase, Verdict
from namecard_release.domain.migrations import MigrationFile
from namecard_release.domain.promotion import Promotion
from namecard_release.domain.rehearsal import (
    REHEARSAL_GATE,
    DatabaseAddress,
    find_rehearsal,
    is_wanted,
    judge_rehearsal,
)
from namecard_release.domain.release import short
from namecard_release.domain.safety import SafetyVerdict, digest_schema
from namecard_release.errors import ReleaseError
from namecard_release.gate_settings import Command
from namecard_release.ports import LineSink
from namecard_release.workflow.gating import conclude
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.sources import Source, ready_source, run_commands


def rehearse_rollback(
    pipeline: Pipeline, promotion: Promotion, target: Promotion, verdict: SafetyVerdict, run_id: str, on_line: LineSink
) -> GateResult | None:
    """Rehearse if the environment's policy asks for it and no such rehearsal is on record; None where it does not.

    Raises nothing of its own: a rehearsal that could not be held is recorded as UNKNOWN with its reason.
    """
    environment = promotion.environment
    files = pipeline.repository.migration_files(promotion.release)
    schema = digest_schema(files)
    if not is_wanted(pipeline.site(environment).settings.rehearsal_policy, verdict, schema):
        return None
    results = pipeline.ledger.gates(promotion.release, environment)
    commands = digest_commands(pipeline.settings.platform.rehearsal)
    held = find_rehearsal(results, target.release, schema, environment, commands)
    if held is not None:
        return held
    started = pipeline.clock.now()
    phases = _rehearse(pipeline, files, target.release, on_line)
    evidence = {"promotion": promotion.id, "to": target.release, "schema": schema, "commands": commands}
    return conclude(pipeline, REHEARSAL_GATE, promotion.release, phases, started, run_id, evidence, environment)


@dataclass(frozen=True)
class _Performance:
    tests: tuple[Phase, ...]
    used: bool


def _rehearse(
    pipeline: Pipeline, files: tuple[MigrationFile, ...], target: str, on_line: LineSink
) -> tuple[Phase, ...]:
    control: tuple[Phase, ...] | None = None
    try:
        source = ready_source(pipeline, target, on_line)
        done = _perform(pipeline, source, files, on_line)
        if any(phase.verdict is Verdict.FAILED for phase in done.tests):
            on_line(f"the same on the schema of {short(target)} itself, to know whose failure it is")
            own = pipeline.repository.migration_files(target)
            control = _perform(pipeline, source, own, on_line).tests
    except ReleaseError as error:
        return (Phase("rehearsal", Verdict.UNKNOWN, str(error)),)
    return judge_rehearsal(done.tests, done.used, control)


def _perform(pipeline: Pipeline, source: Source, files: tuple[MigrationFile, ...], on_line: LineSink) -> _Performance:
    commands = pipeline.settings.platform.rehearsal
    with pipeline.rehearsal.stage(files) as database:
        tests = run_commands(pipeline, commands, source.folder, on_line, variables(database.address))
        return _Performance(tests, database.was_used())


def digest_commands(commands: Sequence[Command]) -> str:
    """Digest the commands of a rehearsal by their words; values of their environment may be secret."""
    return hashlib.sha256(repr([(c.argv, sorted(c.env)) for c in commands]).encode()).hexdigest()


def variables(address: DatabaseAddress) -> dict[str, str]:
    """Give the platform's variables for a database (platform contract, "The repository")."""
    return {
        "DB_HOST": address.host,
        "DB_PORT": str(address.port),
        "DB_USER": address.user,
        "DB_PASSWORD": address.password,
        "DB_NAME": address.name,
    }
