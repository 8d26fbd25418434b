"""The rollback verdict over the fakes: before the deploy, in the watch, by hand, with a rehearsal, from the texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import CommandOutcome, GateResult, Verdict
from namecard_release.domain.migrations import LedgerRow, MigrationFile
from namecard_release.domain.promotion import Hold, Promotion, PromotionPhase
from namecard_release.domain.rehearsal import RehearsalMode
from namecard_release.domain.rollback import Action, Decision
from namecard_release.domain.safety import SafetyVerdict
from namecard_release.errors import RefusedError
from namecard_release.gate_settings import Command
from namecard_release.workflow.foretelling import foretell_rollback
from namecard_release.workflow.pipeline import StoppedError
from namecard_release.workflow.promoting import admit_promotion, explain_failure
from namecard_release.workflow.rolling_back import plan_rollback
from namecard_release.workflow.watching import Fallback, find_fallback, find_watched, look
from tests.fakes.world import START, A, B, C, World, migration
from tests.workflow.test_promotion import Stage

D = "d" * 40
MAKE = migration(
    "2026-01-01T0000__cards__create.sql",
    'create schema cards; create table cards."Card" ("id" integer primary key, "company" text);',
)
ADD = migration("2026-02-01T0000__cards__add-title.sql", 'alter table cards."Card" add column "title" text;')
DROP = migration("2026-02-02T0000__cards__drop-company.sql", '-- gone\nalter table cards."Card" drop column "company";')
HIDDEN = migration(
    "2026-02-03T0000__cards__hidden.sql", "do $$ begin execute 'alter table cards.x ' || current_user; end $$;"
)
TEST = ("pnpm", "run", "test:database")
FAILED_TEST = CommandOutcome(TEST, 1, 2.0, ('ERROR: column "company" does not exist',))


def stage_of(folder: Path, mode: RehearsalMode = RehearsalMode.NEVER, proves: bool = False) -> Stage:
    """Make a stage on which A runs and baked well; B adds a column, C drops one too, D does what nobody can read."""
    world = World(folder)
    world.files = {A: (MAKE,), B: (MAKE, ADD), C: (MAKE, ADD, DROP), D: (MAKE, HIDDEN)}
    stage = Stage(world, world.pipeline())
    settings = stage.pipeline.settings
    one = settings.environments["staging"].model_copy(update={"rehearsal": mode, "rehearsal_proves": proves})
    platform = settings.platform.model_copy(update={"rehearsal": (Command(argv=TEST),)})
    settings = settings.model_copy(
        update={"platform": platform, "environments": {**settings.environments, "staging": one}}
    )
    site = stage.pipeline.site("staging")
    stage.pipeline = replace(stage.pipeline, settings=settings, site=lambda _: replace(site, settings=one))
    bake(stage, A)
    return stage


def bake(stage: Stage, release: str) -> None:
    """Promote a release and let its bake end well."""
    stage.promote(release, f"run-{release[0]}")
    stage.world.pass_time(61)
    assert watched(stage).action is Action.PROCEED


def watched(stage: Stage) -> Decision:
    """Look once at the one promotion that is watched."""
    (promotion,) = find_watched(stage.pipeline)
    return look(stage.pipeline, promotion, find_fallback(stage.pipeline, promotion)).decision


def foretold(stage: Stage, release: str) -> tuple[Promotion, Fallback]:
    """Bring a promotion up to its deploy and ask what a rollback would mean."""
    promotion = stage.open(release, "run-2")
    stage.gate(release, "run-2")
    admitted = admit_promotion(stage.pipeline, promotion)
    return admitted, foretell_rollback(stage.pipeline, admitted, "run-2", print)


def breached(stage: Stage) -> Decision:
    """Let an alarm go off and look."""
    stage.world.pass_time(5)
    stage.world.set_alarm("CardsErrorsAlarm", AlarmState.ALARM)
    return watched(stage)


def recorded(stage: Stage, release: str, gate: str) -> list[GateResult]:
    """Give the results of a gate, newest first."""
    return [one for one in stage.pipeline.ledger.gates(release, "staging") if one.gate == gate]


CASES = {
    "additive": (B, Safety.SAFE, (ADD.name,), Verdict.PASSED),
    "a drop": (C, Safety.UNSAFE, (ADD.name, DROP.name), Verdict.FAILED),
    "dynamic": (D, Safety.UNKNOWN, (HIDDEN.name,), Verdict.UNKNOWN),
    "nothing between": (A, Safety.SAFE, (), Verdict.PASSED),
}


@pytest.mark.parametrize(("release", "safety", "between", "verdict"), CASES.values(), ids=CASES.keys())
def test_the_verdict_before_the_deploy_is_the_one_after_it(
    tmp_path: Path, release: str, safety: Safety, between: tuple[str, ...], verdict: Verdict
) -> None:
    stage = stage_of(tmp_path)
    if release == A:
        stage.world.files[A[::-1].replace("a", "e")] = (MAKE,)
        release = "e" * 40
    admitted, before = foretold(stage, release)
    assert (before.safety.safety, before.safety.between) == (safety, between)
    (result,) = recorded(stage, release, "rollback_verdict")
    assert result.verdict is verdict and result.reason.startswith("if this goes wrong, rollback to aaaaaaaa is ")
    assert result.evidence["to"] == A and result.evidence["between"] == ", ".join(between)
    assert [phase.verdict for phase in result.phases] == [verdict] * len(before.safety.reasons)
    deployed = stage.deploy(admitted)
    after = find_fallback(stage.pipeline, deployed)
    assert after.safety == before.safety


def test_the_first_release_of_all_has_nothing_to_go_back_to(tmp_path: Path) -> None:
    world = World(tmp_path)
    stage = Stage(world, world.pipeline())
    _, fallback = foretold(stage, A)
    assert fallback.last_good is None
    (result,) = recorded(stage, A, "rollback_verdict")
    assert result.verdict is Verdict.UNKNOWN and "no verified release" in result.reason


def test_the_verdict_admits_and_refuses_nothing_and_is_not_why_a_run_failed(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    admitted, _ = foretold(stage, C)
    assert admit_promotion(stage.pipeline, admitted).phase is PromotionPhase.GATED
    results = stage.pipeline.ledger.gates(C, "staging")
    assert any(one.verdict is Verdict.FAILED for one in results)
    assert explain_failure(results, "run-2", "killed") == "killed"


def test_an_alarm_after_an_additive_migration_rolls_back_by_itself(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    stage.promote(B, "run-b")
    decision = breached(stage)
    assert (decision.action, decision.to) == (Action.ROLL_BACK, A)


@pytest.mark.parametrize(
    ("release", "words"),
    [
        (C, ("is UNSAFE", f"{DROP.name}:2 ", "roll forward: keep the schema", "compensating migration")),
        (D, ("is UNKNOWN", f"{HIDDEN.name}:1 ", "roll forward: keep the schema")),
    ],
)
def test_an_alarm_after_anything_else_halts_with_the_statement_and_the_way_forward(
    tmp_path: Path, release: str, words: tuple[str, ...]
) -> None:
    stage = stage_of(tmp_path)
    promotion = stage.promote(release, "run-2")
    decision = breached(stage)
    assert decision.action is Action.HALT and all(word in decision.reason for word in words), decision.reason
    assert stage.phase(promotion) is PromotionPhase.HELD


def by_hand(stage: Stage, to: str | None = None) -> SafetyVerdict:
    """Plan a rollback by hand."""
    return plan_rollback(stage.pipeline, "staging", to).safety


def test_a_plan_by_hand_carries_the_reasons_and_what_to_do_instead(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    bake(stage, B)
    bake(stage, C)
    to_b, to_a = by_hand(stage), by_hand(stage, A)
    assert (to_b.safety, to_b.between) == (Safety.UNSAFE, (DROP.name,))
    assert (to_a.safety, to_a.between) == (Safety.UNSAFE, (ADD.name, DROP.name))
    assert [(one.file, one.line) for one in to_b.reasons] == [(DROP.name, 2)]
    assert to_b.roll_forward is not None
    assert 'alter table "cards"."Card" add column "company" text;' in [step.sql for step in to_b.roll_forward.steps]


CHANGED = migration(ADD.name, 'alter table cards."Card" add column "title" text; -- as it was applied')


@pytest.mark.parametrize(
    ("rows", "files", "rule"),
    [
        pytest.param([CHANGED], (MAKE, ADD), "checksum-differs", id="another text was applied"),
        pytest.param([ADD], (MAKE,), "text-not-found", id="no release has it"),
        pytest.param([ADD], (MAKE, replace(ADD, sql="hello")), "not-sql", id="no SQL"),
    ],
)
def test_a_text_that_cannot_be_had_makes_it_unknown(
    tmp_path: Path, rows: list[MigrationFile], files: tuple[MigrationFile, ...], rule: str
) -> None:
    stage = stage_of(tmp_path)
    stage.world.files = {A: (MAKE,), B: files}
    stage.world.applied += [LedgerRow(row.name, row.checksum, START, "hotfix-1") for row in rows]
    stage.world.deployed = B
    promotion = stage.open(B, "run-b")
    verdict = find_fallback(stage.pipeline, promotion).safety
    assert verdict.safety is Safety.UNKNOWN and not verdict.unread
    assert [(one.file, one.rule) for one in verdict.reasons] == [(ADD.name, rule)]


@pytest.mark.parametrize("version", [B, "hotfix-20260302"])
def test_a_text_is_found_in_the_release_that_applied_it(tmp_path: Path, version: str) -> None:
    """B applied ADD and was rolled back; what runs now never knew it (the migrator's ledger stays ahead)."""
    stage = stage_of(tmp_path)
    stage.world.files["e" * 40] = (MAKE,)
    bake(stage, "e" * 40)
    stage.world.applied.append(LedgerRow(ADD.name, ADD.checksum, START, version))
    expected = Safety.SAFE if version == B else Safety.UNKNOWN
    assert by_hand(stage).safety is expected


def test_a_schema_that_lacks_what_the_earlier_release_knows_is_unknown(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    bake(stage, B)
    stage.world.applied = [row for row in stage.world.applied if row.name != MAKE.name]
    verdict = by_hand(stage)
    assert verdict.safety is Safety.UNKNOWN and "lacks" in verdict.reason and verdict.roll_forward is not None


def test_a_database_that_does_not_answer_is_unread_and_gets_no_plan(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    bake(stage, B)
    stage.world.unreachable.add("database")
    verdict = by_hand(stage)
    assert (verdict.safety, verdict.unread, verdict.roll_forward) == (Safety.UNKNOWN, True, None)


def test_a_deploy_under_way_counts_with_what_it_brings(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    admitted, _ = foretold(stage, C)
    moment = stage.world.time
    stage.pipeline.ledger.move(
        admitted.id, PromotionPhase.DEPLOYING, moment, deploy_started_at=moment, code_changed=True
    )
    assert (by_hand(stage).safety, by_hand(stage).between) == (Safety.UNSAFE, (ADD.name, DROP.name))


def test_a_deploy_that_failed_after_its_migrations_is_where_their_texts_are(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    stage.world.files["e" * 40] = (MAKE,)
    stage.world.deploy_outcome = CommandOutcome(("cdk",), 1, 2.0, ("the function was not updated",))
    stage.world.statuses = ["UPDATE_ROLLBACK_COMPLETE"]
    with pytest.raises(StoppedError):
        stage.promote(B, "run-b")
    stage.world.deploy_outcome = CommandOutcome(("cdk",), 0, 2.0)
    bake(stage, "e" * 40)
    stage.world.applied.append(LedgerRow(ADD.name, ADD.checksum, START, None))
    assert by_hand(stage).safety is Safety.SAFE


def test_nothing_is_parsed_when_nothing_lies_between(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    stage.world.files["e" * 40] = (MAKE,)
    bake(stage, "e" * 40)
    stage.pipeline = replace(stage.pipeline, sql=None)  # type: ignore[arg-type]
    assert by_hand(stage).safety is Safety.SAFE


def test_a_held_release_is_no_target_by_hand_either(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    bake(stage, B)
    stage.promote(C, "run-c")
    stage.pipeline.ledger.hold(Hold("staging", B, "it lost cards", "ada", START))
    with pytest.raises(RefusedError, match="it is held there: it lost cards"):
        plan_rollback(stage.pipeline, "staging", B)
    assert plan_rollback(stage.pipeline, "staging", None).target.release == A


# --- the rehearsal

ON_DOUBT, ALWAYS = RehearsalMode.ON_DOUBT, RehearsalMode.ALWAYS
OWN_SCHEMA_TOO = "on the release's own schema too"


@pytest.mark.parametrize(
    ("mode", "proves", "release", "outcome", "safety", "held"),
    [
        pytest.param(ON_DOUBT, True, D, "passes", Safety.SAFE, Verdict.PASSED, id="proves what nobody could read"),
        pytest.param(ON_DOUBT, False, D, "passes", Safety.UNKNOWN, Verdict.PASSED, id="passes, and is no proof"),
        pytest.param(ON_DOUBT, True, D, "fails", Safety.UNSAFE, Verdict.FAILED, id="fails"),
        pytest.param(ON_DOUBT, True, D, "fails everywhere", Safety.UNKNOWN, Verdict.UNKNOWN, id="fails anywhere"),
        pytest.param(ON_DOUBT, True, D, "does not connect", Safety.UNKNOWN, Verdict.UNKNOWN, id="did not connect"),
        pytest.param(ON_DOUBT, True, D, "no server", Safety.UNKNOWN, Verdict.UNKNOWN, id="could not be held"),
        pytest.param(ON_DOUBT, True, B, "fails", Safety.SAFE, None, id="no doubt, no rehearsal"),
        pytest.param(ON_DOUBT, True, C, "passes", Safety.UNSAFE, None, id="unsafe, no rehearsal"),
        pytest.param(ALWAYS, True, C, "passes", Safety.UNSAFE, Verdict.PASSED, id="unsafe is not overturned"),
        pytest.param(ALWAYS, False, B, "passes", Safety.SAFE, Verdict.PASSED, id="always"),
        pytest.param(ALWAYS, False, B, "no server", Safety.UNKNOWN, Verdict.UNKNOWN, id="always, not held"),
    ],
)
def test_a_rehearsal_before_the_deploy(
    tmp_path: Path,
    mode: RehearsalMode,
    proves: bool,
    release: str,
    outcome: str,
    safety: Safety,
    held: Verdict | None,
) -> None:
    stage = stage_of(tmp_path, mode, proves)
    prepare(stage, outcome)
    admitted, before = foretold(stage, release)
    assert before.safety.safety is safety, before.safety
    assert [one.verdict for one in recorded(stage, release, "rehearsal")] == ([] if held is None else [held])
    assert (before.rehearsal.verdict if before.rehearsal else None) == held
    stage.world.failing.clear()
    assert find_fallback(stage.pipeline, stage.deploy(admitted)).safety == before.safety
    assert (breached(stage).action is Action.ROLL_BACK) == (safety is Safety.SAFE)


def prepare(stage: Stage, outcome: str) -> None:
    """Make the rehearsal's tests end in some way; a failure is one on the newer schema unless it is everywhere."""
    world = stage.world
    if outcome == "no server":
        world.unreachable.add("rehearsal")
    world.unused = outcome == "does not connect"
    if outcome in ("fails", "fails everywhere"):
        world.failing["test:database"] = FAILED_TEST
        world.failing_stages = None if outcome == "fails everywhere" else 1


def test_a_rehearsal_runs_the_earlier_releases_own_tests_on_the_newer_files(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, ON_DOUBT)
    foretold(stage, D)
    assert stage.world.staged == [(MAKE.name, HIDDEN.name)]
    assert stage.world.ran[-1] == TEST
    assert stage.world.folders[-1] == stage.world.folder / A
    told = stage.world.variables[-1]
    assert {name: told[name] for name in sorted(told)} == {
        "DB_HOST": "db.example",
        "DB_NAME": "rehearsal",
        "DB_PASSWORD": "secret-word",
        "DB_PORT": "5433",
        "DB_USER": "ada",
    }
    assert "secret-word" not in repr(recorded(stage, D, "rehearsal"))


def test_a_rehearsal_on_record_is_not_held_again(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, ON_DOUBT)
    admitted, _ = foretold(stage, D)
    again = foretell_rollback(stage.pipeline, admitted, "run-3", print)
    assert len(stage.world.staged) == 1 and len(recorded(stage, D, "rehearsal")) == 1
    assert again.rehearsal is not None and again.rehearsal.run_id == "run-2"


def test_a_rollback_itself_never_rehearses(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, ALWAYS, True)
    bake(stage, B)
    before = list(stage.world.ran)
    assert by_hand(stage).reason == "the policy asks for a rehearsal, and no rehearsal was held"
    assert stage.world.staged == [] and stage.world.ran == before
