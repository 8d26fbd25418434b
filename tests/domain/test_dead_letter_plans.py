"""What is done with each letter: by mode, class, journal and target; poison, duplicates, and runs judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.dead_letter_plans import (
    Action,
    JournalEntry,
    JournalState,
    Known,
    LetterPlan,
    Mode,
    Policy,
    count_hidden_elsewhere,
    judge_run,
    plan_letter,
)
from namecard_release.domain.dead_letter_rules import Classification, Recovery
from namecard_release.domain.dead_letters import BodyFormat, DeadLetter, Mark, NoTarget, Target, replay_key
from namecard_release.domain.gates import Verdict

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TARGET = Target("auth-fn", "auth")
LETTER = DeadLetter("m", "{}", BodyFormat.RAW, "{}", "d", NOW - timedelta(hours=1), carries_mark=True)
KEY = replay_key("prod", LETTER)
R, F, U, N = Recovery.RECOVERABLE, Recovery.AFTER_FIX, Recovery.UNRECOVERABLE, Recovery.UNKNOWN


def entry(state: JournalState, message_id: str = "m", **changes: object) -> JournalEntry:
    texts = ("prod", message_id, KEY, "d", "auth", "auth-fn", None, None, "why", state, "object", 1, True)
    made = JournalEntry(*texts, sent_at=NOW, intended_at=NOW, settled_at=None, run_id="run")
    return replace(made, **changes)  # type: ignore[arg-type]


def plan(
    recovery: Recovery = R,
    letter: DeadLetter = LETTER,
    target: Target | NoTarget = TARGET,
    known: Known | None = None,
    **policy: object,
) -> LetterPlan:
    rules = Policy(**{"mode": Mode.DRAIN, **policy})  # type: ignore[arg-type]
    return plan_letter("prod", letter, Classification(recovery, "rule", "why"), target, known or Known(), rules)


@pytest.mark.parametrize(
    ("mode", "recovery", "action"),
    [
        (Mode.DRAIN, R, Action.REPLAY),
        (Mode.DRAIN, F, Action.LEAVE),
        (Mode.DRAIN, U, Action.ARCHIVE),
        (Mode.DRAIN, N, Action.LEAVE),
        (Mode.REPLAY, R, Action.REPLAY),
        (Mode.REPLAY, F, Action.LEAVE),
        (Mode.REPLAY, U, Action.LEAVE),
        (Mode.REPLAY, N, Action.LEAVE),
        (Mode.ARCHIVE, R, Action.LEAVE),
        (Mode.ARCHIVE, F, Action.LEAVE),
        (Mode.ARCHIVE, U, Action.ARCHIVE),
        (Mode.ARCHIVE, N, Action.LEAVE),
    ],
)
def test_what_the_rules_alone_decide(mode: Mode, recovery: Recovery, action: Action) -> None:
    assert plan(recovery, mode=mode).action is action


@pytest.mark.parametrize("recovery", list(Recovery))
def test_a_person_may_insist(recovery: Recovery) -> None:
    assert plan(recovery, mode=Mode.REPLAY, insist=True).action is Action.REPLAY
    assert plan(recovery, mode=Mode.ARCHIVE, insist=True).action is Action.ARCHIVE


@pytest.mark.parametrize(
    ("released", "action"),
    [(None, Action.LEAVE), (NOW - timedelta(hours=2), Action.LEAVE), (NOW, Action.REPLAY)],
)
def test_a_fault_of_the_code_waits_for_another_release(released: datetime | None, action: Action) -> None:
    assert plan(F, released_at=released).action is action


def test_a_replay_has_its_key_target_and_number() -> None:
    told = plan()
    assert (told.key, told.target, told.attempt) == (KEY, TARGET, 1)


def test_a_letter_without_a_target_is_left_even_when_insisted() -> None:
    told = plan(target=NoTarget("gone"), insist=True, mode=Mode.REPLAY)
    assert told.action is Action.LEAVE and "gone" in told.reason


@pytest.mark.parametrize("state", [JournalState.SENT, JournalState.FILED, JournalState.QUARANTINED])
@pytest.mark.parametrize("recovery", list(Recovery))
def test_what_was_dealt_with_is_only_deleted(state: JournalState, recovery: Recovery) -> None:
    known = Known(entry(state), (entry(state),))
    assert plan(recovery, known=known, insist=True).action is Action.DELETE


@pytest.mark.parametrize("state", [JournalState.INTENDED, JournalState.PRESUMED_SENT])
def test_what_was_intended_and_is_still_there_is_sent_with_the_same_key_and_number(state: JournalState) -> None:
    told = plan(known=Known(entry(state), (entry(state),)))
    assert (told.action, told.key, told.attempt) == (Action.REPLAY, KEY, 1)


@pytest.mark.parametrize(("replays", "action"), [(0, Action.REPLAY), (1, Action.REPLAY), (2, Action.QUARANTINE)])
def test_poison_is_quarantined_after_two_returns(replays: int, action: Action) -> None:
    # Known by the mark alone, as with a journal that was lost.
    assert plan(letter=replace(LETTER, mark=Mark(KEY, replays))).action is action
    # Known by the journal alone.
    kin = tuple(entry(JournalState.SENT, f"m-{n}") for n in range(replays))
    marked = replace(LETTER, mark=Mark(KEY, 0))
    assert plan(letter=marked, known=Known(None, kin)).action is action


@pytest.mark.parametrize("mode", [Mode.REPLAY, Mode.DRAIN])
def test_poison_is_quarantined_although_insisted(mode: Mode) -> None:
    assert plan(letter=replace(LETTER, mark=Mark(KEY, 2)), mode=mode, insist=True).action is Action.QUARANTINE


def test_what_comes_back_to_the_run_that_sent_it_waits_for_the_next_run() -> None:
    known = Known(None, (entry(JournalState.INTENDED, "m-1"),))
    back = replace(LETTER, mark=Mark(KEY, 1))
    assert plan(letter=back, known=known, run_id="run").action is Action.LEAVE
    assert plan(letter=back, known=known, run_id="another").action is Action.REPLAY


def test_a_payload_that_carries_no_key_is_known_by_its_content() -> None:
    bare = replace(LETTER, carries_mark=False, message_id="n")
    kin = tuple(
        entry(JournalState.SENT, f"m-{n}", carried=False, replay_key="nr-first", intended_at=NOW - timedelta(hours=2))
        for n in range(2)
    )
    told = plan(letter=bare, known=Known(None, kin))
    assert (told.action, told.key) == (Action.QUARANTINE, "nr-first")


def test_the_same_content_that_came_before_the_replay_is_a_letter_of_its_own() -> None:
    bare = replace(LETTER, carries_mark=False, message_id="n")
    kin = (entry(JournalState.SENT, "m-1", carried=False, replay_key="nr-first", intended_at=NOW),)
    told = plan(letter=bare, known=Known(None, kin))
    assert (told.action, told.attempt) == (Action.REPLAY, 1) and told.key != "nr-first"


def test_a_failure_that_was_reported_twice_is_sent_once() -> None:
    twice = replace(LETTER, message_id="n", request_id="r")
    kin = (entry(JournalState.SENT, "m", request_id="r", replay_key=replay_key("prod", twice)),)
    told = plan(letter=twice, known=Known(None, kin))
    assert told.action is Action.ARCHIVE and "twice" in told.reason


@pytest.mark.parametrize(
    ("counts", "left", "failed", "stopped", "verdict"),
    [
        ([], 0, 0, None, Verdict.PASSED),
        ([("replayed", 5)], 0, 0, None, Verdict.PASSED),
        ([("archived", 5)], 1, 0, None, Verdict.UNKNOWN),
        ([("replayed", 5)], 0, 0, "the limit is reached", Verdict.UNKNOWN),
        ([("quarantined", 1)], 0, 0, None, Verdict.FAILED),
        ([("replayed", 5)], 1, 1, None, Verdict.FAILED),
    ],
)
def test_a_run_is_judged(
    counts: list[tuple[str, int]], left: int, failed: int, stopped: str | None, verdict: Verdict
) -> None:
    assert judge_run(counts, left, failed, stopped)[0] is verdict
    assert "hidden" not in judge_run(counts, left, failed, stopped)[1]


@pytest.mark.parametrize(
    ("counts", "left", "verdict"),
    [([], 0, Verdict.UNKNOWN), ([("replayed", 5)], 0, Verdict.UNKNOWN), ([("quarantined", 1)], 0, Verdict.FAILED)],
)
def test_a_run_that_others_hid_letters_from_is_not_called_good(
    counts: list[tuple[str, int]], left: int, verdict: Verdict
) -> None:
    told, reason = judge_run(counts, left, 0, None, hidden=500)
    assert told is verdict
    assert verdict is Verdict.FAILED or "about 500 more are hidden" in reason


@pytest.mark.parametrize(
    ("hidden", "counts", "shown", "elsewhere"),
    [
        pytest.param(0, [], 0, 0, id="nothing is hidden"),
        pytest.param(500, [], 0, 500, id="all of it is somebody else's"),
        pytest.param(500, [("replayed", 499)], 0, 500, id="more than this run took out"),
        pytest.param(
            500, [("replayed", 300), ("archived", 200)], 0, 0, id="the number is late: this run took them out"
        ),
        pytest.param(
            500, [("presumed_sent", 900), ("deletes_owed", 9)], 0, 500, id="what was never in this run's hand"
        ),
        pytest.param(30, [("deleted", 10)], 20, 0, id="the number is late: this run shows them again"),
    ],
)
def test_what_somebody_else_holds_is_told_from_a_late_number(
    hidden: int, counts: list[tuple[str, int]], shown: int, elsewhere: int
) -> None:
    assert count_hidden_elsewhere(hidden, counts, shown) == elsewhere
