"""Evidence for an incident: gathered about its newest alarm, told in a headline, kept with it. What each part means is
`gathering`'s and its domain's; when it is gathered is the sensor's.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.incident import Evidence, Incident
from namecard_release.domain.incident_case import Case
from namecard_release.domain.incident_findings import tell_evidence
from namecard_release.redaction import redact, redact_json
from namecard_release.workflow.gathering import gather_evidence
from namecard_release.workflow.incidents import read_case
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.responding import keep_evidence

# CloudWatch's alarms look back five minutes; what led to the first breach is before it.
_BEFORE = timedelta(minutes=10)
# Nobody needs what is gathered so late by itself; a person launches the job.
_FRESH = timedelta(hours=1)


def gather_for_incident(pipeline: Pipeline, incident_id: str) -> Evidence:
    """Gather the evidence of an incident as it is now and keep it with the incident.

    What cannot be read is in it as UNKNOWN with its reason. Raises RefusedError for an unknown incident.
    """
    case = read_case(pipeline.ledger, incident_id)
    alarm = alarm_of(case)
    promoted = case.incident.promotion
    promotion = None if promoted is None else pipeline.ledger.promotion(promoted)
    environment, now = case.incident.fingerprint.environment, pipeline.clock.now()
    found = gather_evidence(pipeline, environment, alarm, begin_of(case), now, promotion)
    told = tell_evidence(found)
    # Whoever is given it may show it.
    evidence = replace(told, headline=redact(told.headline), details=redact_json(told.details))
    keep_evidence(pipeline.settings, pipeline.ledger, incident_id, evidence)
    return evidence


def want_evidence(pipeline: Pipeline) -> tuple[Incident, ...]:
    """List the open incidents that were opened lately and have no evidence yet."""
    now = pipeline.clock.now()
    fresh = [one for one in pipeline.ledger.incidents(unfinished=True) if one.is_open and now - one.opened_at < _FRESH]
    return tuple(one for one in fresh if not read_case(pipeline.ledger, one.id).evidence)


def alarm_of(case: Case) -> AlarmReading:
    """Give the newest alarm of an incident as it was last seen."""
    newest = case.breaches[-1]
    state = AlarmState.ALARM if newest.ended_at is None else AlarmState.OK
    return AlarmReading(newest.name, newest.arn, state, newest.since, newest.reason)


def begin_of(case: Case) -> datetime:
    """Give the moment from which on an incident's evidence is looked for."""
    return min(one.since for one in case.breaches) - _BEFORE
