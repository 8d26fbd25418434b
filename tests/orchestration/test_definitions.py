"""The Dagster definitions over the fakes: what a run does, what a tick launches, what a failed run leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest

from assets.requests import RETRY_TAGS
from namecard_release.definitions import build_defs
from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.gates import CommandOutcome
from namecard_release.domain.heartbeats import name_run
from namecard_release.domain.linting import Finding, Level
from namecard_release.domain.migrations import StatementCost, TrialResult
from namecard_release.domain.promotion import PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action, Decision
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.promoting import Request, open_promotion
from namecard_release.workflow.waiving import WaiverRequest, waive_gate
from sensors.alarms import alarm_rollback_sensor, watch
from sensors.commits import commits_sensor
from sensors.deadlines import deadline_sensor
from sensors.run_status import cancelled_run_sensor, failed_run_sensor
from sensors.silent_runs import silent_run_sensor
from tests.fakes.world import FIRST, SECOND, A, B, C, World, migration

# What it does is known only when it runs.
HIDDEN = migration(SECOND.name, "do $$ begin execute current_setting('x.y'); end $$;")
TAGS = {"namecard/actor": "ada", "namecard/reason": "because"}


class Stage:
    """A world, its definitions and an instance of Dagster in memory."""

    def __init__(
        self, folder: Path, instance: dg.DagsterInstance, own: dict[str, dict[str, object]] | None = None
    ) -> None:
        self.world = World(folder, own=own or {})
        self.pipeline: Pipeline = self.world.pipeline()
        resource = dg.ResourceDefinition.hardcoded_resource(self.pipeline)
        self.defs = build_defs(self.pipeline.settings, resource, lambda: self.pipeline)
        self.instance = instance
        instance.add_dynamic_partitions("releases", [A, B, C])

    def promote(
        self, release: str, environment: str = "staging", tags: Mapping[str, str] = TAGS
    ) -> dg.ExecuteInProcessResult:
        """Run a promotion job."""
        job = self.defs.resolve_job_def(f"promote_{environment}_job")
        return job.execute_in_process(
            instance=self.instance, partition_key=release, tags=dict(tags), raise_on_error=False
        )

    def roll_back(self, actor_tag: str | None = None, **config: object) -> dg.ExecuteInProcessResult:
        """Run the rollback job."""
        tags = {} if actor_tag is None else {"namecard/actor": actor_tag}
        run_config = {"ops": {"rollback_deployment": {"config": {"environment": "staging", **config}}}}
        job = self.defs.resolve_job_def("rollback_job")
        return job.execute_in_process(instance=self.instance, run_config=run_config, tags=tags, raise_on_error=False)

    def bake(self) -> None:
        """Let a bake end well."""
        self.world.pass_time(61)
        assert watch(self.pipeline, 0, lambda: 0.0, lambda _: None).events

    def phases(self, release: str) -> list[PromotionPhase]:
        """Give the phases of a release's promotions, newest first."""
        return [p.phase for p in self.pipeline.ledger.history("staging") if p.release == release]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Make a stage."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Stage(tmp_path, instance)


def test_a_promotion_materialises_every_asset_with_passing_checks(stage: Stage) -> None:
    result = stage.promote(A)
    assert result.success
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}
    own = {"staging/migration_plan", "staging/assembly", "staging/deployment"}
    assert made == {"source", "quality", "launch_readiness", "synthetic_monitor"} | own
    assert str(_shown(result)["dashboard"].value).endswith("namecard-staging-observability")
    checks = result.get_asset_check_evaluations()
    assert len(checks) == 7 and all(check.passed for check in checks)
    (promotion,) = stage.pipeline.ledger.history("staging")
    assert (promotion.actor, promotion.reason, promotion.phase) == ("ada", "because", PromotionPhase.BAKING)


def test_the_migration_plan_shows_what_each_statement_costs_and_what_it_was_read_from(stage: Stage) -> None:
    cost = StatementCost(FIRST.name, 3, 1.25, ("auth.User AccessExclusiveLock",), ("auth.User",))
    stage.world.trial = TrialResult((FIRST.name,), seconds=0.1, statements=(cost,), basis="target's schema")
    stage.world.findings = [Finding(FIRST.path, 3, "some-rule", Level.WARNING, "look at this")]
    shown = _shown(stage.promote(A), "migration_plan")
    (statement,) = shown["statements"].records  # type: ignore[attr-defined]
    assert statement.data == {
        "file": FIRST.name,
        "line": "3",
        "ms": "1.2",
        "locks": "auth.User AccessExclusiveLock",
        "rewrites": "auth.User",
    }
    (finding,) = shown["findings"].records  # type: ignore[attr-defined]
    assert finding.data["message"] == "look at this" and finding.data["level"] == "warning"
    assert (shown["catalogue"].value, shown["trial_basis"].value) == ("catalogue", "target's schema")


