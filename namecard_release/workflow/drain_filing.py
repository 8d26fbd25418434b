"""Letters put into the archive, and what the journal is to know of them. Writing the journal is `draining`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from namecard_release.dlq_port import ArchiveLine, DeadLetterArchive
from namecard_release.domain.dead_letter_plans import Action, JournalEntry, JournalState
from namecard_release.workflow.dead_letters import Planned
from namecard_release.workflow.drain_state import Run

# What is archived and journaled before it is done, and as what.
STATES = {
    Action.REPLAY: JournalState.INTENDED,
    Action.ARCHIVE: JournalState.FILED,
    Action.QUARANTINE: JournalState.QUARANTINED,
}


class Filer:
    """Files letters of one environment for one run."""

    def __init__(self, archive: DeadLetterArchive, run: Run, environment: str, run_id: str) -> None:
        self._archive, self._run, self._environment, self._run_id = archive, run, environment, run_id

    def file(self, part: Sequence[Planned], now: datetime) -> list[JournalEntry]:
        """Put letters of one service into one object; gives what the journal is to know of them.

        Raises TransientError or PermanentError.
        """
        quarantine = part[0].plan.action is Action.QUARANTINE
        key = self._archive.put([self._line(one, now) for one in part], quarantine=quarantine)
        self._run.keep_archive(key)
        return [self._entry(one, key, now) for one in part]

    def _line(self, one: Planned, now: datetime) -> ArchiveLine:
        plan = one.plan
        return ArchiveLine(
            *(one.letter, self._environment, one.service, plan.key, str(plan.action), plan.reason),
            *(plan.attempt, now, self._run_id),
        )

    def _entry(self, one: Planned, archive: str, now: datetime) -> JournalEntry:
        letter, plan = one.letter, one.plan
        function = plan.target.function if plan.target is not None else letter.function or ""
        return JournalEntry(
            environment=self._environment,
            message_id=letter.message_id,
            replay_key=plan.key,
            digest=letter.digest,
            service=one.service,
            function=function,
            request_id=letter.request_id,
            error_name=letter.error_name,
            reason=plan.reason,
            state=STATES[plan.action],
            archive=archive,
            attempt=plan.attempt,
            carried=letter.carries_mark,
            sent_at=letter.sent_at,
            intended_at=now,
            settled_at=None,
            run_id=self._run_id,
        )
