"""Whose approval counts, for what, and until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.approvals import (
    NOBODY,
    Approval,
    ApprovalRule,
    explain_no_approver,
    is_named,
    judge_approvals,
    same_person,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
A, B = "a" * 40, "b" * 40
TWO = ApprovalRule(2)
LISTED = ApprovalRule(2, ("ada", "Bob"))


def by(actor: str, **changes: object) -> Approval:
    at = NOW - timedelta(hours=1)
    made = Approval("prod", A, actor, "looks good", at, at + timedelta(hours=24))
    return replace(made, **changes)  # type: ignore[arg-type]


HOUR = timedelta(hours=1)
CASES: list[tuple[str, ApprovalRule, str, list[Approval], tuple[str, ...], bool]] = [
    ("none asked for", ApprovalRule(0), "eve", [], (), True),
    ("none given", TWO, "eve", [], (), False),
    ("one of two", TWO, "eve", [by("ada")], ("ada",), False),
    ("enough", TWO, "eve", [by("ada"), by("bob")], ("ada", "bob"), True),
    ("more than needed", TWO, "eve", [by("ada"), by("bob"), by("cy")], ("ada", "bob", "cy"), True),
    ("self-approval", TWO, "ada", [by("ada"), by("bob")], ("bob",), False),
    ("self-approval in other letters", TWO, " ADA ", [by("ada"), by("bob")], ("bob",), False),
    ("twice by one person", TWO, "eve", [by("ada"), by("ada")], ("ada",), False),
    ("twice in other letters", TWO, "eve", [by("ada"), by("Ada ")], ("ada",), False),
    ("other commit", TWO, "eve", [by("ada"), by("bob", release=B)], ("ada",), False),
    ("other environment", TWO, "eve", [by("ada"), by("bob", environment="staging")], ("ada",), False),
    ("expired", TWO, "eve", [by("ada"), by("bob", expires_at=NOW)], ("ada",), False),
    ("expires in a moment", TWO, "eve", [by("ada"), by("bob", expires_at=NOW + HOUR)], ("ada", "bob"), True),
    ("not yet", TWO, "eve", [by("ada"), by("bob", at=NOW + HOUR)], ("ada",), False),
    ("revoked", TWO, "eve", [by("ada"), by("bob", revoked_at=NOW, revoked_by="bob")], ("ada",), False),
    ("revoked, then again", TWO, "eve", [by("ada", revoked_at=NOW, revoked_by="x"), by("ada")], ("ada",), False),
    ("in the order given", TWO, "eve", [by("bob"), by("ada", at=NOW - 2 * HOUR)], ("ada", "bob"), True),
    ("listed", LISTED, "eve", [by("Ada"), by("bob")], ("Ada", "bob"), True),
    ("not listed", LISTED, "eve", [by("ada"), by("mallory")], ("ada",), False),
    ("nobody's word", TWO, "eve", [by("ada"), by(NOBODY)], ("ada",), False),
    ("asked for by nobody", TWO, NOBODY, [by("ada"), by("bob")], (), False),
]


@pytest.mark.parametrize(
    ("rule", "requester", "given", "people", "met"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_who_counts(
    rule: ApprovalRule, requester: str, given: list[Approval], people: tuple[str, ...], met: bool
) -> None:
    state = judge_approvals(rule, "prod", A, requester, given, NOW)
    assert (state.by, state.is_met) == (people, met)


@pytest.mark.parametrize(
    ("rule", "requester", "given", "words"),
    [
        (ApprovalRule(0), "eve", [], "prod asks for no approval"),
        (TWO, "eve", [], "waits for approval of prod: 0 of 2"),
        (TWO, "eve", [by("ada")], "waits for approval of prod: 1 of 2 (ada)"),
        (TWO, "eve", [by("ada"), by("bob")], "approved for prod by 2 of 2 (ada, bob)"),
        (TWO, NOBODY, [by("ada")], "waits for approval of prod, yet nobody is named as who asked: none can be counted"),
    ],
)
def test_it_is_said_in_one_line(rule: ApprovalRule, requester: str, given: list[Approval], words: str) -> None:
    assert judge_approvals(rule, "prod", A, requester, given, NOW).reason == words


@pytest.mark.parametrize(
    ("rule", "actor", "requesters", "words"),
    [
        (TWO, "ada", (), None),
        (TWO, "ada", ("eve",), None),
        (TWO, "ada", ("eve", "ada"), None),
        (TWO, "ada", ("Ada",), "asked for this promotion"),
        (TWO, " ", (), "needs the name"),
        (TWO, "Dagster-UI", (), "needs the name"),
        (LISTED, "mallory", (), "not among those who may approve: ada, Bob"),
        (LISTED, "BOB", (), None),
    ],
)
def test_who_may_not_is_told_why(
    rule: ApprovalRule, actor: str, requesters: tuple[str, ...], words: str | None
) -> None:
    told = explain_no_approver(rule, actor, requesters)
    assert told is None if words is None else words in (told or "")


def test_names() -> None:
    assert same_person(" Ada  Lovelace", "ada lovelace ") and not same_person("ada", "adam")
    assert is_named("ada") and not is_named("") and not is_named(NOBODY)
