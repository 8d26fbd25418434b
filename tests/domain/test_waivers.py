"""Which waiver counts for what until when, what it makes of a result, and how an expiry is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from namecard_release.domain.gates import Admission, GateResult, Verdict, admit
from namecard_release.domain.waivers import Waiver, apply_waivers, find_waiver, read_expiry
from tests.domain.cases import A, B, at, gate

PASSED, FAILED, UNKNOWN, WAIVED = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN, Verdict.WAIVED
NOW = at(100)
PLAIN = Waiver("quality", A, None, "ada", "known flake", at(0), at(3600))
STAGING = replace(PLAIN, environment="staging")


@pytest.mark.parametrize(
    ("waivers", "environment", "found"),
    [
        pytest.param((), None, None, id="none"),
        pytest.param((PLAIN,), None, PLAIN, id="for every environment, asked about none"),
        pytest.param((PLAIN,), "prod", PLAIN, id="for every environment, asked about one"),
        pytest.param((STAGING,), "staging", STAGING, id="for this environment"),
        pytest.param((STAGING,), "prod", None, id="for another environment"),
        pytest.param((STAGING,), None, None, id="for one environment, asked about none"),
        pytest.param((replace(PLAIN, gate="assembly"),), None, None, id="of another gate"),
        pytest.param((replace(PLAIN, release=B),), None, None, id="of another release"),
        pytest.param((replace(PLAIN, expires_at=at(99)),), None, None, id="expired"),
        pytest.param((replace(PLAIN, expires_at=NOW),), None, None, id="expires now"),
        pytest.param((replace(PLAIN, since=NOW),), None, replace(PLAIN, since=NOW), id="granted now"),
        pytest.param((replace(PLAIN, since=at(101)),), None, None, id="granted in the future"),
        pytest.param((replace(PLAIN, revoked_at=at(50), revoked_by="bob"),), None, None, id="revoked"),
        pytest.param(
            (STAGING, replace(PLAIN, expires_at=at(7200))), "staging", replace(PLAIN, expires_at=at(7200)), id="longest"
        ),
    ],
)
def test_a_waiver_counts(waivers: tuple[Waiver, ...], environment: str | None, found: Waiver | None) -> None:
    assert find_waiver(waivers, "quality", A, environment, NOW) == found


@pytest.mark.parametrize(
    ("result", "verdict", "under"),
    [
        (gate("quality", FAILED), WAIVED, FAILED),
        (gate("quality", UNKNOWN), WAIVED, UNKNOWN),
        (gate("quality", PASSED), PASSED, None),
        (gate("assembly", FAILED), FAILED, None),
        (replace(gate("quality", FAILED), release=B), FAILED, None),
        (replace(gate("quality", FAILED), environment="prod"), WAIVED, FAILED),
    ],
)
def test_a_waiver_makes_of_a_result(result: GateResult, verdict: Verdict, under: Verdict | None) -> None:
    (seen,) = apply_waivers((result,), (PLAIN,), "staging", lambda _: True, NOW)
    assert seen.verdict is verdict
    assert (seen.waived.under if seen.waived else None) is under
    assert (seen.reason, seen.phases) == (result.reason, result.phases)


@pytest.mark.parametrize(("place", "verdict"), [("staging", WAIVED), ("prod", FAILED)])
def test_a_result_about_an_environment_takes_its_own_waivers(place: str, verdict: Verdict) -> None:
    result = replace(gate("quality", FAILED), environment=place)
    (seen,) = apply_waivers((result,), (STAGING,), "staging", lambda _: True, NOW)
    assert seen.verdict is verdict


def test_what_must_not_be_waived_is_not_whatever_the_ledger_holds() -> None:
    results = (gate("quality", FAILED),)
    assert apply_waivers(results, (PLAIN,), None, lambda gate: gate != "quality", NOW) == results


def test_what_is_under_a_waiver_is_told_with_it() -> None:
    results = apply_waivers((gate("quality", FAILED, reason="lint: exit 1"),), (PLAIN,), None, lambda _: True, NOW)
    told = "WAIVED (FAILED: lint: exit 1) by ada until 2026-03-02 10:00 UTC: known flake"
    assert results[0].told == told
    assert gate("quality", FAILED, reason="lint: exit 1").told == "FAILED: lint: exit 1"
    decision = admit(("quality",), results)
    assert (decision.admission, decision.waived) == (Admission.PROCEED, (f"quality {told}",))
    assert decision.reason == f"0 of 1 gates passed, waived: quality {told}"


def test_a_waiver_lets_one_gate_pass_and_no_other() -> None:
    results = (gate("quality", FAILED), gate("assembly", FAILED), gate("plan", UNKNOWN))
    seen = apply_waivers(results, (PLAIN,), None, lambda _: True, NOW)
    assert admit(("quality", "assembly"), seen).gates == ("assembly",)
    assert admit(("quality", "plan"), seen).admission is Admission.HOLD
    # A gate that never ran has no verdict to waive.
    assert admit(("quality", "missing"), seen).admission is Admission.HOLD


WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("30m", at(100) + timedelta(minutes=30)),
        ("2h", at(100) + timedelta(hours=2)),
        ("3d", at(100) + timedelta(days=3)),
        ("1w", at(100) + WEEK),
        (" 2h ", at(100) + timedelta(hours=2)),
        ("2026-03-03T09:00:00Z", datetime(2026, 3, 3, 9, tzinfo=UTC)),
        ("2026-03-03T18:00:00+09:00", datetime(2026, 3, 3, 9, tzinfo=UTC)),
        ("2026-03-02T09:01:41+00:00", at(101)),
    ],
)
def test_an_expiry_is_read(text: str, until: datetime) -> None:
    read = read_expiry(text, NOW, WEEK)
    assert read == until and read.utcoffset() == timedelta()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "neither"),
        ("soon", "neither"),
        ("2", "neither"),
        ("0h", "neither"),
        ("-2h", "neither"),
        ("2.5h", "neither"),
        ("2H", "neither"),
        ("2026-02-30T09:00:00Z", "neither"),
        ("2026-03-03T09:00:00", "no time zone"),
        ("2026-03-03", "no time zone"),
        ("2026-03-02T09:01:40Z", "has passed"),
        ("2025-03-02T09:00:00Z", "has passed"),
        ("8d", "too far away: a waiver lasts 7 days"),
        ("2026-04-02T09:00:00Z", "too far away"),
        ("999999w", "too far away"),
        ("9999-12-31T23:59:59Z", "too far away"),
    ],
)
def test_an_expiry_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_expiry(text, NOW, WEEK)


def test_another_zone_is_read_as_the_same_moment() -> None:
    now = NOW.astimezone(timezone(timedelta(hours=9)))
    assert read_expiry("2h", now, WEEK) == NOW + timedelta(hours=2)
