"""When an earlier check stands for a gate, what its result looks like then, and what two digests have in common."""

from __future__ import annotations

from dataclasses import replace

import pytest

from namecard_release.domain.evidence import (
    CHECKED_ANEW,
    INPUTS,
    REUSED_FROM,
    Inputs,
    Policy,
    Reuse,
    RunAgain,
    decide_reuse,
    describe_age,
    digest_parts,
    digest_text,
    stand_for,
)
from namecard_release.domain.gates import GateResult, Verdict
from tests.domain.cases import A, B, at, gate

PASSED, FAILED, UNKNOWN, WAIVED = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN, Verdict.WAIVED
NOW = at(1000)
SAME = Inputs("same")
DAY = Policy(86_400)


def check(ended: float = 280, verdict: Verdict = PASSED, inputs: str = "same", **evidence: str) -> GateResult:
    """Make a check of quality that ended that many seconds after T0, 1000 s after which it is now."""
    made = gate("quality", verdict, ended, "4 of 4 phases passed")
    return replace(made, evidence={INPUTS: inputs, **evidence}, run_id="1a2b3c4d-0000")


@pytest.mark.parametrize(
    ("candidates", "inputs", "policy", "words"),
    [
        pytest.param((check(),), SAME, Policy(None), None, id="no limit"),
        pytest.param((check(),), SAME, DAY, None, id="young enough"),
        pytest.param((check(),), SAME, Policy(720.5), None, id="just young enough"),
        pytest.param((check(),), SAME, Policy(720), "12 min old, and the limit is 12 min", id="as old as the limit"),
        pytest.param((check(),), SAME, Policy(60), "12 min old, and the limit is 1 min", id="too old"),
        pytest.param((check(1000),), SAME, DAY, None, id="this very moment"),
        pytest.param((check(1000.1),), SAME, DAY, "from the future", id="a clock is ahead"),
        pytest.param((check(1001), check()), SAME, DAY, "from the future", id="the newest one is from the future"),
        pytest.param((), SAME, DAY, "nothing with these inputs", id="never checked"),
        pytest.param((check(inputs="other"),), SAME, DAY, "nothing with these inputs", id="other inputs"),
        pytest.param((replace(check(), evidence={}),), SAME, DAY, "nothing with these inputs", id="inputs not kept"),
        pytest.param((check(verdict=FAILED),), SAME, DAY, "was FAILED", id="failed"),
        pytest.param((check(verdict=UNKNOWN),), SAME, DAY, "was UNKNOWN", id="unread"),
        pytest.param((check(verdict=WAIVED),), SAME, DAY, "was WAIVED", id="waived"),
        pytest.param((check(400, FAILED), check(300)), SAME, DAY, "was FAILED", id="failed since, newest first"),
        pytest.param((check(300), check(400, UNKNOWN)), SAME, DAY, "was UNKNOWN", id="unread since, newest last"),
        pytest.param((check(400), check(300, FAILED)), SAME, DAY, None, id="failed before, passed since"),
        # Nothing tells which of two is newer: the worse one must not be hidden.
        pytest.param((check(300), check(300, FAILED)), SAME, DAY, "was FAILED", id="a tie"),
        pytest.param(
            (check(999, reused_from="run 1"), check(280)), SAME, Policy(600), "12 min old", id="no chain of renewals"
        ),
        pytest.param((check(999, reused_from="run 1"),), SAME, DAY, "nothing with these", id="only a copy is left"),
        pytest.param((check(),), Inputs("same", "node was not read"), DAY, "node was not read", id="a tool not read"),
        pytest.param((check(),), SAME, Policy(None, reuse=False), "re-uses nothing", id="the policy says no"),
    ],
)
def test_a_check_stands_for_a_gate(
    candidates: tuple[GateResult, ...], inputs: Inputs, policy: Policy, words: str | None
) -> None:
    decision = decide_reuse(candidates, inputs, policy, NOW)
    if words is None:
        assert isinstance(decision, Reuse) and decision.result.verdict is PASSED
    else:
        assert isinstance(decision, RunAgain) and words in decision.why


def test_the_reason_tells_how_old_it_is_and_which_run_checked() -> None:
    decision = decide_reuse((check(),), SAME, DAY, NOW)
    assert isinstance(decision, Reuse)
    told = "same tree, same tools, checked 12 min ago by run 1a2b3c4d: 4 of 4 phases passed"
    assert decision.reason == told


def test_what_stands_for_a_gate_is_the_new_releases_and_names_its_origin() -> None:
    old = replace(check(), id=7)
    old = replace(old, evidence={**old.evidence, "tree": "t", CHECKED_ANEW: "nothing was checked before"})
    made = stand_for(Reuse(old, "because"), B, "prod", "run-2", NOW)
    assert set(made.evidence) == {"tree", INPUTS, REUSED_FROM}
    assert (made.release, made.environment, made.run_id, made.verdict) == (B, "prod", "run-2", PASSED)
    assert (made.started_at, made.ended_at, made.reason, made.id) == (NOW, NOW, "because", None)
    origin = made.evidence[REUSED_FROM]
    assert all(part in origin for part in ("run 1a2b3c4d-0000", at(280).isoformat(), "gate result 7", A))
    again = decide_reuse((made,), SAME, DAY, NOW)
    assert isinstance(again, RunAgain)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (172_799, "47 h"), (172_800, "2 d")],
)
def test_an_age_is_told_in_one_unit(seconds: float, told: str) -> None:
    assert describe_age(seconds) == told


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        ({"b": [1, "x"], "a": {"k": "v"}}, True),
        ({"a": {"k": "w"}, "b": [1, "x"]}, False),
        ({"a": {"k": "v"}, "b": ["x", 1]}, False),
        ({"a": {"k": "v"}, "b": [1, "x"], "c": None}, False),
        ({"a": {"k": "v"}, "b": ["1", "x"]}, False),
    ],
)
def test_a_digest_is_over_names_and_values_whatever_their_order(other: dict[str, object], equal: bool) -> None:
    assert (digest_parts({"a": {"k": "v"}, "b": [1, "x"]}) == digest_parts(other)) is equal


def test_a_text_that_no_encoding_takes_has_a_digest_too() -> None:
    assert len(digest_text("\ud800")) == len(digest_parts({"a": "\ud800ü"})) == 64
