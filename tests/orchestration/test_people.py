"""What people say, in the definitions: a run that waits, the sensor that goes on with it, and the jobs of the UI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from namecard_release.domain.gates import CommandOutcome
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.workflow.leasing import hold_lease
from sensors.alarms import watch
from sensors.run_status import failed_run_sensor
from tests.fakes.world import FIRST, SECOND, A, B, C, migration
from tests.orchestration.test_definitions import TAGS, Stage

P = PromotionPhase
ANONYMOUS = {"namecard/reason": "because"}
FREEZE = {"name": "quarter", "start": "2026-03-01T00:00:00", "end": "2026-03-03T00:00:00", "timezone": "Asia/Singapore"}


class PeopleStage(Stage):
    """A stage with what people do in the UI."""

    def say(self, job: str, *, user: str | None = None, **config: Any) -> dg.ExecuteInProcessResult:
        """Run one of the jobs, its one op configured, as a user whom the proxy names."""
        definition = self.defs.resolve_job_def(job)
        (op,) = [node.name for node in definition.nodes]
        run_config = {"ops": {op: {"config": {"environment": "staging", "reason": "so", **config}}}}
        tags = {} if user is None else {"user": user}
        return definition.execute_in_process(
            instance=self.instance, run_config=run_config, tags=tags, raise_on_error=False
        )

    def approve(self, release: str, user: str | None, **config: Any) -> dg.ExecuteInProcessResult:
        """Approve a release for staging."""
        return self.say("approve_job", user=user, commit=release, **config)

    def tick(self) -> list[dg.RunRequest] | str:
        """Let the approvals sensor tick: the runs that it asks for, or what it says instead."""
        sensor = self.defs.resolve_sensor_def("approvals_sensor")
        context = dg.build_sensor_context(
            instance=self.instance, resources={"pipeline": self.pipeline}, definitions=self.defs
        )
        # The daemon's tick has a reference to its instance; one in memory has none, so the releases are handed over.
        with dg.partition_loading_context(dynamic_partitions_store=self.instance):
            told = sensor.evaluate_tick(context)
        return list(told.run_requests or []) or (told.skip_message or "")

    def go_on(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Run what the sensor asked for, tagged as the daemon does."""
        tags = {**request.tags, "dagster/sensor_name": "approvals_sensor"}
        return self.promote(str(request.partition_key), tags=tags)

    def newest(self) -> Promotion:
        """Give the newest promotion of staging."""
        return self.pipeline.ledger.history("staging")[0]

    def actions(self) -> list[tuple[str, str]]:
        """Give who did what, in order."""
        return [(e.actor, e.action) for e in reversed(self.pipeline.ledger.audit_entries())]


