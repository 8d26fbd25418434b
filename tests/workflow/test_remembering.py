"""What a second promotion re-uses and what makes a gate run again, through the workflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from namecard_release.domain.evidence import INPUTS, REUSED_FROM
from namecard_release.domain.gates import CommandOutcome, GateResult, Verdict
from namecard_release.domain.migrations import LedgerRow
from namecard_release.domain.release import Release
from namecard_release.errors import PermanentError
from namecard_release.gate_settings import GatePolicy
from namecard_release.workflow.ahead import synthesise_ahead
from namecard_release.workflow.assembling import build_assembly
from namecard_release.workflow.foreseeing import is_remembered
from namecard_release.workflow.gating import RELEASE_GATES, run_gate
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.planning import plan_release
from namecard_release.workflow.sources import Source, build_once, ready_source
from tests.fakes.world import FIRST, SECOND, START, A, B, World

GATES = (*RELEASE_GATES, "migration_plan", "assembly")
FAILED_RUN = CommandOutcome(("pnpm",), 1, 2.0, ("2 problems",))


@dataclass
class Stage:
    """A world with its pipeline."""

    world: World
    pipeline: Pipeline

    def gate(self, environment: str = "staging", release: str = A, run: str = "run-2") -> dict[str, GateResult]:
        """Run every gate of a promotion as its assets do, and give the results by gate."""
        source = ready_source(self.pipeline, release)
        gates = self.pipeline.settings.gates
        own = [run_gate(self.pipeline, g, source, getattr(gates, g), run, print) for g in RELEASE_GATES]
        own.append(plan_release(self.pipeline, environment, source, run, print).result)
        own.append(build_assembly(self.pipeline, environment, source, run, print).result)
        synthesise_ahead(self.pipeline, environment, source, run, print)
        return {result.gate: result for result in own}

    def again(self, environment: str = "staging", release: str = A) -> tuple[set[str], set[str]]:
        """Run every gate again; gives which gates were checked anew, and the commands that ran."""
        before = len(self.world.ran)
        results = self.gate(environment, release)
        ran = {words[-1] for words in self.world.ran[before:]}
        return {gate for gate, result in results.items() if REUSED_FROM not in result.evidence}, ran

    def change(self, **sections: Any) -> None:
        """Change the settings' sections."""
        self.pipeline = replace(self.pipeline, settings=self.pipeline.settings.model_copy(update=sections))

    def set_policy(self, gate: str, **policy: Any) -> None:
        """Change the policy of one gate."""
        gates = self.pipeline.settings.gates
        self.change(gates=gates.model_copy(update={"policy": {gate: GatePolicy(**policy)}}))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Make a stage on which every gate has passed once."""
    world = World(tmp_path)
    stage = Stage(world, world.pipeline())
    assert {result.verdict for result in stage.gate(run="run-1-long-id").values()} == {Verdict.PASSED}
    world.pass_time(5)
    return stage


def test_a_second_promotion_of_the_same_release_runs_nothing(stage: Stage) -> None:
    assert stage.again() == (set(), set())
    assert stage.world.trials == [(FIRST.name,)]


def test_the_next_environment_runs_its_migration_plan_alone(stage: Stage) -> None:
    assert stage.again("prod") == ({"migration_plan"}, set())


def test_a_result_that_was_reused_says_so_and_keeps_the_phases(stage: Stage) -> None:
    first = {result.gate: result for result in stage.pipeline.ledger.gates(A, "staging")}
    stage.world.pass_time(720)
    again = stage.gate()
    quality = again["quality"]
    assert quality.reason == "same tree, same tools, checked 12 min ago by run run-1-lo: 4 of 4 phases passed"
    assert quality.phases == first["quality"].phases
    assert quality.run_id == "run-2" and quality.started_at > first["quality"].ended_at
    assert f"gate result {first['quality'].id}" in quality.evidence[REUSED_FROM]
    assert again["assembly"].reason == "same inputs, built 12 min ago by run run-1-lo: 2 of 2 phases passed"
    assert f"gate result {first['assembly'].id}" in again["assembly"].evidence[REUSED_FROM]
    assert stage.pipeline.ledger.gates(A)[0].evidence[INPUTS] == first["synthetic_monitor"].evidence[INPUTS]


def _change_command(stage: Stage) -> None:
    gates = stage.pipeline.settings.gates
    lint = gates.quality[0].model_copy(update={"argv": ("pnpm", "run", "lint:some")})
    stage.change(gates=gates.model_copy(update={"quality": (lint, *gates.quality[1:])}))


def _change_environment(stage: Stage) -> None:
    gates = stage.pipeline.settings.gates
    phase = gates.launch_readiness[0].model_copy(update={"env": {"TOKEN": "another"}})
    stage.change(gates=gates.model_copy(update={"launch_readiness": (phase,)}))


def _change_build(stage: Stage) -> None:
    platform = stage.pipeline.settings.platform
    build = (platform.build[0].model_copy(update={"env": {"MODE": "other"}}),)
    stage.change(platform=platform.model_copy(update={"build": build}))


def _change_install(stage: Stage) -> None:
    platform = stage.pipeline.settings.platform
    install = platform.install.model_copy(update={"argv": (*platform.install.argv, "--prefer-offline")})
    stage.change(platform=platform.model_copy(update={"install": install}))


def _change_password(stage: Stage) -> None:
    _change_trial_server(stage)
    stage.gate()
    trial = stage.pipeline.settings.trial
    stage.change(trial=trial.model_copy(update={"database_url": "postgresql://x:rotated@other:1/db?connect_timeout=3"}))


def _change_node(stage: Stage) -> None:
    stage.world.tools["node"] = "v26.0.0"


def _lose_pnpm(stage: Stage) -> None:
    stage.world.tools["pnpm"] = None


def _change_target(stage: Stage) -> None:
    stage.world.applied.append(LedgerRow(FIRST.name, FIRST.checksum, START))


def _change_migrations(stage: Stage) -> None:
    stage.world.files[A] = (FIRST, SECOND)


def _change_trial_server(stage: Stage) -> None:
    trial = stage.pipeline.settings.trial
    stage.change(trial=trial.model_copy(update={"database_url": "postgresql://x:secret@other:1/db"}))


def _forbid(stage: Stage) -> None:
    stage.set_policy("quality", reuse=False)


EVERY = set(GATES)


@pytest.mark.parametrize(
    ("change", "gates"),
    [
        pytest.param(_change_command, {"quality"}, id="a command"),
        pytest.param(_change_environment, {"launch_readiness"}, id="a value of a command's environment"),
        pytest.param(_change_build, {"assembly"}, id="the build"),
        pytest.param(_change_install, EVERY, id="the installation"),
        pytest.param(_change_password, set(), id="the password of the trial's server"),
        pytest.param(_change_node, EVERY, id="node's version"),
        pytest.param(_lose_pnpm, EVERY, id="a version that was not read"),
        pytest.param(_change_target, {"migration_plan"}, id="the target's ledger"),
        pytest.param(_change_migrations, {"migration_plan", "assembly"}, id="migrations"),
        pytest.param(_change_trial_server, {"migration_plan"}, id="the trial's server"),
        pytest.param(_forbid, {"quality"}, id="the policy"),
    ],
)
def test_what_changed_runs_the_right_gates_again(
    stage: Stage, change: Callable[[Stage], None], gates: set[str]
) -> None:
    change(stage)
    if change is _change_migrations:
        # The kept assembly has another bundle: it is judged again, and no longer fits.
        results = stage.gate()
        assert results["assembly"].verdict is Verdict.FAILED
        assert REUSED_FROM not in results["migration_plan"].evidence
        return
    assert stage.again()[0] == gates


@pytest.mark.parametrize(
    ("seconds", "gates"),
    [
        (14 * 60, set()),
        (16 * 60, {"migration_plan"}),
        (25 * 3600, {"migration_plan", "launch_readiness", "synthetic_monitor"}),
        (8 * 86_400, {"migration_plan", "launch_readiness", "synthetic_monitor", "quality"}),
    ],
)
def test_a_check_stands_for_as_long_as_its_policy_says(stage: Stage, seconds: float, gates: set[str]) -> None:
    stage.world.pass_time(seconds)
    assert stage.again()[0] == gates


def test_reusing_a_check_does_not_renew_it(stage: Stage) -> None:
    stage.set_policy("quality", max_age_seconds=100)
    stage.gate()
    for _ in range(3):
        stage.world.pass_time(40)
        last = stage.again()[0]
    assert last == {"quality"}


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [(FAILED_RUN, Verdict.FAILED), (CommandOutcome(("pnpm",), None, 9.0, timed_out=True), Verdict.UNKNOWN)],
)
def test_only_what_passed_is_reused(tmp_path: Path, outcome: CommandOutcome, verdict: Verdict) -> None:
    world = World(tmp_path)
    stage = Stage(world, world.pipeline())
    world.failing["test:core"] = outcome
    assert stage.gate()["quality"].verdict is verdict
    assert stage.again()[0] == {"quality"}
    world.failing.clear()
    assert stage.again()[0] == {"quality"}
    assert stage.again()[0] == set()


def test_a_failed_lint_of_migrations_is_not_kept_and_the_plan_tells_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    stage = Stage(world, world.pipeline())
    world.failing["lint:migrations"] = FAILED_RUN
    assert "lint_migrations: exit 1" in stage.gate()["migration_plan"].reason
    assert all(result.gate != "migration_lint" for result in stage.pipeline.ledger.gates(A, "staging"))
    world.failing.clear()
    assert "lint:migrations" in stage.again()[1]


def test_another_commit_of_the_same_tree_reuses_what_is_about_the_tree(stage: Stage) -> None:
    stage.world.files[B] = stage.world.files[A]
    repository = stage.pipeline.repository
    same = _SameTree(repository)
    stage.pipeline = replace(stage.pipeline, repository=same)
    # The commit's SHA is in the assembly, so that is another one.
    checked, _ = stage.again("staging", B)
    assert checked == {"assembly"}
    quality = next(r for r in stage.pipeline.ledger.gates(B) if r.gate == "quality")
    assert f"commit {A}" in quality.evidence[REUSED_FROM]


class _SameTree:
    """A repository whose commits all have one tree."""

    def __init__(self, repository: Any) -> None:
        self._repository = repository

    def resolve(self, ref: str) -> Release:
        return replace(self._repository.resolve(ref), tree="tree-" + A[:4])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repository, name)


def test_no_secret_is_in_the_evidence(stage: Stage) -> None:
    _change_environment(stage)
    _change_trial_server(stage)
    stage.gate()
    told = str([result.evidence for result in stage.pipeline.ledger.gates(A, "staging")])
    assert "another" not in told and "secret" not in told


def test_the_versions_of_the_tools_are_told(stage: Stage) -> None:
    told = {r.gate: r.evidence.get("tools") for r in stage.pipeline.ledger.gates(A, "staging")}
    assert {gate: told[gate] for gate in GATES} == dict.fromkeys(GATES, "node v24.0.0, pnpm 8.15.4")


def test_an_unread_target_has_no_plan_that_stands(stage: Stage) -> None:
    stage.world.unreachable.add("database")
    assert stage.gate()["migration_plan"].verdict is Verdict.UNKNOWN


def test_the_assemblies_of_what_comes_next_are_synthesised_ahead(stage: Stage) -> None:
    (ahead,) = (r for r in stage.pipeline.ledger.gates(A, "prod") if r.gate == "assembly")
    assert (ahead.verdict, ahead.environment, ahead.run_id) == (Verdict.PASSED, "prod", "run-1-long-id")
    assert len([words for words in stage.world.ran if words[-1] == "build"]) == 1


def test_nothing_is_synthesised_ahead_where_nothing_follows_or_the_settings_say_no(stage: Stage) -> None:
    source = ready_source(stage.pipeline, A)
    assert synthesise_ahead(stage.pipeline, "prod", source, "run-2", print) == ()
    stage.change(platform=stage.pipeline.settings.platform.model_copy(update={"synthesise_ahead": False}))
    assert synthesise_ahead(stage.pipeline, "staging", source, "run-2", print) == ()


def test_what_goes_wrong_ahead_is_told_and_no_more(tmp_path: Path) -> None:
    world = World(tmp_path)
    pipeline = world.pipeline()
    source = ready_source(pipeline, A)
    world.failing["pnpm"] = FAILED_RUN
    (phase,) = synthesise_ahead(pipeline, "staging", source, "run-1", print)
    assert (phase.name, phase.verdict) == ("prod", Verdict.FAILED)
    (phase,) = synthesise_ahead(replace(pipeline, store=_BrokenStore()), "staging", source, "run-1", print)
    assert (phase.verdict, phase.reason) == (Verdict.UNKNOWN, "the disk is full")


class _BrokenStore:
    """A store that keeps nothing."""

    def __getattr__(self, name: str) -> Any:
        raise PermanentError("the disk is full")


def test_a_build_that_failed_or_whose_packages_are_gone_is_made_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    pipeline = world.pipeline()
    source: Source = ready_source(pipeline, A)
    world.failing["pnpm"] = FAILED_RUN
    assert [phase.verdict for phase in build_once(pipeline, source, print)] == [Verdict.FAILED]
    world.failing.clear()
    assert [phase.verdict for phase in build_once(pipeline, source, print)] == [Verdict.PASSED]
    assert build_once(pipeline, source, print) == ()
    (source.folder / "node_modules" / ".namecard-release-built").unlink()
    assert len(build_once(pipeline, source, print)) == 1


@pytest.mark.parametrize(
    ("change", "environment", "remembered"),
    [
        (None, "staging", True),
        (None, "prod", True),
        (None, "dev", False),
        (_change_command, "staging", False),
        (_change_build, "staging", False),
        (_change_target, "staging", True),
        (_lose_pnpm, "staging", False),
    ],
)
def test_it_is_foreseen_whether_hardly_anything_is_left_to_check(
    stage: Stage, change: Callable[[Stage], None] | None, environment: str, remembered: bool
) -> None:
    if change is not None:
        change(stage)
    before = len(stage.world.ran), len(stage.pipeline.ledger.gates(A, environment))
    assert is_remembered(stage.pipeline, environment, A) is remembered
    assert (len(stage.world.ran), len(stage.pipeline.ledger.gates(A, environment))) == before


def test_a_release_that_is_new_here_is_not_remembered(stage: Stage) -> None:
    assert not is_remembered(stage.pipeline, "staging", B)