def _shown(result: dg.ExecuteInProcessResult, asset: str = "deployment") -> Mapping[str, dg.MetadataValue]:
    key = dg.AssetKey(["staging", asset])
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key == key]
    return event.materialization.metadata


def test_a_failed_gate_stops_the_run_before_the_deployment_and_the_sensor_tells_why(stage: Stage) -> None:
    stage.world.failing["lint:all"] = CommandOutcome(("pnpm",), 1, 1.0, ("2 problems",))
    result = stage.promote(A)
    assert not result.success and stage.world.deploys == []
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_run_sensor",
        dagster_event=_failure(result),
        dagster_instance=stage.instance,
        dagster_run=result.dagster_run,
    ).for_run_failure()
    failed_run_sensor(context, pipeline=stage.pipeline)
    (promotion,) = stage.pipeline.ledger.history("staging")
    assert promotion.phase is PromotionPhase.FAILED
    assert promotion.reason == "failed gates: quality: lint: exit 1"


def test_a_run_whose_process_was_found_dead_is_told_as_such(stage: Stage) -> None:
    job = stage.defs.resolve_job_def("promote_staging_job")
    run = stage.instance.create_run_for_job(job, tags=dict(job.tags))
    asked = Request("staging", A, PromotionKind.PROMOTION, "ada", "because", run.run_id, run.run_id)
    promotion = open_promotion(stage.pipeline, asked)
    # What the code server does for a run whose process is gone, in Dagster's own words.
    event = stage.instance.report_run_failed(run)
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_run_sensor", dagster_event=event, dagster_instance=stage.instance, dagster_run=run
    ).for_run_failure()
    failed_run_sensor(context, pipeline=stage.pipeline)
    failed = stage.pipeline.ledger.promotion(promotion.id)
    assert failed is not None and failed.phase is PromotionPhase.FAILED
    assert failed.reason == "the run's process ended without a word: it was killed, or its machine had no memory left"
    resumed = open_promotion(stage.pipeline, replace(asked, run_id="run-2", retried=True))
    assert (resumed.phase, resumed.reason) == (PromotionPhase.REQUESTED, "because")


def test_a_run_that_fell_silent_is_marked_as_failed_once(stage: Stage) -> None:
    job = stage.defs.resolve_job_def("promote_staging_job")
    run = stage.instance.create_run_for_job(job, tags=dict(job.tags))
    asked = Request("staging", A, PromotionKind.PROMOTION, "ada", "because", run.run_id, run.run_id)
    promotion = open_promotion(stage.pipeline, asked)
    context = dg.build_sensor_context(instance=stage.instance)
    stage.pipeline.ledger.beat(name_run(run.run_id), stage.world.time)
    assert "every run under way" in str(silent_run_sensor(context, pipeline=stage.pipeline))
    stage.world.time += timedelta(seconds=36)
    assert promotion.id in str(silent_run_sensor(context, pipeline=stage.pipeline))
    failed = stage.instance.get_run_by_id(run.run_id)
    assert failed is not None and failed.is_failure
    assert "every run under way" in str(silent_run_sensor(context, pipeline=stage.pipeline))


def _failure(result: dg.ExecuteInProcessResult) -> dg.DagsterEvent:
    (event,) = [e for e in result.all_events if e.event_type_value == "PIPELINE_FAILURE"]
    return event


