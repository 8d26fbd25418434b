"""Dead letters in the definitions: jobs that plan by default, act when told, and the schedule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from jobs.dlq import DLQ_JOBS
from namecard_release.dlq_settings import DeadLetters
from sensors.dlq_schedules import build_drain_schedule
from tests.fakes.dead_letters import Post, envelope
from tests.fakes.world import World

JOBS = {job.name: job for job in DLQ_JOBS}


class Office:
    """A pipeline whose dead letters are in memory, and the jobs over it."""

    def __init__(self, folder: Path) -> None:
        pipeline = World(folder).pipeline()
        self.post = Post(pipeline.ledger)  # type: ignore[arg-type]
        self.pipeline = replace(pipeline, dead_letters=lambda _: self.post.desk())

    def run(self, job: str, *, user: str | None = "ada", **config: Any) -> dg.ExecuteInProcessResult:
        """Run one of the jobs on dev."""
        op = job.removesuffix("_job")
        run_config = {"ops": {op: {"config": {"environment": "dev", **config}}}}
        tags = {} if user is None else {"user": user}
        resources = {"pipeline": self.pipeline}
        return JOBS[job].execute_in_process(run_config=run_config, resources=resources, tags=tags, raise_on_error=False)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path)
    opened.post.queue.put(envelope({"token": "tok-plain-secret-1"}), id_="good")
    opened.post.queue.put(envelope({}, "ValidationError"), id_="bad")
    yield opened
    opened.post.ledger.close()


def metadata_of(result: dg.ExecuteInProcessResult) -> str:
    return repr([event.event_specific_data for event in result.all_events])


@pytest.mark.parametrize("job", sorted(JOBS))
def test_a_job_plans_by_default(office: Office, job: str) -> None:
    result = office.run(job, user=None)
    assert result.success and "ValidationError" in metadata_of(result)
    assert office.post.queue.depth().visible == 2 and office.post.way.sent == []
    assert "tok-plain-secret-1" not in metadata_of(result)


def test_a_drain_that_is_told_to_act_acts(office: Office) -> None:
    result = office.run("dlq_drain_job", plan_only=False, reason="the database is back")
    assert result.success and office.post.queue.messages == []
    told = [(one.actor, one.action, one.reason) for one in office.post.ledger.audit_entries("dev")]
    assert told == [
        ("ada", "dead letters: drain ended", "the database is back"),
        ("ada", "dead letters: drain begun", "the database is back"),
    ]


def test_replay_and_archive_take_their_own_part(office: Office) -> None:
    assert office.run("dlq_replay_job", plan_only=False, reason="so").success
    assert [one.id for one in office.post.queue.messages] == ["bad"]
    assert office.run("dlq_archive_job", plan_only=False, reason="so").success
    assert office.post.queue.messages == []


@pytest.mark.parametrize(("user", "reason", "why"), [(None, "so", "nobody is named"), ("ada", " ", "a reason is")])
def test_nobody_and_nothing_said_touch_nothing(office: Office, user: str | None, reason: str, why: str) -> None:
    result = office.run("dlq_drain_job", user=user, plan_only=False, reason=reason)
    assert not result.success and why in metadata_of(result)
    assert office.post.queue.depth().visible == 2


def test_a_drain_that_needs_a_person_fails_its_run(office: Office) -> None:
    marked = {"namecardReplay": {"key": "nr-1", "replays": 2}}
    office.post.queue.put(envelope(marked), id_="poison")
    result = office.run("dlq_drain_job", plan_only=False, reason="so")
    assert not result.success and "1 in quarantine" in metadata_of(result)


def test_the_schedule_drains_the_named_environments() -> None:
    schedule = build_drain_schedule(DeadLetters(drain_environments=("dev",), drain_limit=7))
    moment = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    told = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=moment))
    (request,) = told.run_requests or []
    config = request.run_config["ops"]["dlq_drain"]["config"]
    assert (config["environment"], config["limit"], config["plan_only"]) == ("dev", 7, False)
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_without_environments_the_schedule_stands_still() -> None:
    schedule = build_drain_schedule(DeadLetters())
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
