"""Acknowledgements that people made in PagerDuty, taken over into the ledger. Which one counts is the domain's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from namecard_release.domain.acknowledging import first_acknowledgement
from namecard_release.domain.incident import Incident
from namecard_release.errors import ReleaseError
from namecard_release.incident_port import Acknowledgements
from namecard_release.workflow.incidents import handling_of
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.responding import acknowledge

SOURCE = "pagerduty"


@dataclass(frozen=True)
class Asked:
    """What one round did, in words; `unread` says why PagerDuty was not read, `stopped_at` the last incident asked
    about when the time was over before all were.
    """

    done: tuple[str, ...] = ()
    unread: str | None = None
    stopped_at: str | None = None


def take_acknowledgements(pipeline: Pipeline, after: str | None, is_over: Callable[[], bool]) -> Asked:
    """Ask PagerDuty about every incident that pages and nobody has taken, beginning behind the one named `after`.

    PagerDuty that does not answer acknowledges nothing: it is told, and asked again in the next round. Raises
    TransientError when the ledger is busy beyond measure.
    """
    reader = pipeline.acknowledgements
    if reader is None:
        return Asked()
    done: list[str] = []
    for incident in _in_turn(_untaken(pipeline), after):
        if is_over():
            return Asked(tuple(done), stopped_at=after)
        try:
            told = _take(pipeline, reader, incident)
        except ReleaseError as error:
            # The next round begins behind it: one that cannot be read keeps nobody from being asked about the others.
            return Asked(tuple(done), str(error), incident.id)
        done += [] if told is None else [told]
        after = incident.id
    return Asked(tuple(done))


def _take(pipeline: Pipeline, reader: Acknowledgements, incident: Incident) -> str | None:
    told = tuple(reader.acknowledgements([incident.id]))
    first = first_acknowledgement(incident, told, pipeline.clock.now())
    if first is None:
        return None
    taken = acknowledge(pipeline.settings, pipeline.ledger, incident.id, first.who, first.at, SOURCE)
    return f"{taken.id} acknowledged by {taken.acknowledged_by} through {taken.acknowledged_through}"


def _untaken(pipeline: Pipeline) -> list[Incident]:
    """List what may have been paged and nobody has taken, oldest first."""
    found = reversed(pipeline.ledger.incidents(unfinished=True))
    return [
        one
        for one in found
        if one.is_open
        and one.acknowledged_at is None
        and one.severity not in handling_of(pipeline, one.fingerprint).policy.quiet
    ]


def _in_turn(incidents: Sequence[Incident], after: str | None) -> Sequence[Incident]:
    ids = [one.id for one in incidents]
    start = ids.index(after) + 1 if after in ids else 0
    return [*incidents[start:], *incidents[:start]]
