"""When a rollback is rehearsed, what the tests' outcome says, and what it may change in the verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from namecard_release.domain.compatibility import Reason, Safety
from namecard_release.domain.gates import GateResult, Phase, Verdict
from namecard_release.domain.rehearsal import (
    DatabaseAddress,
    RehearsalMode,
    RehearsalPolicy,
    apply_rehearsal,
    find_rehearsal,
    is_wanted,
    judge_rehearsal,
)
from namecard_release.domain.safety import SafetyVerdict
from tests.domain.cases import TITLE, B, gate, phase

SAFE, UNSAFE, UNKNOWN = Safety.SAFE, Safety.UNSAFE, Safety.UNKNOWN
PASSED, FAILED, UNREAD = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN
NEVER, ON_DOUBT, ALWAYS = RehearsalMode.NEVER, RehearsalMode.ON_DOUBT, RehearsalMode.ALWAYS
DYNAMIC = Reason(TITLE, 2, "dynamic", "known only when it runs")
DOUBT = SafetyVerdict(UNKNOWN, "dynamic", (TITLE,), reasons=(DYNAMIC,), schema="s", provable=True)
ADDITIVE, DROP = replace(DOUBT, safety=SAFE, provable=False), replace(DOUBT, safety=UNSAFE, provable=False)
LOST = replace(DOUBT, provable=False)
OWN = SafetyVerdict(SAFE, "its own", schema="s")


@pytest.mark.parametrize(
    ("mode", "verdict", "schema", "wanted"),
    [
        pytest.param(NEVER, DOUBT, "s", False, id="never"),
        pytest.param(ON_DOUBT, DOUBT, "s", True, id="in doubt"),
        pytest.param(ON_DOUBT, LOST, "s", False, id="a doubt that it cannot settle"),
        pytest.param(ON_DOUBT, ADDITIVE, "s", False, id="no doubt, safe"),
        pytest.param(ON_DOUBT, DROP, "s", False, id="no doubt, unsafe"),
        pytest.param(ALWAYS, ADDITIVE, "s", True, id="always, safe"),
        pytest.param(ALWAYS, DROP, "s", True, id="always, unsafe"),
        pytest.param(ALWAYS, OWN, "s", False, id="nothing between"),
        pytest.param(ALWAYS, ADDITIVE, "other", False, id="the files make another schema than the target's"),
        pytest.param(ALWAYS, replace(DOUBT, unread=True), "s", False, id="the schema was not read"),
    ],
)
def test_when_a_rollback_is_rehearsed(mode: RehearsalMode, verdict: SafetyVerdict, schema: str, wanted: bool) -> None:
    assert is_wanted(RehearsalPolicy(mode, False), verdict, schema) is wanted


GOOD, BAD, DARK = phase("test", PASSED), phase("test", FAILED, "exit 1"), phase("test", UNREAD, "did not start")


@pytest.mark.parametrize(
    ("tests", "used", "control", "verdicts", "words"),
    [
        pytest.param((GOOD,), True, None, [PASSED], "", id="passed"),
        pytest.param((GOOD,), False, None, [PASSED, UNREAD], "no command connected", id="passed without the database"),
        pytest.param((DARK,), False, None, [UNREAD], "did not start", id="did not start"),
        pytest.param((), False, None, [], "", id="no command"),
        pytest.param((BAD,), True, (GOOD,), [FAILED], "exit 1", id="failed on this schema only"),
        pytest.param((GOOD, BAD), True, (GOOD, GOOD), [PASSED, FAILED], "exit 1", id="the second failed"),
        pytest.param((BAD,), True, (BAD,), [UNREAD], "own schema too", id="failed on both"),
        pytest.param((BAD,), True, (DARK,), [UNREAD], "no result to compare", id="nothing to compare with"),
        pytest.param((BAD,), True, None, [UNREAD], "no result to compare", id="no control"),
        pytest.param((BAD,), False, (GOOD,), [FAILED], "exit 1", id="failed to connect to this one alone"),
    ],
)
def test_what_the_tests_say(
    tests: tuple[Phase, ...], used: bool, control: tuple[Phase, ...] | None, verdicts: list[Verdict], words: str
) -> None:
    judged = judge_rehearsal(tests, used, control)
    assert [one.verdict for one in judged] == verdicts
    assert not words or words in judged[-1].reason


def rehearsal(verdict: Verdict, ended: float = 0, **evidence: str) -> GateResult:
    """Make a rehearsal of B on the schema `s`, by the commands `c`."""
    told = {"to": B, "schema": "s", "commands": "c", **evidence}
    return replace(gate("rehearsal", verdict, ended, "exit 1"), environment="staging", evidence=told)


WON, BROKE, SILENT = rehearsal(PASSED), rehearsal(FAILED), rehearsal(UNREAD)


@pytest.mark.parametrize(
    ("results", "commands", "found"),
    [
        pytest.param((), None, None, id="none"),
        pytest.param((WON,), None, WON, id="one"),
        pytest.param((WON, rehearsal(FAILED, 9)), None, rehearsal(FAILED, 9), id="the newest"),
        pytest.param((rehearsal(PASSED, to="other"),), None, None, id="of another release"),
        pytest.param((rehearsal(PASSED, schema="other"),), None, None, id="on another schema"),
        pytest.param((replace(WON, environment="prod"),), None, None, id="in another environment"),
        pytest.param((replace(WON, gate="quality"),), None, None, id="another gate"),
        pytest.param((SILENT,), None, SILENT, id="without a result"),
        pytest.param((SILENT,), "c", None, id="held again when there was no result"),
        pytest.param((WON,), "c", WON, id="not held again"),
        pytest.param((WON,), "d", None, id="held again with other commands"),
    ],
)
def test_the_rehearsal_on_record(results: tuple[GateResult, ...], commands: str | None, found: object) -> None:
    assert find_rehearsal(results, B, "s", "staging", commands) == found


TABLE = {
    # verdict, rehearsal, mode, proves -> safety, words of the reason
    "doubt, none held": (DOUBT, None, ON_DOUBT, True, UNKNOWN, "dynamic"),
    "doubt, passed, proves": (DOUBT, WON, ON_DOUBT, True, SAFE, "settles what reading left open: dynamic"),
    "doubt, passed, is no proof": (DOUBT, WON, ON_DOUBT, False, UNKNOWN, "does not take for proof"),
    "doubt, failed": (DOUBT, BROKE, ON_DOUBT, True, UNSAFE, "own tests fail on this schema"),
    "doubt, no result": (DOUBT, SILENT, ON_DOUBT, True, UNKNOWN, "gave no result"),
    "a lost text is not proven": (LOST, WON, ALWAYS, True, UNKNOWN, "does not take for proof"),
    "safe, none held": (ADDITIVE, None, ON_DOUBT, True, SAFE, ""),
    "safe, passed": (ADDITIVE, WON, ALWAYS, False, SAFE, "own tests passed"),
    "safe, failed": (ADDITIVE, BROKE, ON_DOUBT, True, UNSAFE, "own tests fail"),
    "safe, always, none held": (ADDITIVE, None, ALWAYS, True, UNKNOWN, "asks for a rehearsal, and no rehearsal"),
    "safe, always, no result": (ADDITIVE, SILENT, ALWAYS, True, UNKNOWN, "gave no result"),
    "safe, on doubt, no result": (ADDITIVE, SILENT, ON_DOUBT, True, SAFE, ""),
    "unsafe is never overturned": (DROP, WON, ALWAYS, True, UNSAFE, "dynamic"),
    "unsafe, failed": (DROP, BROKE, ALWAYS, True, UNSAFE, "own tests fail"),
    "nothing between": (OWN, BROKE, ALWAYS, True, SAFE, "its own"),
    "unread": (replace(DOUBT, unread=True), WON, ALWAYS, True, UNKNOWN, "dynamic"),
    "an earlier failure counts whatever the mode": (ADDITIVE, BROKE, NEVER, False, UNSAFE, "own tests fail"),
}


@pytest.mark.parametrize(("verdict", "result", "mode", "proves", "safety", "words"), TABLE.values(), ids=TABLE.keys())
def test_what_a_rehearsal_may_change(
    verdict: SafetyVerdict,
    result: GateResult | None,
    mode: RehearsalMode,
    proves: bool,
    safety: Safety,
    words: str,
) -> None:
    judged = apply_rehearsal(verdict, result, RehearsalPolicy(mode, proves))
    assert (judged.safety, words in judged.reason) == (safety, True), judged
    assert judged.between == verdict.between and judged.reasons[-len(verdict.reasons) :] == verdict.reasons


def test_a_failed_rehearsal_tells_the_end_of_its_output() -> None:
    lines = tuple(f"line {number}" for number in range(9))
    result = replace(BROKE, phases=(phase("lint", PASSED), Phase("test:database", FAILED, "exit 1", 2.0, lines)))
    judged = apply_rehearsal(DOUBT, result, RehearsalPolicy(ON_DOUBT, False))
    assert judged.reasons[0].rule == "rehearsal-failed" and judged.reasons[0].file == "test:database"
    assert judged.reasons[0].why.endswith("line 6 | line 7 | line 8")


def test_an_address_does_not_show_its_password() -> None:
    assert "s3cret" not in repr(DatabaseAddress("db", 5432, "ada", "x", "s3cret"))