def test_a_failed_gate_shows_which_package_failed_as_a_table(stage: Stage) -> None:
    stage.world.failing["lint:all"] = CommandOutcome(("pnpm",), 1, 2.0)
    stage.world.output["lint:all"] = (
        "services/ocr lint$ eslint src",
        "services/ocr lint: src/a.ts",
        "services/ocr lint:   1:2  error  Odd  no-odd",
    )
    checks = {check.check_name: check for check in stage.promote(A).get_asset_check_evaluations()}
    table = checks["quality"].metadata["failures"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [record.data for record in table.records] == [
        {"phase": "lint", "package": "services/ocr", "place": "src/a.ts:1:2", "what": "no-odd: Odd"}
    ]
    assert "failures" not in checks["launch_readiness"].metadata


def test_a_cancelled_run_aborts_its_promotion(stage: Stage) -> None:
    stage.world.failing["lint:all"] = CommandOutcome(("pnpm",), 1, 1.0)
    result = stage.promote(A)
    context = dg.build_run_status_sensor_context(
        sensor_name="cancelled_run_sensor",
        dagster_event=_failure(result),
        dagster_instance=stage.instance,
        dagster_run=result.dagster_run,
    )
    cancelled_run_sensor(context, pipeline=stage.pipeline)
    assert stage.phases(A) == [PromotionPhase.ABORTED]


def test_an_alarm_launches_one_rollback_that_restores_the_last_good_release(stage: Stage) -> None:
    stage.promote(B)
    stage.bake()
    stage.promote(C)
    stage.world.pass_time(5)
    alarm = stage.world.set_alarm("CardsServiceErrorsAlarm", AlarmState.ALARM)
    first, again = (watch(stage.pipeline, 0, lambda: 0.0, lambda _: None) for _ in range(2))
    (request,), (repeated,) = first.runs, again.runs
    assert request.run_key == repeated.run_key
    promotion = stage.pipeline.ledger.history("staging")[0]
    assert request.tags["namecard/alarm"] == alarm.arn
    assert request.tags["namecard/promotion"] == promotion.id
    config = request.run_config["ops"]["rollback_deployment"]["config"]
    assert stage.roll_back(to=config["to"], reason=config["reason"]).success
    assert (stage.world.deployed, stage.world.deploys) == (B, [B, C, B])
    assert stage.phases(C) == [PromotionPhase.ROLLED_BACK]
    assert not watch(stage.pipeline, 0, lambda: 0.0, lambda _: None).decided


def test_a_rollback_that_does_not_restore_health_fails_and_says_so(stage: Stage) -> None:
    stage.promote(B)
    stage.bake()
    stage.promote(C)
    stage.world.sick.add("auth")
    result = stage.roll_back()
    assert not result.success
    assert stage.phases(B)[0] is PromotionPhase.FAILED
    assert "health was not restored" in stage.pipeline.ledger.history("staging")[0].reason


def test_a_rollback_onto_an_unjudged_schema_is_refused_unless_accepted(stage: Stage) -> None:
    stage.world.files[B] = (FIRST, HIDDEN)
    stage.promote(A)
    stage.bake()
    stage.promote(B)
    stage.bake()
    assert not stage.roll_back().success
    assert stage.world.deployed == B
    assert stage.roll_back(accept_schema_risk=True).success
    assert stage.world.deployed == A


def _observed(result: dg.ExecuteInProcessResult) -> dg.AssetObservation:
    (event,) = [e for e in result.all_events if e.event_type_value == "ASSET_OBSERVATION"]
    return event.asset_observation_data.asset_observation


def test_what_a_rollback_would_mean_is_shown_before_the_deploy(stage: Stage) -> None:
    stage.world.files[B] = (FIRST, HIDDEN)
    stage.promote(A)
    stage.bake()
    stage.world.deploy_outcome = CommandOutcome(("cdk",), 1, 1.0, ("RunMigrations failed",))
    failed = stage.promote(B)
    assert not failed.success
    seen = _observed(failed)
    assert (seen.asset_key.to_user_string(), seen.partition) == ("staging/deployment", B)
    assert str(seen.metadata["rollback"].value).startswith("if this goes wrong, rollback to aaaaaaaa is UNKNOWN")
    assert {"rollback verdict", "migrations between", "rollback reasons", "roll forward"} <= set(seen.metadata)
    stage.world.deploy_outcome = CommandOutcome(("cdk",), 0, 1.0)
    done = stage.promote(B)
    assert done.success and {"rollback", "rollback reasons", "roll forward", "bake_until"} <= set(_shown(done))
    (promotion, *_) = stage.pipeline.ledger.history("staging")
    moves = {phase: why for _, phase, why in stage.pipeline.ledger.moves(promotion.id)}
    assert moves[PromotionPhase.DEPLOYING].startswith("if this goes wrong")


def test_a_rollback_is_planned_in_the_ui_without_being_done(stage: Stage) -> None:
    stage.world.files[B] = (FIRST, HIDDEN)
    for release in (A, B):
        stage.promote(release)
        stage.bake()
    job = stage.defs.resolve_job_def("rollback_plan_job")
    config = {"ops": {"rollback_plan": {"config": {"environment": "staging", "to": A}}}}
    result = job.execute_in_process(instance=stage.instance, run_config=config)
    assert result.output_for_node("rollback_plan") == "UNKNOWN"
    assert stage.world.deploys == [A, B]
    config["ops"]["rollback_plan"]["config"]["to"] = B
    refused = job.execute_in_process(instance=stage.instance, run_config=config, raise_on_error=False)
    assert not refused.success


def test_readiness_tells_every_signal(stage: Stage) -> None:
    job = stage.defs.resolve_job_def("readiness_job")
    stage.promote(A)
    for seen, ready in ((False, False), (True, True)):
        if seen:
            watch(stage.pipeline, 0, lambda: 0.0, lambda _: None)
        checks = job.execute_in_process(instance=stage.instance).get_asset_check_evaluations()
        found = {check.asset_key.path[0]: check.passed for check in checks}
        assert found == {"dev": False, "staging": ready, "prod": False}


def test_a_long_tick_is_seen_every_ten_seconds(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    time, beats = [0.0], list[float]()
    monkeypatch.setattr(stage.pipeline.ledger, "beat", lambda name, at: beats.append(time[0]))
    watch(stage.pipeline, 24, lambda: time[0], lambda seconds: time.__setitem__(0, time[0] + seconds))
    assert beats == [0, 10, 20]


def test_a_promotion_past_its_deadline_is_held_by_a_sensor(stage: Stage) -> None:
    promotion = open_promotion(
        stage.pipeline, Request("staging", A, PromotionKind.PROMOTION, "ada", "why", "run-1", "run-1")
    )
    context = dg.build_sensor_context(instance=stage.instance)
    assert "nothing is overdue" in str(deadline_sensor(context, pipeline=stage.pipeline))
    stage.world.pass_time(7201)
    assert promotion.id in str(deadline_sensor(context, pipeline=stage.pipeline))
    assert stage.phases(A) == [PromotionPhase.HELD]


def test_a_run_that_was_killed_is_retried_by_itself_and_one_that_was_refused_is_not(stage: Stage) -> None:
    for name in ("promote_staging_job", "rollback_job"):
        tags = stage.defs.resolve_job_def(name).tags
        assert {key: tags[key] for key in RETRY_TAGS} == RETRY_TAGS
    assert RETRY_TAGS["dagster/retry_on_asset_or_op_failure"] == "false"


def test_a_bake_whose_run_was_killed_at_its_last_breath_is_found_as_it_is(stage: Stage) -> None:
    stage.promote(B)
    before = stage.pipeline.ledger.history("staging")
    assert stage.pipeline.ledger.record_decision(before[0].id, Decision(Action.HALT, "why"), stage.world.time)
    job = stage.defs.resolve_job_def("promote_staging_job")
    (first,) = stage.instance.get_runs()
    again = job.execute_in_process(
        instance=stage.instance,
        partition_key=B,
        # A promotion is known by its first run's first letters, so that this run stands for a retry of that one.
        run_id=first.run_id[:8] + str(uuid4())[8:],
    )
    assert again.success and stage.world.deploys == [B]
    assert stage.pipeline.ledger.decision(before[0].id) is not None


def test_new_commits_become_releases(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance)
        result = commits_sensor(context, pipeline=World(tmp_path).pipeline())
        assert isinstance(result, dg.SensorResult)
        (added,) = result.dynamic_partitions_requests or []
        assert sorted(added.partition_keys) == [A, B, C]


def test_the_alarm_sensor_is_on_by_default() -> None:
    assert alarm_rollback_sensor.default_status is dg.DefaultSensorStatus.RUNNING


def _check(result: dg.ExecuteInProcessResult, name: str) -> dg.AssetCheckEvaluation:
    (check,) = [one for one in result.get_asset_check_evaluations() if one.check_name == name]
    return check


def test_a_waived_gate_passes_as_a_warning_that_tells_what_is_under_it(stage: Stage) -> None:
    stage.world.failing["lint:all"] = CommandOutcome(("pnpm",), 1, 1.0)
    request = WaiverRequest("quality", A, "staging", "ada", "known flake", "2h")
    waive_gate(stage.pipeline.settings, stage.pipeline.ledger, request, stage.world.time)
    result = stage.promote(A)
    assert result.success
    told = "WAIVED (FAILED: lint: exit 1) by ada until 2026-03-02 11:00 UTC: known flake"
    check = _check(result, "quality")
    assert (check.passed, check.severity, check.description) == (True, dg.AssetCheckSeverity.WARN, told)
    assert check.metadata["waived"].value == told
    assert _shown(result)["waived"].value == f"quality {told}"
    assert not stage.promote(A, "dev").success


def test_a_second_promotion_says_what_it_reuses(stage: Stage) -> None:
    stage.promote(A)
    stage.bake()
    result = stage.promote(A, "prod")
    assert result.success
    for gate in ("quality", "launch_readiness", "synthetic_monitor", "assembly"):
        check = _check(result, gate)
        assert check.metadata["re-used"].value is True and "run" in str(check.metadata["reused_from"].value)
        assert check.description is not None and check.description.startswith("PASSED: same ")
    assert _check(result, "migration_plan").metadata["re-used"].value is False


def test_an_assembly_shows_what_was_synthesised_ahead(stage: Stage) -> None:
    result = stage.promote(A)
    (event,) = [
        e for e in result.get_asset_materialization_events() if e.asset_key == dg.AssetKey(["staging", "assembly"])
    ]
    table = event.materialization.metadata["synthesised ahead"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [record.data["phase"] for record in table.records] == ["prod"]
