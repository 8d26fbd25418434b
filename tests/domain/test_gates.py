"""Commands turned into phases, phases into a gate's verdict, and gates into an admission."""

from __future__ import annotations

import pytest

from namecard_release.domain.gates import (
    Admission,
    CommandOutcome,
    GateResult,
    Phase,
    Verdict,
    admit,
    combine_phases,
    judge_command,
)
from tests.domain.cases import gate, phase

PASSED, FAILED, UNKNOWN, WAIVED = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN, Verdict.WAIVED
ARGV = ("pnpm", "run", "lint:all")


@pytest.mark.parametrize(
    ("outcome", "verdict", "words", "seconds"),
    [
        (CommandOutcome(ARGV, 0, 1.5), PASSED, "exit 0", 1.5),
        (CommandOutcome(ARGV, 1, 1.5), FAILED, "exit 1", 1.5),
        (CommandOutcome(ARGV, 127, 0.0), FAILED, "exit 127", 0.0),
        (CommandOutcome(ARGV, None, 9.0), UNKNOWN, "was stopped before it ended", 9.0),
        (CommandOutcome(ARGV, None, 900.4, timed_out=True), UNKNOWN, "gave no result within 900 s", 900.4),
        (CommandOutcome(ARGV, None, 2.0, cut_short=True), PASSED, "its work was done", 2.0),
        # What ended by the time limit's signal said nothing, whatever code it left.
        (CommandOutcome(ARGV, 0, 900.0, timed_out=True), UNKNOWN, "gave no result within 900 s", 900.0),
        (CommandOutcome(ARGV, -9, 900.0, timed_out=True), UNKNOWN, "gave no result within 900 s", 900.0),
        (CommandOutcome(ARGV, None, 0.0, not_started="no such program"), UNKNOWN, "did not start: no such", None),
        (CommandOutcome(ARGV, 0, 0.0, not_started=""), UNKNOWN, "did not start", None),
    ],
)
def test_a_commands_outcome_is_a_phase(
    outcome: CommandOutcome, verdict: Verdict, words: str, seconds: float | None
) -> None:
    judged = judge_command("lint", outcome)
    assert (judged.name, judged.verdict, judged.seconds) == ("lint", verdict, seconds)
    assert words in judged.reason


@pytest.mark.parametrize(
    "outcome",
    [
        CommandOutcome(ARGV, 0, 1, ("last line",)),
        CommandOutcome(ARGV, 2, 1, ("last line",)),
        CommandOutcome(ARGV, None, 1, ("last line",)),
        CommandOutcome(ARGV, None, 1, ("last line",), timed_out=True),
        CommandOutcome(ARGV, None, 1, ("last line",), not_started="gone"),
    ],
)
def test_the_end_of_the_output_is_kept_whatever_the_verdict(outcome: CommandOutcome) -> None:
    assert judge_command("lint", outcome).tail == ("last line",)


GOOD, BAD, DIM = phase("lint", PASSED), phase("test", FAILED, "exit 1"), phase("build", UNKNOWN, "timed out")


@pytest.mark.parametrize(
    ("phases", "verdict", "reason"),
    [
        ((), UNKNOWN, "nothing was checked"),
        ((GOOD,), PASSED, "1 of 1 phases passed"),
        ((GOOD, GOOD), PASSED, "2 of 2 phases passed"),
        ((GOOD, BAD), FAILED, "test: exit 1"),
        ((GOOD, DIM), UNKNOWN, "build: timed out"),
        ((DIM, BAD, GOOD), FAILED, "test: exit 1"),
        ((BAD, BAD), FAILED, "test: exit 1; test: exit 1"),
        ((DIM, DIM), UNKNOWN, "build: timed out; build: timed out"),
    ],
)
def test_phases_combine_into_a_verdict(phases: tuple[Phase, ...], verdict: Verdict, reason: str) -> None:
    assert combine_phases(phases) == (verdict, reason)


def test_a_gate_knows_how_long_it_took() -> None:
    assert gate("quality", PASSED, 10).seconds == 5


NEEDED = ("quality", "assembly")
PROCEED, HOLD, REFUSE = Admission.PROCEED, Admission.HOLD, Admission.REFUSE


@pytest.mark.parametrize(
    ("results", "admission", "gates", "words"),
    [
        pytest.param((gate("quality", PASSED), gate("assembly", PASSED)), PROCEED, NEEDED, "2 of 2", id="all passed"),
        pytest.param((), HOLD, NEEDED, "quality: never ran; assembly: never ran", id="nothing ran"),
        pytest.param((gate("quality", PASSED),), HOLD, ("assembly",), "assembly: never ran", id="one never ran"),
        pytest.param(
            (gate("quality", UNKNOWN), gate("assembly", PASSED)), HOLD, ("quality",), "because", id="one unread"
        ),
        pytest.param(
            (gate("quality", FAILED), gate("assembly", PASSED)), REFUSE, ("quality",), "because", id="one failed"
        ),
        pytest.param((gate("quality", FAILED),), REFUSE, ("quality",), "failed gates", id="failed over never ran"),
        pytest.param(
            (gate("quality", UNKNOWN), gate("assembly", FAILED)), REFUSE, ("assembly",), "assembly", id="over unread"
        ),
        pytest.param(
            (gate("quality", FAILED), gate("assembly", FAILED)), REFUSE, NEEDED, "quality: because; assembly", id="both"
        ),
        pytest.param(
            (gate("quality", FAILED, 0), gate("quality", PASSED, 9), gate("assembly", PASSED)),
            PROCEED,
            NEEDED,
            "2 of 2",
            id="the newest counts, listed last",
        ),
        pytest.param(
            (gate("quality", PASSED, 9), gate("quality", FAILED, 0), gate("assembly", PASSED)),
            PROCEED,
            NEEDED,
            "2 of 2",
            id="the newest counts, listed first",
        ),
        pytest.param(
            (gate("quality", PASSED, 0), gate("quality", UNKNOWN, 9), gate("assembly", PASSED)),
            HOLD,
            ("quality",),
            "because",
            id="passed once, unread since",
        ),
        # Nothing tells which of two is newer: the worse one must not be hidden.
        pytest.param(
            (gate("quality", PASSED, 5), gate("quality", FAILED, 5), gate("assembly", PASSED)),
            REFUSE,
            ("quality",),
            "because",
            id="a tie, the failure listed last",
        ),
        pytest.param(
            (gate("quality", FAILED, 5), gate("quality", PASSED, 5), gate("assembly", PASSED)),
            REFUSE,
            ("quality",),
            "because",
            id="a tie, the failure listed first",
        ),
        pytest.param(
            (gate("quality", PASSED), gate("assembly", PASSED), gate("other", FAILED)),
            PROCEED,
            NEEDED,
            "2 of 2",
            id="a gate nobody asked for",
        ),
    ],
)
def test_gates_admit_a_release(
    results: tuple[GateResult, ...], admission: Admission, gates: tuple[str, ...], words: str
) -> None:
    decision = admit(iter(NEEDED), results)
    assert (decision.admission, decision.gates) == (admission, gates)
    assert words in decision.reason


def test_a_waived_gate_lets_pass_and_is_told_as_waived() -> None:
    decision = admit(NEEDED, (gate("quality", WAIVED, reason="known flake"), gate("assembly", PASSED)))
    assert decision.admission is PROCEED
    assert "waived" in decision.reason.lower() and "quality" in decision.reason


def test_a_policy_without_gates_admits() -> None:
    assert admit((), (gate("quality", FAILED),)).admission is PROCEED
