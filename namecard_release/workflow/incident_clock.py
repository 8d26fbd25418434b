"""The incidents' clock: what fell due, recorded and queued together. What falls due when is the domain's."""

from __future__ import annotations

from namecard_release.domain.incident import Incident
from namecard_release.domain.incident_case import Case, Step
from namecard_release.domain.incident_clock import Recorded, due_slots
from namecard_release.domain.incident_steps import tick
from namecard_release.workflow.incidents import change, handling_of
from namecard_release.workflow.pipeline import Pipeline


def tick_clock(pipeline: Pipeline) -> tuple[str, ...]:
    """Record and queue what fell due of every unfinished incident; gives what, in words.

    A slot and its messages are one transaction of the ledger, refused when the incident changed meanwhile: a kill loses
    nothing, a second clock sends nothing twice, and what is acknowledged first is not paged after.
    """
    recorded = pipeline.ledger.recorded_slots()
    told: list[str] = []
    for incident in reversed(pipeline.ledger.incidents(unfinished=True)):
        if _has_due(pipeline, incident, recorded.get(incident.id, {})):
            told += _tick_one(pipeline, incident)
    return tuple(told)


def _has_due(pipeline: Pipeline, incident: Incident, recorded: Recorded) -> bool:
    policy = handling_of(pipeline, incident.fingerprint).policy
    return bool(due_slots(incident, recorded, pipeline.clock.now(), policy))


def _tick_one(pipeline: Pipeline, incident: Incident) -> tuple[str, ...]:
    taken: list[Step] = []

    def decide(case: Case) -> Step | None:
        step = tick(case, handling_of(pipeline, case.incident.fingerprint), pipeline.clock.now())
        taken[:] = [] if step is None else [step]
        return step

    change(pipeline.ledger, incident.id, decide)
    return tuple(f"{slot.key}{f' ({slot.covered})' if slot.covered else ''}" for step in taken for slot in step.slots)
