"""Which archived letters may be sent again, and what a run comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from namecard_release.domain.archived_letters import judge_archived, plan_archived
from namecard_release.domain.dead_letter_plans import JournalEntry, JournalState
from namecard_release.domain.dead_letters import BodyFormat, DeadLetter, Mark, NoTarget, Target
from namecard_release.domain.gates import Verdict

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LETTER = DeadLetter("m-1", "{}", BodyFormat.RAW, "{}", "d", sent_at=AT, receives=1)
HERE = Target("auth-fn", "auth")
ENTRY = JournalEntry(
    *("dev", "m-1", "nr-1", "d", "auth", "auth-fn", None, None, "why", JournalState.FILED, "object"),
    *(0, True, AT, AT, None, "run"),
)


@pytest.mark.parametrize(
    ("changes", "insist", "why"),
    [
        ({}, False, None),
        ({"state": JournalState.QUARANTINED}, True, None),
        ({"state": JournalState.QUARANTINED}, False, "it is poison"),
        ({"state": JournalState.INTENDED}, True, "drain the queue first"),
        ({"state": JournalState.SENT}, True, "went out already"),
        ({"state": JournalState.PRESUMED_SENT}, True, "went out already"),
        ({"archive": "another"}, True, "it was filed again, in another"),
    ],
)
def test_the_journal_decides(changes: dict[str, object], insist: bool, why: str | None) -> None:
    entry = replace(ENTRY, **changes)  # type: ignore[arg-type]
    plan = plan_archived(LETTER, "auth", "object", entry, HERE, insist=insist)
    assert (plan.target == HERE, plan.key) == (why is None, "nr-1")
    assert (why or "never sent since") in plan.reason
    assert plan.attempt == (1 if why is None else 0)


def test_what_the_journal_does_not_know_or_has_nowhere_to_go_is_kept() -> None:
    unknown = plan_archived(LETTER, "auth", "object", None, HERE, insist=True)
    assert unknown.target is None and "may be in the queue still" in unknown.reason
    lost = plan_archived(LETTER, "auth", "object", ENTRY, NoTarget("gone"), insist=True)
    assert (lost.target, lost.reason) == (None, "it cannot be replayed: gone")


def test_poison_counts_on_from_its_returns() -> None:
    letter = replace(LETTER, mark=Mark("nr-1", 2))
    entry = replace(ENTRY, state=JournalState.QUARANTINED)
    assert plan_archived(letter, "auth", "object", entry, HERE, insist=True).attempt == 3


@pytest.mark.parametrize(
    ("run", "verdict"),
    [
        ((3, 0, 0, None), Verdict.PASSED),
        ((3, 1, 0, None), Verdict.UNKNOWN),
        ((3, 1, 0, "throttled"), Verdict.UNKNOWN),
        ((3, 1, 1, None), Verdict.FAILED),
    ],
)
def test_the_verdict(run: tuple[int, int, int, str | None], verdict: Verdict) -> None:
    assert judge_archived(*run)[0] is verdict
