"""Mitigations told to the incidents that they are for: each end once, in the timeline and the thread."""

from __future__ import annotations

from namecard_release.domain.incident_steps import Word
from namecard_release.domain.mitigations import UNSETTLED, Mitigation, MitigationState
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.responding import note

# Whoever tells tells what a killed one left untold, too.
_LATELY = 100


def tell_untold(pipeline: Pipeline, environment: str) -> None:
    """Note in their incidents what became of mitigations and is not told there yet."""
    for one in reversed(pipeline.ledger.mitigations(environment, limit=_LATELY)):
        if one.incident is not None and one.state not in UNSETTLED and one.told != one.state:
            _tell(pipeline, one, one.incident)


def _tell(pipeline: Pipeline, one: Mitigation, incident: str) -> None:
    undone = one.state is MitigationState.UNDONE
    actor, reason = (one.undo_actor, one.undo_reason) if undone else (one.actor, one.reason)
    begin = f"mitigation {one.number} {one.state}"
    case = pipeline.ledger.case(incident)
    # A process may have been killed between the note and the mark.
    if case is not None and not any(entry.text.startswith(f"{begin}:") for entry in case.timeline):
        text = f"{begin}: {one.target}: {one.outcome}; {reason}"
        note(pipeline.settings, pipeline.ledger, incident, Word(actor, text), pipeline.clock.now())
    pipeline.ledger.mark_told(one.number, one.state)
