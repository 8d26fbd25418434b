"""Gates' phases: what failed is named from the whole output, and our own reading stands beside the platform's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from namecard_release.domain.failures import Failure
from namecard_release.domain.gates import CommandOutcome, GateResult, Phase, Verdict
from namecard_release.domain.launch import RUNBOOK
from namecard_release.domain.linting import Finding, Level
from namecard_release.errors import PermanentError, TransientError
from namecard_release.workflow.checks import bench_of, check_gate
from namecard_release.workflow.gating import run_gate
from namecard_release.workflow.sources import ready_source
from tests.fakes.world import FIRST, A, World

FAILED_RUN = CommandOutcome(("pnpm",), 1, 2.0, ("the end of the output",))
PASSED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN
ESLINT = (
    "services/search lint$ eslint src",
    "services/search lint: /srv/namecard/services/search/src/handler.ts",
    "services/search lint:   3:7  error  'label' is never used  no-unused-vars",
    *(f"services/search lint: more output {n}" for n in range(200)),
    "/srv/namecard/services/search:",
    " ERR_PNPM_RECURSIVE_RUN_FIRST_FAIL  @namecard/search@1.0.0 lint: `eslint src`",
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Make a world."""
    return World(tmp_path)


def run(world: World, gate: str) -> GateResult:
    """Run a gate as its asset does."""
    pipeline = world.pipeline()
    source = ready_source(pipeline, A)
    run_gate(pipeline, gate, source, getattr(pipeline.settings.gates, gate), "run-1", print)
    return next(result for result in pipeline.ledger.gates(A) if result.gate == gate)


def told(result: GateResult) -> list[tuple[str, Verdict]]:
    """Give the phases' names and verdicts."""
    return [(phase.name, phase.verdict) for phase in result.phases]


def test_the_ledger_says_which_package_failed_though_the_output_was_long(world: World) -> None:
    world.failing["lint:all"], world.output["lint:all"] = FAILED_RUN, ESLINT
    result = run(world, "quality")
    assert result.reason.startswith("lint: exit 1: @namecard/search lint: src/handler.ts:3:7 no-unused-vars")
    lint, *rest = result.phases
    assert lint.failures == (
        Failure("@namecard/search", "src/handler.ts:3:7", "no-unused-vars: 'label' is never used"),
    )
    assert [phase.reason for phase in rest if phase.verdict is UNKNOWN] == ["not run after lint"] * 3


def test_a_phase_that_ran_out_of_time_is_unknown_with_what_it_printed(world: World) -> None:
    world.failing["test:core"] = CommandOutcome(("pnpm",), None, 900.0, ("still running",), timed_out=True)
    world.output["test:core"] = ("not ok 1 - adds",)
    result = run(world, "quality")
    test = result.phases[2]
    assert (result.verdict, test.verdict, test.reason) == (UNKNOWN, UNKNOWN, "gave no result within 900 s")
    assert (test.tail, test.failures) == (("still running",), (Failure("", "", "adds"),))


def test_what_a_passing_phase_printed_is_no_failure(world: World) -> None:
    world.output["lint:all"] = ESLINT
    result = run(world, "quality")
    assert result.verdict is PASSED and not any(phase.failures for phase in result.phases)


@pytest.mark.parametrize(
    ("command_fails", "runbook", "expected", "verdict"),
    [
        (False, None, [("launch_verify", PASSED), ("documents", FAILED)], FAILED),
        (True, "good", [("launch_verify", FAILED), ("documents", PASSED)], FAILED),
        (True, None, [("launch_verify", FAILED), ("documents", FAILED)], FAILED),
        (False, "good", [("launch_verify", PASSED), ("documents", PASSED)], PASSED),
    ],
)
def test_the_platform_and_we_may_disagree_and_both_are_told(
    world: World, command_fails: bool, runbook: str | None, expected: list[tuple[str, Verdict]], verdict: Verdict
) -> None:
    if command_fails:
        world.failing["launch:verify"], world.output["launch:verify"] = FAILED_RUN, ("ERROR: RUNBOOK.md is short",)
    if runbook is None:
        world.launch[RUNBOOK] = None
    result = run(world, "launch_readiness")
    assert (told(result), result.verdict) == (expected, verdict)
    assert ("RUNBOOK.md:1 is not there" in result.reason) is (runbook is None)
    assert ("RUNBOOK.md is short" in result.reason) is command_fails


def test_the_monitor_names_the_markers_it_missed(world: World) -> None:
    # The fake knows a command that is no script by its first word, as it does the install.
    ready_source(world.pipeline(), A)
    world.failing["pnpm"] = FAILED_RUN
    world.output["pnpm"] = ("MISSING services/shared/src/logger.ts: coldStart", "synthetic monitor: 1 markers missing")
    (phase,) = run(world, "synthetic_monitor").phases
    assert phase.failures == (Failure("", "services/shared/src/logger.ts", "marker missing: coldStart"),)


FINDING = Finding(FIRST.path, 3, "own-transaction", Level.ERROR, "ends the transaction")


@pytest.mark.parametrize(
    ("findings", "verdict", "reason"),
    [
        ([], PASSED, "1 files, 0 warnings"),
        ([replace(FINDING, level=Level.WARNING)], PASSED, "1 files, 1 warnings"),
        ([FINDING], FAILED, f"1 files, 1 findings: {FIRST.path}:3 error: own-transaction: ends the transaction"),
    ],
)
def test_migrations_are_linted_beside_the_platforms_own_lint(
    world: World, findings: list[Finding], verdict: Verdict, reason: str
) -> None:
    world.findings = findings
    platform, own = lint(world)
    assert (platform.name, platform.verdict) == ("lint_migrations", PASSED)
    assert (own.name, own.verdict, own.reason) == ("statements", verdict, reason)
    assert len(own.failures) == len(findings)


def lint(world: World) -> tuple[Phase, ...]:
    """Check the gate `migration_lint` on a folder."""
    return check_gate(bench_of(world.pipeline()), "migration_lint", world.folder / A, print)


@pytest.mark.parametrize(
    ("error", "verdict"), [(TransientError("squawk gave no answer"), UNKNOWN), (PermanentError("not UTF-8"), FAILED)]
)
def test_what_our_own_reading_cannot_read_is_a_phase(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, verdict: Verdict
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr("tests.fakes.world.FakePorts.lint", refuse)
    *_, own = lint(world)
    assert (own.verdict, own.reason) == (verdict, str(error))
