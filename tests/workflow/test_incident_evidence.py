"""An incident's evidence: gathered about its alarm, summed up in one line, counted into the summary, with no secret."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.incident_summary import render_summary
from namecard_release.domain.log_events import Failure
from namecard_release.errors import RefusedError
from namecard_release.workflow import responding
from namecard_release.workflow.incident_evidence import gather_for_incident, want_evidence
from namecard_release.workflow.incidents import look_for_incidents
from tests.fakes.signals import FakeSignals, with_signals
from tests.fakes.world import START, World


def test_the_evidence_names_what_tripped_the_alarm_and_is_kept(tmp_path: Path) -> None:
    world = World(tmp_path)
    at = START - timedelta(seconds=30)
    failures = [
        Failure(
            at,
            "cards",
            "TypeError",
            "password=hunter2",
            "/prod/v1/cards",
            f"r{n}",
            f"i{n}",
            (("x-correlation-id", f"c{n % 2}"),),
        )
        for n in range(3)
    ]
    pipeline = with_signals(world.pipeline(), FakeSignals(logs_of={"cards": failures}))
    world.set_alarm("CardsServiceErrorsAlarm", AlarmState.ALARM)
    look_for_incidents(pipeline, "prod")
    world.pass_time(10)
    assert [one.id for one in want_evidence(pipeline)] == ["INC-1"]
    evidence = gather_for_incident(pipeline, "INC-1")
    assert want_evidence(pipeline) == ()
    assert evidence.headline.startswith("cards: code_defect: ") and "3 x TypeError on " in evidence.headline
    assert (evidence.failed_requests, evidence.customers) == (3, 2)
    case = pipeline.ledger.case("INC-1")
    assert case is not None
    assert case.evidence == (evidence,) or replace(case.evidence[0], details={}) == replace(evidence, details={})
    assert case.evidence[0].details["groups"][0]["samples"][0]["request_id"] == "r0"  # type: ignore[index]
    last = pipeline.outbox.messages(1)[0].message
    assert last.title.endswith("evidence") and last.text == evidence.headline
    told = render_summary(responding.tell_incident(pipeline.settings, pipeline.ledger, "INC-1", world.time))
    assert "Failed requests: 3." in told and "correlation ids: 2." in told
    assert "hunter2" not in repr(case) + told
    with pytest.raises(RefusedError, match="no incident INC-9"):
        gather_for_incident(pipeline, "INC-9")


def test_nobody_is_asked_for_evidence_of_what_is_old_or_over(tmp_path: Path) -> None:
    world = World(tmp_path)
    pipeline = world.pipeline()
    world.set_alarm("CardsServiceErrorsAlarm", AlarmState.ALARM)
    look_for_incidents(pipeline, "prod")
    world.pass_time(3601)
    assert want_evidence(pipeline) == ()
