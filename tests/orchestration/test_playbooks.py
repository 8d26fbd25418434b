"""Playbooks in the definitions: jobs that plan by default, act when told, and never fail over by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from jobs.playbooks import PLAYBOOK_JOBS
from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.log_events import Failure
from namecard_release.domain.mitigations import MitigationState
from namecard_release.workflow.incidents import look_for_incidents
from tests.fakes.levers import FakeLevers, KilledError, with_levers
from tests.fakes.signals import FakeSignals, with_signals
from tests.fakes.world import START, World

JOBS = {job.name: job for job in PLAYBOOK_JOBS}
THROTTLES = {"playbook": "throttles", "environment": "prod", "service": "cards"}
RAISE = {**THROTTLES, "mitigation": "reserved-concurrency", "to": "50"}


class Office:
    """A pipeline with levers in memory, and the jobs over it."""

    def __init__(self, folder: Path) -> None:
        self.world, self.levers = World(folder), FakeLevers()
        failure = Failure(START, "cards", "TypeError", "password=hunter2hunter2", "/prod/v1/cards", "r1", "i1", ())
        signals = FakeSignals(logs_of={"cards": [failure]})
        self.pipeline = with_levers(with_signals(self.world.pipeline(), signals), self.levers)

    def run(self, job: str, op: str, tags: dict[str, str] | None = None, **config: Any) -> dg.ExecuteInProcessResult:
        return JOBS[job].execute_in_process(
            run_config={"ops": {op: {"config": config}}},
            resources={"pipeline": self.pipeline},
            tags={"user": "ada"} if tags is None else tags,
            raise_on_error=False,
        )

    def mitigate(self, tags: dict[str, str] | None = None, **config: Any) -> dg.ExecuteInProcessResult:
        return self.run("mitigate_job", "mitigate", tags, **{**RAISE, **config})


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def events_of(result: dg.ExecuteInProcessResult) -> str:
    return repr([event.event_specific_data for event in result.all_events])


def test_a_plan_shows_the_cause_and_what_it_suggests_without_any_secret(office: Office) -> None:
    office.world.set_alarm("CardsServiceErrorsAlarm", AlarmState.ALARM)
    look_for_incidents(office.pipeline, "prod")
    office.world.pass_time(10)
    result = office.run("playbook_plan_job", "playbook_plan", playbook="lambda-errors", environment="prod")
    told = events_of(result)
    assert result.success and result.output_for_node("playbook_plan") == 1
    assert "code_defect" in told and "INC-1" in told and "roll-forward" in told and "hunter2hunter2" not in told


def test_a_mitigation_plans_by_default_and_acts_when_told(office: Office) -> None:
    planned = office.mitigate()
    assert planned.success and "would change reserved concurrency of cards: 25 -> 50" in events_of(planned)
    assert office.levers.written == [] and office.pipeline.ledger.mitigations() == ()
    done = office.mitigate(plan_only=False, reason="launch day")
    assert done.success and done.output_for_node("mitigate") == 1 and office.levers.reserved == 50
    (one,) = office.pipeline.ledger.mitigations()
    assert (one.actor, one.reason, one.run_id) == ("ada", "launch day", done.run_id)
    planned = office.run("undo_mitigation_job", "undo", number=1)
    assert planned.success and office.levers.reserved == 50
    undone = office.run("undo_mitigation_job", "undo", number=1, plan_only=False, reason="over")
    assert undone.success and office.levers.reserved == 25


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"mitigation": "hope"}, "unknown mitigation 'hope'"),
        ({"mitigation": "rollback"}, "rollback_job rolls back"),
        ({"playbook": "unheard-of"}, "unknown playbook"),
        ({"environment": "moon"}, "moon"),
        ({"to": "5000"}, "at most 100"),
        ({"reason": " "}, "a name and a reason"),
    ],
)
def test_bad_configuration_fails_the_run_in_one_line_and_touches_nothing(
    office: Office, config: dict[str, str], told: str
) -> None:
    result = office.mitigate(**{"plan_only": False, "reason": "why", **config})
    assert not result.success and told in events_of(result) and office.levers.written == []


def kill() -> None:
    raise KilledError


def begin(office: Office, **config: Any) -> None:
    office.levers.before_write = kill
    # Dagster reports what a killed process would leave unsaid; nothing of ours catches it.
    assert not office.mitigate(plan_only=False, reason="why", **config).success
    assert [one.state for one in office.pipeline.ledger.mitigations()] == [MitigationState.INTENDED]
    office.levers.before_write = lambda: None


def test_a_run_that_dagster_begins_again_goes_on_with_what_was_begun(office: Office) -> None:
    begin(office)
    again = office.mitigate({"user": "ada", "dagster/retry_number": "1"}, plan_only=False, reason="why")
    assert again.success and office.levers.reserved == 50
    assert [one.state for one in office.pipeline.ledger.mitigations()] == [MitigationState.APPLIED]


def test_a_failover_is_not_made_by_a_retry(office: Office) -> None:
    writer = {"playbook": "database-connections", "service": "", "mitigation": "cluster-failover", "to": ""}
    begin(office, **writer, confirm_writer="db-1")
    again = office.mitigate(
        {"user": "ada", "dagster/retry_number": "1"}, plan_only=False, reason="why", **writer, confirm_writer="db-1"
    )
    assert again.success and office.levers.written == []
    assert [one.state for one in office.pipeline.ledger.mitigations()] == [MitigationState.FAILED]
