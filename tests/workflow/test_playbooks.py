"""A playbook's plan over fakes: which alarm it looks at, what it suggests, what is in force; and nothing is written."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.causes import Cause
from namecard_release.domain.log_events import Failure
from namecard_release.domain.mitigations import MitigationKind, Request
from namecard_release.errors import MisuseError, RefusedError, TransientError
from namecard_release.workflow import playbooks
from namecard_release.workflow.incidents import look_for_incidents
from namecard_release.workflow.mitigating import run_mitigation
from namecard_release.workflow.playbooks import PlaybookPlan, plan_playbook
from tests.fakes.levers import FakeLevers, with_levers
from tests.fakes.signals import FakeSignals, with_signals
from tests.fakes.world import START, World

K = MitigationKind


class Stage:
    """A world in which cards fails to connect to the database, with levers and signals in memory."""

    def __init__(self, folder: Path) -> None:
        self.world, self.levers = World(folder), FakeLevers()
        error, at = "DbConnectionError", START - timedelta(seconds=30)
        lost = [
            Failure(at, "cards", error, "too many clients", "/prod/v1/cards", f"r{n}", f"i{n}", ()) for n in range(3)
        ]
        self.signals = FakeSignals(logs_of={"cards": lost})
        self.pipeline = with_levers(with_signals(self.world.pipeline(), self.signals), self.levers)

    def ring(self, alarm: str) -> str:
        self.world.set_alarm(alarm, AlarmState.ALARM)
        look_for_incidents(self.pipeline, "prod")
        self.world.pass_time(10)
        return self.pipeline.ledger.incidents()[0].id

    def plan(self, name: str = "database-connections", **own: str) -> PlaybookPlan:
        return plan_playbook(self.pipeline, name, "prod", **own)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_the_open_incident_is_found_diagnosed_and_answered_and_nothing_is_written(stage: Stage) -> None:
    incident = stage.ring("RdsProxyConnectionsAlarm")
    before = stage.pipeline.ledger.case(incident)
    told = stage.plan()
    assert told.incident is not None and told.incident.id == incident
    assert (told.evidence.cause.cause, told.evidence.service) == (Cause.DATABASE_CONNECTIONS, "cards")
    assert [(one.kind, one.to) for one in told.advice.suggested] == [(K.PROXY, "90"), (K.CUT, "12")]
    assert "is healthy" in dict(told.advice.passed_over)[K.FAILOVER]
    assert stage.signals.drawn == {} and stage.levers.written == []
    assert stage.pipeline.ledger.case(incident) == before and stage.pipeline.ledger.mitigations() == ()


def test_what_is_in_force_is_told_and_what_is_unread_is_unknown(stage: Stage) -> None:
    stage.ring("DbConnectionsAlarm")
    request = Request("prod", K.CUT, "database-connections", "ada", "why", "cards", "5")
    run_mitigation(stage.pipeline, request)
    assert [one.after for one in stage.plan().in_force] == ["5"]
    stage.levers.unreachable = True
    unknown = dict(stage.plan().advice.unknown)
    assert "could not read the setting" in unknown["cluster"] and unknown["proxy"] == unknown["cluster"]


def test_without_an_incident_the_alarm_that_rings_is_looked_at_else_a_service_is_named(stage: Stage) -> None:
    with pytest.raises(MisuseError, match="no alarm of lambda-errors is in ALARM in prod: name the service"):
        stage.plan("lambda-errors")
    told = stage.plan("lambda-errors", service="cards")
    assert told.evidence.alarm.startswith("CardsServiceErrorsAlarm") and told.incident is None
    assert stage.plan("database-connections").evidence.kind in ("db_connections", "proxy_connections")
    stage.world.set_alarm("OcrServiceErrorsAlarm", AlarmState.ALARM)
    assert stage.plan("lambda-errors").evidence.alarm == "OcrServiceErrorsAlarm"
    stage.world.unreachable = {"alarms"}
    with pytest.raises(TransientError):
        stage.plan("lambda-errors")


def test_an_incident_of_another_kind_or_place_is_misuse(stage: Stage) -> None:
    incident = stage.ring("CardsServiceErrorsAlarm")
    with pytest.raises(MisuseError, match=f"{incident} is about errors; throttles is for throttles"):
        stage.plan("throttles", incident=incident)
    with pytest.raises(MisuseError, match=f"{incident} is one of prod, not of dev"):
        plan_playbook(stage.pipeline, "lambda-errors", "dev", incident=incident)
    with pytest.raises(MisuseError, match="no incident INC-9"):
        stage.plan("lambda-errors", incident="INC-9")


@pytest.mark.parametrize(
    ("error", "verdict"), [(RefusedError("never verified\nlook"), "refused"), (TransientError("no answer"), "UNKNOWN")]
)
def test_a_way_back_that_is_not_known_is_told_as_that(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: Exception, verdict: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(playbooks, "plan_rollback", fail)
    told = playbooks._judge_going_back(stage.pipeline, "prod")
    assert told == (verdict, str(error).splitlines()[0])