Maker = Callable[..., PeopleStage]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    """Make stages whose staging has settings of its own."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield lambda **staging: PeopleStage(tmp_path, instance, {"staging": staging})


@pytest.fixture
def stage(make: Maker) -> PeopleStage:
    """Make a stage whose staging asks for two approvals."""
    return make(approvals=2, approvers=["ada", "bob", "cy"], approval_hours=1)


def test_a_promotion_waits_and_goes_on_when_the_last_approval_arrives(stage: PeopleStage) -> None:
    first = stage.promote(A)
    assert first.success and first.get_asset_materialization_events() == [] and stage.world.ran == []
    promotion = stage.newest()
    assert promotion.phase is P.REQUESTED
    assert (promotion.waiting or "").startswith("waits for approval of staging: 0 of 2; approve with 'namecard-release")
    (observed,) = [e for e in first.all_events if e.event_type_value == "ASSET_OBSERVATION"]
    assert observed.asset_key == dg.AssetKey(["staging", "deployment"])

    assert "0 of 2" in stage.tick()
    assert stage.approve(A, "bob").success
    assert "1 of 2 (bob)" in stage.tick()
    assert stage.approve(A, "cy").success
    (request,) = stage.tick()
    (again,) = stage.tick()
    assert isinstance(request, dg.RunRequest) and isinstance(again, dg.RunRequest)
    assert request.run_key == again.run_key
    assert (request.job_name, request.partition_key) == ("promote_staging_job", A)

    assert stage.go_on(request).success
    done = stage.newest()
    assert (done.id, done.phase, done.actor, done.waiting) == (promotion.id, P.BAKING, "ada", None)
    assert len(stage.pipeline.ledger.history("staging")) == 1
    reasons = [why for _, phase, why in stage.pipeline.ledger.moves(done.id) if phase is P.GATED]
    assert "approved for staging by 2 of 2 (bob, cy)" in reasons[0]
    assert stage.tick() == "no promotion waits for people"
    wanted = [
        ("ada", "promotion requested"),
        ("automation", "promotion waits"),
        ("bob", "approved"),
        ("cy", "approved"),
    ]
    assert stage.actions() == wanted
    assert stage.pipeline.ledger.verify_audit().verdict == "PASSED"


@pytest.mark.parametrize(
    ("user", "config", "words"),
    [
        ("ada", {}, "ada asked for this promotion"),
        ("ADA", {}, "ADA asked for this promotion"),
        ("mallory", {}, "not among those who may approve"),
        (None, {}, "nobody is named"),
        (None, {"actor": "dagster-ui"}, "nobody is named"),
        ("bob", {"reason": "  "}, "a reason is needed"),
        ("bob", {"environment": "dev"}, "dev asks for no approval"),
        ("bob", {"environment": "moon"}, "unknown environment 'moon'"),
        ("bob", {"commit": "d" * 40}, "no commit"),
        # The name that the proxy sets goes before the one that anybody can type.
        ("mallory", {"actor": "bob"}, "mallory is not among"),
    ],
)
def test_an_approval_that_would_not_count_is_refused(
    stage: PeopleStage, user: str | None, config: dict[str, Any], words: str
) -> None:
    stage.promote(A)
    result = stage.say("approve_job", user=user, **{"commit": A, **config})
    assert not result.success
    (failure,) = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
    assert words in str(failure.step_failure_data.error)
    assert stage.pipeline.ledger.approvals() == ()


def test_an_approval_belongs_to_one_commit(stage: PeopleStage) -> None:
    stage.promote(B)
    for user in ("bob", "cy"):
        assert stage.approve(A, user).success
    assert "0 of 2" in stage.tick()


def test_an_approval_given_before_counts_and_the_run_does_not_wait(stage: PeopleStage) -> None:
    for user in ("bob", "cy"):
        assert stage.approve(A, user).success
    assert stage.promote(A).success
    assert stage.newest().phase is P.BAKING


def test_a_promotion_that_nobody_asked_for_by_name_is_held(stage: PeopleStage) -> None:
    assert not stage.promote(A, tags=ANONYMOUS).success
    assert (stage.newest().phase, stage.newest().actor) == (P.HELD, "dagster-ui")
    assert "nobody is named as who asked" in stage.newest().reason


def test_what_waits_too_long_is_aborted(stage: PeopleStage) -> None:
    stage.promote(A)
    stage.approve(A, "bob")
    stage.world.pass_time(3601)
    assert stage.tick() == "no promotion waits for people"
    ended = stage.newest()
    assert (ended.phase, ended.waiting) == (P.ABORTED, None)
    assert ended.reason == "expired after 1 h: waits for approval of staging: 0 of 2"
    assert stage.actions()[-1] == ("automation", "promotion ABORTED")


def test_an_approval_revoked_while_the_gates_run_holds_the_promotion(stage: PeopleStage) -> None:
    for user in ("bob", "cy"):
        stage.approve(A, user)
    ledger, word = stage.pipeline.ledger, {"commit": A, "reason": "found a fault"}

    class Revoking(list[tuple[str, ...]]):
        def append(self, argv: tuple[str, ...]) -> None:
            super().append(argv)
            if ledger.approvals("staging", A)[0].revoked_at is None:
                assert stage.say("revoke_approval_job", user="cy", **word).success

    stage.world.ran = Revoking()
    assert not stage.promote(A).success
    assert stage.newest().phase is P.HELD and "1 of 2 (bob)" in stage.newest().reason
    assert stage.world.deploys == []


def test_the_deployment_materialised_alone_is_not_let_around_the_approvals(stage: PeopleStage) -> None:
    for user in ("bob", "cy"):
        stage.approve(A, user)
    assert stage.promote(A).success
    stage.say("revoke_approval_job", user="cy", commit=A)
    job = stage.defs.resolve_implicit_global_asset_job_def()
    key = dg.AssetKey(["staging", "deployment"])
    alone = job.get_subset(asset_selection={key})
    deploys = list(stage.world.deploys)
    result = alone.execute_in_process(
        instance=stage.instance, partition_key=A, tags={"user": "mallory"}, raise_on_error=False
    )
    assert not result.success and stage.world.deploys == deploys
    assert (stage.newest().phase, stage.newest().reason) == (
        P.HELD,
        "not deployed: waits for approval of staging: 1 of 2 (bob)",
    )


def test_an_approval_revoked_while_the_promotion_waits_its_turn_stops_it(
    stage: PeopleStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in ("bob", "cy"):
        stage.approve(A, user)

    def hold_late(*words: Any, **named: Any) -> Any:
        stage.say("revoke_approval_job", user="cy", commit=A)
        return hold_lease(*words, **named)

    monkeypatch.setattr("assets.deployment.hold_lease", hold_late)
    assert not stage.promote(A).success and stage.world.deploys == []
    assert stage.newest().phase is P.HELD and "1 of 2 (bob)" in stage.newest().reason
    stage.pipeline.ledger.take_lease("staging", "somebody else", 30)


def test_a_newer_request_supersedes_the_one_that_waits(stage: PeopleStage) -> None:
    stage.promote(A)
    stage.world.pass_time(1)
    stage.promote(B)
    newer, older = stage.pipeline.ledger.history("staging")
    assert (newer.release, newer.phase, older.phase) == (B, P.REQUESTED, P.SUPERSEDED)
    for user in ("bob", "cy"):
        stage.approve(A, user)
    stage.world.pass_time(1)
    stage.promote(A)
    assert [p.phase for p in stage.pipeline.ledger.history("staging")] == [P.BAKING, P.SUPERSEDED, P.SUPERSEDED]


def test_a_rollback_ends_what_waits_and_is_told_with_its_own_actor(stage: PeopleStage) -> None:
    for release in (B, C):
        for user in ("bob", "cy"):
            stage.approve(release, user)
        stage.promote(release)
        stage.bake()
    stage.promote(A)
    assert stage.newest().waiting is not None
    assert stage.roll_back(actor_tag="eve").success
    waited = next(p for p in stage.pipeline.ledger.history("staging") if p.release == A)
    assert (waited.phase, waited.waiting) == (P.ABORTED, None)
    assert ("eve", "promotion ROLLED_BACK") in stage.actions()
    assert ("eve", "promotion ABORTED") in stage.actions()
    assert stage.tick() == "no promotion waits for people"


def _failed(stage: PeopleStage, run: dg.DagsterRun, result: dg.ExecuteInProcessResult) -> None:
    (event,) = [e for e in result.all_events if e.event_type_value == "PIPELINE_FAILURE"]
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_run_sensor", dagster_event=event, dagster_instance=stage.instance, dagster_run=run
    ).for_run_failure()
    failed_run_sensor(context, pipeline=stage.pipeline)


def test_a_run_that_was_to_go_on_and_died_ends_the_promotion_and_an_older_one_does_not(stage: PeopleStage) -> None:
    waited = stage.promote(A).dagster_run
    promotion = stage.newest()
    stage.world.failing["lint:all"] = CommandOutcome(("pnpm",), 1, 1.0)
    dead = stage.promote(C, "dev")
    assert not dead.success
    _failed(stage, waited, dead)
    kept = stage.pipeline.ledger.promotion(promotion.id)
    assert kept is not None and kept.phase is P.REQUESTED
    tags = {**waited.tags, "namecard/continues": promotion.id.rpartition("-")[2]}
    _failed(stage, dg.DagsterRun(job_name=waited.job_name, run_id=dead.run_id, tags=tags), dead)
    ended = stage.pipeline.ledger.promotion(promotion.id)
    assert ended is not None and (ended.phase, ended.waiting) == (P.FAILED, None)


def test_a_freeze_holds_a_run_of_the_ui_unless_it_is_overridden_with_a_reason(make: Maker) -> None:
    stage = make(freezes=[FREEZE])
    assert not stage.promote(A).success
    assert stage.newest().phase is P.HELD
    assert "staging is frozen by quarter until 2026-03-02 16:00 UTC" in stage.newest().reason
    assert stage.promote(A, tags={**TAGS, "namecard/override-freeze": "  "}).success is False
    assert stage.promote(A, tags={**TAGS, "namecard/override-freeze": "outage, token=hunter2hunter2"}).success
    assert stage.newest().phase is P.BAKING
    assert stage.newest().freeze_override == "outage, token=***"
    assert ("ada", "promotion freeze overridden") in stage.actions()


def test_a_freeze_never_stops_a_rollback(make: Maker) -> None:
    stage = make(freezes=[FREEZE])
    override = {**TAGS, "namecard/override-freeze": "outage"}
    for release in (B, C):
        assert stage.promote(release, tags=override).success
        stage.bake()
    assert stage.roll_back().success
    assert stage.world.deployed == B


def test_while_automation_is_paused_a_sensors_run_waits_and_a_persons_goes_on(make: Maker) -> None:
    stage = make()
    for release in (B, C):
        stage.promote(release)
        stage.bake()
    assert stage.say("pause_automation_job", user="bob", reason="an audit", until="2h").success
    automatic = {"namecard/actor": "trains_sensor", "dagster/sensor_name": "trains_sensor"}
    assert stage.promote(A, tags=automatic).success
    assert stage.newest().waiting == ("waits: automation is paused by bob until 2026-03-02 11:02 UTC: an audit")
    assert "automation is paused" in stage.tick()
    assert stage.promote(C).success
    assert stage.say("resume_automation_job", user="bob").success
    assert not stage.say("resume_automation_job", user="bob").success


def test_a_hold_of_the_whole_environment_stops_releases_and_not_a_persons_rollback(make: Maker) -> None:
    stage = make()
    for release in (B, C):
        stage.promote(release)
        stage.bake()
    assert stage.say("place_hold_job", user="bob", reason="incident").success
    assert not stage.say("place_hold_job", user="bob", reason="incident").success
    assert not stage.promote(C).success
    assert "every release is held in staging" in stage.newest().reason
    assert stage.roll_back().success
    assert stage.say("release_hold_job", user="bob").success
    assert stage.say("release_hold_job", user="bob", commit=C).success
    assert not stage.say("release_hold_job", user="bob", commit=C).success
    assert not watch(stage.pipeline, 0, lambda: 0.0, lambda _: None).decided


def test_an_accepted_schema_risk_is_told(make: Maker) -> None:
    stage = make()
    # What it does is known only when it runs.
    hidden = migration(SECOND.name, "do $$ begin execute current_setting('x.y'); end $$;")
    stage.world.files[B] = (FIRST, hidden)
    for release in (A, B):
        stage.promote(release)
        stage.bake()
    assert stage.roll_back(accept_schema_risk=True, reason="known").success
    assert ("dagster-ui", "schema risk accepted") in stage.actions()
