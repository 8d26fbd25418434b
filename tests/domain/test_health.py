"""What a deploy left behind, judged phase by phase, and the probes of every service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from namecard_release.domain.alarms import expected_alarms
from namecard_release.domain.gates import Phase, Verdict
from namecard_release.domain.health import Expectation, Probe, Reality, RunningFunction, judge_probes, judge_reality
from namecard_release.domain.migrations import LedgerRow
from namecard_release.domain.serving import ServedAlias
from tests.domain.cases import CARDS, SERVICES, TITLE, USERS, B, C, file, row

PASSED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN
AUTH, CARD = "AuthServiceFunction1A2B", "CardsServiceFunction3C4D"
EXPECTED = Expectation(SERVICES, (file(USERS), file(CARDS)), ("HttpApiUrl", "RdsProxyEndpoint"), False)
REAL = Reality(
    functions=(RunningFunction(AUTH, "x", "x"), RunningFunction(CARD, "y", "y")),
    rows=(row(USERS), row(CARDS)),
    outputs={"HttpApiUrl": "https://api", "RdsProxyEndpoint": "proxy", "Other": ""},
    alarm_names=expected_alarms(SERVICES),
)


def judged(expected: Expectation, real: Reality, name: str) -> Phase:
    """Judge and give the phase of one name."""
    return {phase.name: phase for phase in judge_reality(expected, real)}[name]


def test_a_deploy_that_left_everything_right_passes_in_four_phases() -> None:
    phases = judge_reality(EXPECTED, REAL)
    assert [phase.name for phase in phases] == ["code", "schema", "outputs", "alarms"]
    assert {phase.verdict for phase in phases} == {PASSED}


def test_one_wrong_phase_does_not_hide_another() -> None:
    phases = judge_reality(EXPECTED, Reality((), None, {}, (), "no connection"))
    assert [phase.verdict for phase in phases] == [FAILED, UNKNOWN, FAILED, FAILED]


@pytest.mark.parametrize(
    ("functions", "verdict", "words"),
    [
        (REAL.functions, PASSED, "2 functions run the release's code"),
        ((*REAL.functions, RunningFunction("SchemaMigrator9", "z", "z")), PASSED, "3 functions"),
        ((), FAILED, "no function found for auth, cards"),
        (REAL.functions[:1], FAILED, "no function found for cards"),
        ((RunningFunction(AUTH, "x", "x"), RunningFunction(CARD, "y", "old")), FAILED, f"{CARD} runs old instead of y"),
        (
            (*REAL.functions, RunningFunction("SchemaMigrator9", "z", "old")),
            FAILED,
            "SchemaMigrator9 runs old instead of z",
        ),
        ((REAL.functions[0], RunningFunction(CARD, "y", None, "throttled")), UNKNOWN, f"{CARD}: throttled"),
        ((REAL.functions[0], RunningFunction(CARD, None, "y", "no asset")), UNKNOWN, f"{CARD}: no asset"),
        ((REAL.functions[0], RunningFunction(CARD, None, None)), UNKNOWN, f"{CARD}: no digest"),
        ((RunningFunction(AUTH, "x", "old"), RunningFunction(CARD, "y", None)), FAILED, f"{AUTH} runs old"),
        # An empty digest is no digest: two of them prove nothing.
        ((REAL.functions[0], RunningFunction(CARD, "", "")), UNKNOWN, CARD),
        ((REAL.functions[0], RunningFunction(CARD, "", "y")), UNKNOWN, CARD),
        ((REAL.functions[0], RunningFunction(CARD, "y", "")), UNKNOWN, CARD),
    ],
)
def test_every_function_runs_the_releases_code(
    functions: tuple[RunningFunction, ...], verdict: Verdict, words: str
) -> None:
    phase = judged(EXPECTED, replace(REAL, functions=functions), "code")
    assert (phase.verdict, words in phase.reason) == (verdict, True), phase.reason


@pytest.mark.parametrize(
    ("rows", "ahead_is_fine", "verdict", "words"),
    [
        ((row(USERS), row(CARDS)), False, PASSED, "2 of 2 migrations applied"),
        (None, False, UNKNOWN, "the target's ledger was not read: no connection"),
        (None, True, UNKNOWN, "no connection"),
        # The green deploy that applied nothing.
        ((), False, FAILED, f"deployed, yet not applied: {USERS}, {CARDS}"),
        ((row(USERS),), True, FAILED, f"not applied: {CARDS}"),
        ((row(USERS), row(CARDS, "f" * 64)), True, FAILED, "checksum changed"),
        ((row(USERS), row(CARDS), row(TITLE)), False, FAILED, "not in this release"),
        ((row(USERS), row(CARDS), row(TITLE)), True, PASSED, "2 of 2 migrations applied, 1 newer rows"),
    ],
)
def test_the_targets_ledger_holds_the_releases_migrations(
    rows: tuple[LedgerRow, ...] | None, ahead_is_fine: bool, verdict: Verdict, words: str
) -> None:
    real = replace(REAL, rows=rows, unread="no connection" if rows is None else "")
    phase = judged(replace(EXPECTED, ledger_ahead_is_fine=ahead_is_fine), real, "schema")
    assert (phase.verdict, words in phase.reason) == (verdict, True), phase.reason


@pytest.mark.parametrize(
    ("outputs", "verdict", "words"),
    [
        ({"HttpApiUrl": "https://api", "RdsProxyEndpoint": "proxy"}, PASSED, "2 outputs there"),
        ({"HttpApiUrl": "https://api"}, FAILED, "RdsProxyEndpoint"),
        ({"HttpApiUrl": "", "RdsProxyEndpoint": "proxy"}, FAILED, "HttpApiUrl"),
        ({}, FAILED, "HttpApiUrl, RdsProxyEndpoint"),
    ],
)
def test_the_outputs_exist_and_say_something(outputs: Mapping[str, str], verdict: Verdict, words: str) -> None:
    phase = judged(EXPECTED, replace(REAL, outputs=outputs), "outputs")
    assert (phase.verdict, words in phase.reason) == (verdict, True), phase.reason


def test_no_outputs_may_be_asked_for() -> None:
    assert judged(replace(EXPECTED, outputs=()), replace(REAL, outputs={}), "outputs").verdict is PASSED


@pytest.mark.parametrize(
    ("names", "verdict", "words"),
    [
        (expected_alarms(SERVICES), PASSED, "10 alarms there"),
        (expected_alarms(SERVICES)[1:], FAILED, "no such alarm: AuthServiceErrorsAlarm"),
        ((), FAILED, "LambdaDeadLetterQueueAlarm"),
    ],
)
def test_every_service_has_its_alarms(names: tuple[str, ...], verdict: Verdict, words: str) -> None:
    phase = judged(EXPECTED, replace(REAL, alarm_names=names), "alarms")
    assert (phase.verdict, words in phase.reason) == (verdict, True), phase.reason


def probe(status: int | None = 200, version: str | None = C, error: str = "") -> Probe:
    """Make a probe of the service auth."""
    return Probe("auth", "https://api/v1/auth/health", status, version, 250.0, error)


@pytest.mark.parametrize(
    ("answer", "wanted", "verdict", "words"),
    [
        (probe(), C, PASSED, "200 in 250 ms"),
        (probe(), None, PASSED, "200"),
        (probe(version=None), None, PASSED, "200"),
        (probe(version=None), C, UNKNOWN, "without saying which version"),
        (probe(version=B), C, FAILED, f"answers as {B}, not {C}"),
        (probe(version=""), C, FAILED, "answers as"),
        (probe(500), C, FAILED, "answered 500"),
        (probe(503, None), None, FAILED, "answered 503"),
        (probe(204), C, FAILED, "answered 204"),
        (probe(301), C, FAILED, "answered 301"),
        (probe(0), C, FAILED, "answered 0"),
        (probe(None, None, "timed out"), C, UNKNOWN, "no answer from https://api/v1/auth/health: timed out"),
        (None, C, UNKNOWN, "was not probed"),
        (None, None, UNKNOWN, "was not probed"),
    ],
)
def test_a_probe_is_judged(answer: Probe | None, wanted: str | None, verdict: Verdict, words: str) -> None:
    (phase,) = judge_probes(("auth",), wanted, () if answer is None else (answer,))
    assert (phase.name, phase.verdict, words in phase.reason) == ("auth", verdict, True), phase.reason
    assert phase.seconds == (None if answer is None else 0.25)


def test_there_is_one_phase_a_service_in_their_order() -> None:
    other = replace(probe(), service="billing")
    phases = judge_probes(SERVICES, C, (other, replace(probe(), service="cards"), probe(500)))
    assert [(phase.name, phase.verdict) for phase in phases] == [("auth", FAILED), ("cards", PASSED)]
    assert judge_probes((), C, (probe(),)) == ()


LIVE = ServedAlias("prod-live", "7", "x")


@pytest.mark.parametrize(
    ("alias", "verdict", "words"),
    [
        (LIVE, PASSED, "2 functions and 1 aliases run the release's code"),
        (replace(LIVE, version="9", digest="old"), FAILED, f"{AUTH}:prod-live at version 9 runs old instead of x"),
        (replace(LIVE, weighs=("9",)), FAILED, "and a part goes to version 9"),
        (replace(LIVE, digest=None, unread="throttled"), UNKNOWN, f"{AUTH}: throttled"),
    ],
)
def test_what_an_alias_serves_is_the_release_code_as_well(alias: ServedAlias, verdict: Verdict, words: str) -> None:
    function = RunningFunction(AUTH, "x", "x", aliases=(alias,))
    phase = judged(EXPECTED, replace(REAL, functions=(function, REAL.functions[1])), "code")
    assert phase.verdict is verdict and words in phase.reason
    assert function.is_expected == (verdict is PASSED) and not replace(function, running="old").is_expected
