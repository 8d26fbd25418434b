"""Letters of the archive sent again: which may be, and what a run of it comes to. Sending is the workflow's."""

from __future__ import annotations

from dataclasses import dataclass

from namecard_release.domain.dead_letter_plans import JournalEntry, JournalState
from namecard_release.domain.dead_letters import DeadLetter, NoTarget, Target
from namecard_release.domain.gates import Verdict


@dataclass(frozen=True)
class ArchivedPlan:
    """What is done with one letter of an object: sent to its target as this attempt, or kept, and why."""

    letter: DeadLetter
    service: str
    key: str
    attempt: int
    target: Target | None
    reason: str


def plan_archived(
    letter: DeadLetter,
    service: str,
    archive: str,
    entry: JournalEntry | None,
    target: Target | NoTarget,
    *,
    insist: bool,
) -> ArchivedPlan:
    """Plan one letter of the object `archive`; `entry` is the journal's word about it, which decides.

    Its key is the journal's: the same as of every other replay of that failure. `insist` sends poison as well.
    """
    why = _why_kept(archive, entry, insist=insist)
    if entry is None:
        return ArchivedPlan(letter, service, "", 0, None, why or "")
    replays = letter.mark.replays if letter.mark is not None else 0
    if why is None and isinstance(target, NoTarget):
        why = f"it cannot be replayed: {target.reason}"
    if why is not None or isinstance(target, NoTarget):
        return ArchivedPlan(letter, service, entry.replay_key, 0, None, why or "")
    attempt = max(entry.attempt, replays) + 1
    return ArchivedPlan(letter, service, entry.replay_key, attempt, target, "it was archived and never sent since")


def _why_kept(archive: str, entry: JournalEntry | None, *, insist: bool) -> str | None:
    if entry is None:
        return "the journal knows nothing of it: it may be in the queue still"
    if entry.archive != archive:
        return f"it was filed again, in {entry.archive}"
    match entry.state:
        case JournalState.FILED:
            return None
        case JournalState.QUARANTINED:
            return None if insist else "it is poison: what came back each time comes back again (--all sends it)"
        case JournalState.INTENDED:
            return "a run is about to send it, or was killed then: drain the queue first"
        case JournalState.SENT | JournalState.PRESUMED_SENT:
            return "a replay of it went out already"


def judge_archived(sent: int, kept: int, refused: int, stopped: str | None) -> tuple[Verdict, str]:
    """Judge a run: FAILED when a letter can never be sent, UNKNOWN when it was stopped or letters were kept."""
    told = f"{sent} sent from the archive"
    if refused:
        return Verdict.FAILED, f"{told}; a person is needed: {refused} could not be sent"
    if stopped is not None:
        return Verdict.UNKNOWN, f"{told}; {stopped}"
    if kept:
        return Verdict.UNKNOWN, f"{told}; {kept} stay archived"
    return Verdict.PASSED, told
