"""What is done with each dead letter: one pure decision from what is known of it. Doing it is the workflow's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from namecard_release.domain.dead_letter_rules import Classification, Recovery
from namecard_release.domain.dead_letters import DeadLetter, NoTarget, Target, replay_key
from namecard_release.domain.gates import Verdict


class Mode(StrEnum):
    """What a run is for: send what may work, put away what will not, or both."""

    REPLAY = "replay"
    ARCHIVE = "archive"
    DRAIN = "drain"


class Action(StrEnum):
    """What is done with one letter. DELETE is for one that an earlier run dealt with and could not delete any more."""

    REPLAY = "replay"
    ARCHIVE = "archive"
    QUARANTINE = "quarantine"
    DELETE = "delete"
    LEAVE = "leave"


class JournalState(StrEnum):
    """How far a letter came.

    INTENDED: in the archive, and about to be sent. SENT: sent; its delete is done or owed. PRESUMED_SENT: intended by a
    run that was killed, and gone from the queue, which only a delete after the send explains. FILED and QUARANTINED: in
    the archive, not sent; its delete is done or owed.
    """

    INTENDED = "INTENDED"
    SENT = "SENT"
    PRESUMED_SENT = "PRESUMED_SENT"
    FILED = "FILED"
    QUARANTINED = "QUARANTINED"


_WENT_OUT = (JournalState.SENT, JournalState.PRESUMED_SENT)
_DEALT_WITH = (JournalState.SENT, JournalState.FILED, JournalState.QUARANTINED)


@dataclass(frozen=True)
class JournalEntry:
    """What the ledger keeps of one message: no payload, only where in the archive it is (`archive`, an object's key).

    `attempt` counts the replays of its key, this one included; 0 for one that was not sent. `carried` tells whether the
    payload carries its key. `sent_at` is when the message came into the queue.
    """

    environment: str
    message_id: str
    replay_key: str
    digest: str
    service: str
    function: str
    request_id: str | None
    error_name: str | None
    reason: str
    state: JournalState
    archive: str
    attempt: int
    carried: bool
    sent_at: datetime
    intended_at: datetime
    settled_at: datetime | None
    run_id: str


@dataclass(frozen=True)
class Known:
    """What the journal knows of a letter: the message itself, and others of the same key or the same payload."""

    own: JournalEntry | None = None
    kin: tuple[JournalEntry, ...] = ()


@dataclass(frozen=True)
class Policy:
    """How letters are treated in one run.

    `insist`: whoever asked wants the mode's action whatever the rules think. `released_at` is when the newest release
    that SUCCEEDED here was deployed. `run_id` is the run's own: what came back to it waits for the next one.
    """

    mode: Mode
    most_returns: int = 2
    insist: bool = False
    released_at: datetime | None = None
    run_id: str = ""


@dataclass(frozen=True)
class LetterPlan:
    """What is done with one letter and why; `attempt` is the number of this replay, 0 without one."""

    action: Action
    reason: str
    key: str
    attempt: int = 0
    target: Target | None = None
    recovery: Recovery = Recovery.UNKNOWN


def plan_letter(
    environment: str,
    letter: DeadLetter,
    classification: Classification,
    target: Target | NoTarget,
    known: Known,
    policy: Policy,
) -> LetterPlan:
    """Decide about one letter; see each step for its reason."""
    key, replays = _past(environment, letter, known)
    action, reason = _history_decides(letter, known, replays, policy) or _wanted(letter, classification, policy)
    if action is Action.REPLAY and isinstance(target, NoTarget):
        action, reason = Action.LEAVE, f"it cannot be replayed: {target.reason}"
    if action is not Action.REPLAY or isinstance(target, NoTarget):
        return LetterPlan(action, reason, key, recovery=classification.recovery)
    return LetterPlan(action, reason, key, replays + 1, target, classification.recovery)


def _history_decides(letter: DeadLetter, known: Known, replays: int, policy: Policy) -> tuple[Action, str] | None:
    """Decide by what happened to a letter before, whatever its error is; None when nothing did that counts."""
    if known.own is not None and known.own.state in _DEALT_WITH:
        return Action.DELETE, f"it was {known.own.state.lower()} before; only its delete was owed"
    if _is_duplicate(letter, known):
        return Action.ARCHIVE, "the same failure was reported twice, and its replay went out already: not sent again"
    if letter.mark is not None and any(
        e.run_id == policy.run_id for e in known.kin if e.message_id != letter.message_id
    ):
        return Action.LEAVE, "it was replayed by this very run and came back: the next run decides"
    if replays >= policy.most_returns and policy.mode is not Mode.ARCHIVE:
        return Action.QUARANTINE, f"it was replayed {replays} times and came back each time"
    return None


def _past(environment: str, letter: DeadLetter, known: Known) -> tuple[str, int]:
    """Give a letter's key and how often a replay of it went out before."""
    key = known.own.replay_key if known.own is not None else replay_key(environment, letter)
    if not letter.carries_mark and letter.mark is None and known.own is None:
        # A payload that can carry no key is known again by its content, if it came after that was sent.
        twins = (e for e in known.kin if not e.carried and e.state in _WENT_OUT and e.intended_at < letter.sent_at)
        key = next((twin.replay_key for twin in twins), key)
    out = [e for e in known.kin if e.replay_key == key and e.state in _WENT_OUT and e.message_id != letter.message_id]
    return key, max(len(out), letter.mark.replays if letter.mark is not None else 0)


def _is_duplicate(letter: DeadLetter, known: Known) -> bool:
    # A replay's own return carries the mark; the same request id without one is the first failure, told once more.
    if letter.mark is not None or not letter.carries_mark or letter.request_id is None:
        return False
    return known.own is None and any(e.request_id == letter.request_id and e.state in _WENT_OUT for e in known.kin)


def _wanted(letter: DeadLetter, classification: Classification, policy: Policy) -> tuple[Action, str]:
    recovery, why = classification.recovery, classification.reason
    if policy.mode is Mode.ARCHIVE:
        if policy.insist:
            return Action.ARCHIVE, "asked for by name"
        unrecoverable = recovery is Recovery.UNRECOVERABLE
        return (Action.ARCHIVE, why) if unrecoverable else (Action.LEAVE, f"{recovery}: {why}")
    if policy.insist or recovery is Recovery.RECOVERABLE:
        return Action.REPLAY, "asked for by name" if policy.insist else why
    if recovery is Recovery.UNRECOVERABLE and policy.mode is Mode.DRAIN:
        return Action.ARCHIVE, why
    if recovery is Recovery.AFTER_FIX and policy.released_at is not None and policy.released_at > letter.sent_at:
        return Action.REPLAY, "the code was at fault, and another release was deployed since"
    return Action.LEAVE, f"{recovery}: {why}"


# The counts of a run that are letters which it deleted from the queue, or has to.
_TAKEN_OUT = frozenset({"replayed", "archived", "quarantined", "deleted"})


def judge_run(
    counts: Sequence[tuple[str, int]], left: int, failed: int, stopped: str | None, hidden: int = 0
) -> tuple[Verdict, str]:
    """Judge a run that acted: FAILED when a person is needed, UNKNOWN when letters are left, else PASSED.

    `counts` are what was done, by action; `stopped` why the run ended before the queue was empty; `hidden` how many
    letters somebody else holds, about: what becomes of them is not known.
    """
    done = ", ".join(f"{number} {name}" for name, number in counts if number) or "nothing to do"
    quarantined = dict(counts).get("quarantined", 0)
    if failed or quarantined:
        return Verdict.FAILED, f"{done}; a person is needed: {failed} could not be sent, {quarantined} in quarantine"
    if stopped is not None:
        return Verdict.UNKNOWN, f"{done}; {stopped}"
    if left:
        return Verdict.UNKNOWN, f"{done}; {left} left in the queue: see 'namecard-release dlq sample'"
    if owed := dict(counts).get("deletes_owed", 0):
        return Verdict.UNKNOWN, f"{done}; {owed} of them could not be deleted: run this again, it sends none of them"
    if hidden:
        return Verdict.UNKNOWN, (
            f"{done}; about {hidden} more are hidden by another run or by one that was killed, or were a minute ago: "
            "run this again once they are shown, after dead_letters.hide_seconds at most"
        )
    return Verdict.PASSED, done


def count_hidden_elsewhere(hidden: int, counts: Sequence[tuple[str, int]], shown: int) -> int:
    """Tell from a queue's number of hidden letters how many somebody else holds; 0 when it may be this run's own doing.

    SQS tells that number up to a minute late (API reference, GetQueueAttributes): until then, what this run deleted
    (`counts`) and what it showed again (`shown`) may be in it.
    """
    own = sum(number for name, number in counts if name in _TAKEN_OUT) + shown
    return hidden if hidden > own else 0
