"""Incidents in the definitions: the two sensors, and the jobs of the UI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from namecard_release.definitions import build_defs
from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.incident import Incident, Item
from namecard_release.domain.messages import Acknowledgement
from namecard_release.incident_settings import Incidents
from sensors.acknowledgements import acknowledgement_sensor
from sensors.incidents import incident_clock_sensor, incident_sensor
from tests.fakes.acknowledgements import Reader
from tests.orchestration.test_definitions import Stage


class IncidentStage(Stage):
    """A stage with an incident's sensors and jobs, on which no severity is quiet."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        super().__init__(folder, instance)
        settings = self.pipeline.settings.model_copy(update={"incidents": Incidents(quiet=())})
        self.pipeline = replace(self.pipeline, settings=settings)
        resource = dg.ResourceDefinition.hardcoded_resource(self.pipeline)
        self.defs = build_defs(settings, resource, lambda: self.pipeline)

    def tick(self, sensor: dg.SensorDefinition) -> str:
        """Let a sensor tick and give its line."""
        with dg.build_sensor_context(instance=self.instance, resources={"pipeline": self.pipeline}) as context:
            told = sensor.evaluate_tick(context)
        self.asked = [str(request.run_key) for request in told.run_requests or []]
        return told.skip_message or ""

    def say(self, job: str, **config: Any) -> dg.ExecuteInProcessResult:
        """Run one of the jobs as ada."""
        definition = self.defs.resolve_job_def(job)
        (op,) = [node.name for node in definition.nodes]
        run_config = {"ops": {op: {"config": {"incident": "INC-1", **config}}}}
        return definition.execute_in_process(
            instance=self.instance, run_config=run_config, tags={"user": "ada"}, raise_on_error=False
        )

    def incident(self) -> Incident:
        """Give the incident."""
        case = self.pipeline.ledger.case("INC-1")
        assert case is not None
        return case.incident


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[IncidentStage]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield IncidentStage(tmp_path, instance)


def test_the_sensors_open_it_and_keep_its_clock_and_the_jobs_end_it(stage: IncidentStage) -> None:
    assert stage.tick(incident_sensor) == "nothing new"
    stage.world.set_alarm("CardsServiceErrorsAlarm", AlarmState.ALARM)
    # Asked for until it is there.
    for _ in range(2):
        stage.tick(incident_sensor)
        assert stage.asked == ["evidence-INC-1"]
    gathered = stage.say("incident_evidence_job")
    assert gathered.success
    # The three environments of this world share their alarms: whichever looks first opens it.
    assert "nothing is configured to read the signals of" in gathered.output_for_node("incident_evidence")
    assert stage.tick(incident_sensor) == "nothing new"
    assert stage.tick(incident_clock_sensor) == "nothing is due"
    stage.world.pass_time(900)
    assert stage.tick(incident_clock_sensor) == "INC-1/acknowledge/0; INC-1/escalation/0; INC-1/status/1"
    stage.world.unreachable.add("alarms")
    assert stage.tick(incident_sensor).startswith("dev: alarms unknown: CloudWatch did not answer; staging: alarms")
    assert stage.say("acknowledge_incident_job").success
    assert (stage.incident().acknowledged_by, stage.incident().acknowledged_through) == ("ada", "ui")
    assert not stage.say("note_incident_job", done=["typo"]).success
    assert stage.say("note_incident_job", root_cause="a null", done=["runbook"]).success
    assert [one.item for one in stage.incident().done] == [Item.RUNBOOK, Item.ROOT_CAUSE]
    assert not stage.say("resolve_incident_job", reason="").success
    assert stage.say("resolve_incident_job", reason="rolled back").success
    assert stage.incident().resolved_by == "ada"
    assert not stage.say("resolve_incident_job", reason="again").success
    actions = [entry.action for entry in reversed(stage.pipeline.ledger.audit_entries())]
    assert actions == ["incident opened", "incident acknowledged", "incident noted", "incident resolved"]


def test_who_acknowledged_in_pagerduty_is_taken_over_by_the_sensor(stage: IncidentStage) -> None:
    assert stage.tick(acknowledgement_sensor) == "nobody has acknowledged anything"
    stage.world.set_alarm("CardsServiceErrorsAlarm", AlarmState.ALARM)
    stage.tick(incident_sensor)
    told = {"INC-1": Acknowledgement("INC-1", "Ada", stage.pipeline.clock.now())}
    reader = Reader(told, broken={"INC-1"})
    stage.pipeline = replace(stage.pipeline, acknowledgements=reader)
    assert stage.tick(acknowledgement_sensor) == "acknowledgements unknown: PagerDuty answered 404 for INC-1"
    reader.broken.clear()
    assert stage.tick(acknowledgement_sensor) == "INC-1 acknowledged by Ada through pagerduty"
    assert (stage.incident().acknowledged_by, stage.incident().acknowledged_through) == ("Ada", "pagerduty")
