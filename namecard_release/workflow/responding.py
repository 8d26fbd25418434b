"""What people do about an incident: acknowledge, note, resolve, read its story; and evidence gathered for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from namecard_release.domain import incident_steps as steps
from namecard_release.domain.approvals import is_named
from namecard_release.domain.incident import Evidence, Incident, Item
from namecard_release.domain.incident_case import Handling
from namecard_release.domain.incident_summary import Summary
from namecard_release.errors import MisuseError, RefusedError
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.settings import Settings
from namecard_release.workflow.incidents import change, read_case


def acknowledge(
    settings: Settings, ledger: ReleaseLedger, incident_id: str, actor: str, at: datetime, source: str
) -> Incident:
    """Let somebody take an incident; from here on nothing pages. Harmless when it is taken or resolved already.

    `source` is where they said so: `cli`, `ui` or `pagerduty`, which is then not told. Raises MisuseError without a
    name, RefusedError for an unknown incident.
    """
    _check_name(actor)
    return change(
        ledger,
        incident_id,
        lambda case: steps.acknowledge(case, actor.strip(), at, source, _handling(settings, case.incident), at),
    ).incident


def note(settings: Settings, ledger: ReleaseLedger, incident_id: str, word: steps.Word, at: datetime) -> Incident:
    """Add a person's word to an incident. Raises MisuseError for one that says nothing, RefusedError as above."""
    _check_name(word.actor)
    if not (word.text or word.root_cause or word.data_at_risk or word.done):
        raise MisuseError("a note says something: a text, a root cause, the data at risk, or an item that is done")
    return change(
        ledger, incident_id, lambda case: steps.note(case, word, _handling(settings, case.incident), at)
    ).incident


def resolve(
    settings: Settings, ledger: ReleaseLedger, incident_id: str, actor: str, reason: str, at: datetime
) -> Incident:
    """Resolve an incident. Raises MisuseError without name or reason, RefusedError for one resolved already."""
    _check_name(actor)
    if not reason.strip():
        raise MisuseError("a reason is needed: what ended the incident")
    found = read_case(ledger, incident_id).incident
    if not found.is_open:
        raise RefusedError(f"{incident_id} is resolved already, by {found.resolved_by}: {found.resolution}")
    due = settings.incidents.retrospective_due(at)
    return change(
        ledger,
        incident_id,
        lambda case: steps.resolve(case, actor.strip(), reason, due, _handling(settings, case.incident), at),
    ).incident


def keep_evidence(settings: Settings, ledger: ReleaseLedger, incident_id: str, evidence: Evidence) -> Incident:
    """Add gathered evidence to an incident and tell its headline in the thread."""
    return change(
        ledger,
        incident_id,
        lambda case: steps.keep_evidence(case, evidence, _handling(settings, case.incident), evidence.at),
    ).incident


def tell_incident(settings: Settings, ledger: ReleaseLedger, incident_id: str, now: datetime) -> Summary:
    """Give the story of an incident as it is known now. Raises RefusedError for an unknown one."""
    case = read_case(ledger, incident_id)
    return steps.tell_story(case, _handling(settings, case.incident), now)


def read_items(names: Sequence[str]) -> tuple[Item, ...]:
    """Read items of the checklist by name. Raises MisuseError for one that is not in it."""
    unknown = sorted(set(names) - set(Item))
    if unknown:
        raise MisuseError(f"no such item of the checklist: {', '.join(unknown)}; there are {', '.join(Item)}")
    return tuple(Item(name) for name in names)


def _handling(settings: Settings, incident: Incident) -> Handling:
    return settings.incidents.handling(incident.fingerprint.service)


def _check_name(actor: str) -> None:
    if not is_named(actor):
        raise MisuseError("nobody is named: say who this is by actor, or launch it with the tag namecard/actor")
