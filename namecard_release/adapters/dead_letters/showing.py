"""Letters as people and programs are shown them: secrets masked, never the body as it came."""

from __future__ import annotations

from namecard_release.adapters.dead_letters.bodies import document_of
from namecard_release.adapters.dead_letters.masking import mask_value
from namecard_release.dlq_port import ArchiveLine
from namecard_release.domain.dead_letters import DeadLetter


def show_letter(letter: DeadLetter) -> dict[str, object]:
    """Give a letter as a document, its payload masked."""
    document = document_of(letter)
    return {**document, "payload": mask_value(document["payload"])}


def show_line(line: ArchiveLine) -> dict[str, object]:
    """Give a line of the archive as a document, its payload masked."""
    return {
        **show_letter(line.letter),
        "service": line.service,
        "replay_key": line.replay_key,
        "action": line.action,
        "reason": line.reason,
        "attempt": line.attempt,
        "filed_at": line.filed_at.isoformat(),
        "run_id": line.run_id,
    }
