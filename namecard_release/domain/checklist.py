"""The post-incident checklist (runbook section 7): its items, and how far an incident has come. It asks nobody."""

from __future__ import annotations

from dataclasses import dataclass

POST_INCIDENT = (
    "Root cause documented in the incident tracker",
    "Runbook updated if a new mitigation was discovered",
    "Metrics impact captured: duration, customers affected, data at risk",
    "Retrospective scheduled within 3 business days (Sev1 and Sev2)",
)
DONE, OPEN = "done", "open"


@dataclass(frozen=True)
class ChecklistItem:
    """One item and whether somebody has ticked it."""

    text: str
    done: bool


def checklist_fields(items: tuple[str, ...] = POST_INCIDENT) -> tuple[tuple[str, str], ...]:
    """Give the items as the fields of a CHECKLIST message, all of them open."""
    return tuple((item, OPEN) for item in items)
