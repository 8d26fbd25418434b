"""The migration plan through the workflow: what is asked in which order, what holds, what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from namecard_release.domain.gates import GateResult, Verdict
from namecard_release.domain.linting import Finding, Level
from namecard_release.domain.migrations import LedgerRow, MigrationFile
from namecard_release.errors import MisuseError, TransientError
from namecard_release.workflow.assembling import build_assembly
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.planning import PlannedMigrations, plan_release
from namecard_release.workflow.sources import ready_source
from tests.fakes.world import FIRST, SECOND, START, B, World, migration

PASSED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN
ROW = LedgerRow(FIRST.name, FIRST.checksum, START)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Make a world whose target has the first migration; the second is pending in B."""
    return World(tmp_path, applied=[ROW])


def plan(world: World, pipeline: Pipeline | None = None) -> PlannedMigrations:
    used = pipeline or world.pipeline()
    return plan_release(used, "staging", ready_source(used, B), "run-1", print)


def found(file: MigrationFile, rule: str = "update-without-where", level: Level = Level.ERROR) -> Finding:
    return Finding(file.path, 4, rule, level, "words")


def phases(result: GateResult) -> dict[str, Verdict]:
    return {phase.name: phase.verdict for phase in result.phases}


def test_a_plan_carries_its_evidence_and_copies_the_schema_for_the_trial(world: World) -> None:
    planned = plan(world)
    result = planned.result
    assert result.verdict is PASSED
    assert phases(result) == dict.fromkeys(("lint_migrations", "lint", "ledger", "trial", "target"), PASSED)
    assert result.evidence["pending"] == result.evidence["applied"] == "1"
    assert result.evidence["catalogue"] == "catalogue" and len(result.evidence["target_ledger"]) == 64
    assert world.trials == [(SECOND.name,)] and world.reads == 2
    assert world.copied[0] is not None and world.copied[0].ledger == (ROW,)


def test_nothing_pending_needs_no_trial(world: World) -> None:
    world.applied.append(LedgerRow(SECOND.name, SECOND.checksum, START))
    planned = plan(world)
    assert planned.result.verdict is PASSED and planned.plan.trial is None and world.trials == []


@pytest.mark.parametrize(
    ("finding", "verdict", "tried"),
    [
        (found(SECOND), FAILED, True),
        (found(SECOND, level=Level.WARNING), PASSED, True),
        (found(FIRST), PASSED, True),
        (found(SECOND, "own-transaction"), FAILED, False),
        (found(FIRST, "own-transaction"), FAILED, False),
    ],
)
def test_findings_count_on_pending_files_and_escapes_before_any_connection(
    world: World, finding: Finding, verdict: Verdict, tried: bool
) -> None:
    world.findings = [finding]
    planned = plan(world)
    assert planned.result.verdict is verdict and planned.plan.findings == (finding,)
    assert (world.reads > 0, bool(world.trials)) == (tried, tried)


def test_a_known_escape_is_looked_up_in_the_ledger(world: World) -> None:
    world.findings = [found(FIRST, "own-transaction")]
    pipeline = world.pipeline()
    platform = pipeline.settings.platform.model_copy(update={"known_escapes": (FIRST.name, SECOND.name)})
    knowing = replace(pipeline, settings=pipeline.settings.model_copy(update={"platform": platform}))
    assert plan(world, knowing).result.verdict is PASSED
    world.findings = [found(SECOND, "own-transaction")]
    world.trials.clear()
    # By now no earlier plan stands for another.
    world.pass_time(3600)
    planned = plan(world, knowing)
    assert planned.result.verdict is FAILED and world.trials == []


@dataclass
class Broken:
    """A linter that gives no answer, or says that a file is no SQL."""

    error: Exception

    def lint(self, files: Sequence[MigrationFile]) -> tuple[Finding, ...]:
        """Raise."""
        raise self.error


@pytest.mark.parametrize(
    ("error", "verdict"), [(TransientError("squawk hangs"), UNKNOWN), (MisuseError("x.sql is not SQL"), FAILED)]
)
def test_a_lint_without_an_answer_connects_to_nothing(world: World, error: Exception, verdict: Verdict) -> None:
    planned = plan(world, replace(world.pipeline(), linter=Broken(error)))
    assert planned.result.verdict is verdict and str(error) in planned.result.reason
    assert world.reads == 0 and world.trials == []


@pytest.mark.parametrize(
    ("lost", "verdict", "basis"),
    [
        ("database", UNKNOWN, "migrations alone: the database did not answer"),
        ("schema", PASSED, "migrations alone: pg_dump 14 is older than the server's 15"),
    ],
)
def test_a_schema_that_cannot_be_had_leaves_the_migrations_alone_and_says_so(
    world: World, lost: str, verdict: Verdict, basis: str
) -> None:
    world.unreachable.add(lost)
    planned = plan(world)
    assert planned.result.verdict is verdict
    assert planned.plan.trial is not None and planned.plan.trial.basis == basis
    assert planned.result.evidence["trial_basis"] == basis and world.copied == [None]
    assert world.trials == [(FIRST.name, SECOND.name) if lost == "database" else (SECOND.name,)]


def test_without_a_trial_server_the_schema_is_not_even_copied(world: World) -> None:
    world.unreachable |= {"trial", "schema"}
    planned = plan(world)
    assert planned.result.verdict is UNKNOWN and "no trial server is configured" in planned.result.reason
    assert world.copied == [] and world.reads == 1


def test_a_migrators_run_holds(world: World) -> None:
    world.migrator_running = True
    planned = plan(world)
    assert planned.result.verdict is UNKNOWN and "a migrator run is in progress" in planned.result.reason
    assert world.trials == []


def test_a_catalogue_that_changes_meanwhile_holds(world: World) -> None:
    world.catalogues = ["one", "another"]
    planned = plan(world)
    assert planned.result.verdict is UNKNOWN and "plan again" in planned.result.reason


def test_a_bundle_with_no_migrations_is_refused_before_the_deploy(world: World) -> None:
    pipeline = world.pipeline()
    built = build_assembly(pipeline, "staging", ready_source(pipeline, B), "run-1", print)
    assert built.assembly is not None and plan(world, pipeline).result.verdict is PASSED
    for carried, words in (((), "holds no migration"), ((FIRST.name,), f"bundle: {SECOND.name}")):
        world.assemblies[built.assembly.digest] = replace(built.assembly, migrations=carried)
        planned = plan(world, pipeline)
        assert planned.result.verdict is FAILED and words in planned.result.reason
        assert SECOND.name in (planned.plan.ledger.missing_from_bundle or ())
    assert world.deploys == []


def test_of_many_files_the_pending_ones_are_linted_all_the_same(world: World) -> None:
    applied = [migration(f"2025-01-01T{n // 60:02}{n % 60:02}__auth__n{n}.sql", "select 1;") for n in range(600)]
    leaving = migration("2025-01-02T0000__auth__leaving.sql", "commit;")
    world.files[B] = (*applied, leaving, SECOND)
    world.applied = [LedgerRow(f.name, f.checksum, START) for f in (*applied, leaving)]
    world.findings = [found(SECOND), found(applied[0])]
    planned = plan(world)
    assert [len(files) for files in world.linted] == [1, 1]
    assert planned.result.verdict is FAILED and SECOND.name in planned.result.reason
