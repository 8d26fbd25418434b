"""Failed requests sent to the API again, at a rate, and told in the audit trail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from namecard_release.dlq_port import Pacer, RequestSender
from namecard_release.domain.approvals import is_named
from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.gates import Verdict
from namecard_release.domain.request_replay import Answer, PlannedRequest, RequestAction, judge_answers
from namecard_release.errors import MisuseError
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.ports import Clock
from namecard_release.workflow.people import Word

# So many requests in a row without an answer, and nobody is there.
_MOST_SILENT = 5


@dataclass(frozen=True)
class Replayed:
    """What came of it: each request that was sent with its answer, and how many were not sent, by reason."""

    verdict: Verdict
    reason: str
    sent: tuple[tuple[PlannedRequest, Answer], ...]
    skipped: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class ReplayTools:
    """What sending is done with."""

    sender: RequestSender
    pacer: Pacer
    ledger: ReleaseLedger
    clock: Clock


def replay_requests(tools: ReplayTools, base_url: str, planned: Sequence[PlannedRequest], word: Word) -> Replayed:
    """Send what is planned, one after another, until all is sent or nobody answers.

    Raises MisuseError without a name or a reason, before anything is sent.
    """
    if not is_named(word.actor):
        raise MisuseError("nobody is named: say who this is by --actor")
    if not word.reason.strip():
        raise MisuseError("say why with --reason: it is kept in the audit trail")
    due = [one for one in planned if one.action is RequestAction.SEND]
    tools.ledger.record_event(_event(word, "requests replay begun", {"requests": len(due)}))
    sent = _send_all(tools, base_url, due)
    verdict, reason = judge_answers([answer for _, answer in sent])
    if len(sent) < len(due):
        reason = f"{reason}; nobody answered {_MOST_SILENT} times in a row: {len(due) - len(sent)} were not sent"
    statuses = Counter(str(answer.status or "none") for _, answer in sent)
    ended = Word(word.environment, word.actor, word.reason, tools.clock.now())
    tools.ledger.record_event(_event(ended, "requests replay ended", {"verdict": str(verdict), **statuses}))
    return Replayed(verdict, reason, tuple(sent), count_skipped(planned))


def count_skipped(planned: Sequence[PlannedRequest]) -> tuple[tuple[str, int], ...]:
    """Count what is not sent, by reason."""
    return tuple(Counter(one.reason for one in planned if one.action is RequestAction.SKIP).most_common())


def _send_all(tools: ReplayTools, base_url: str, due: Sequence[PlannedRequest]) -> list[tuple[PlannedRequest, Answer]]:
    sent: list[tuple[PlannedRequest, Answer]] = []
    silent = 0
    for one in due:
        tools.pacer.take(1)
        answer = tools.sender.send(base_url, one)
        sent.append((one, answer))
        busy = answer.status is None or answer.status in (429, 503)
        silent = silent + 1 if busy else 0
        if silent == _MOST_SILENT:
            break
        if busy:
            tools.pacer.back_off(silent - 1)
    return sent


def _event(word: Word, action: str, details: dict[str, object]) -> AuditEvent:
    return AuditEvent(word.at, word.actor, action, word.environment, word.environment, word.reason, details)
