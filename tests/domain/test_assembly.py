"""An assembly checked before its deploy: the stacks asked for, and the migrator's bundle against the release."""

from __future__ import annotations

import pytest

from namecard_release.domain.assembly import judge_assembly
from namecard_release.domain.gates import Verdict
from tests.domain.cases import CARDS, TITLE, USERS, assembly

DB, API, INFRA = "NameCardDb-staging", "NameCardApi-staging", "NameCardInfra-staging"
PASSED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("there", "wanted", "verdict", "words"),
    [
        ((DB, API), (DB, API), PASSED, "2 stacks there"),
        ((API, INFRA, DB), (DB, API), PASSED, "2 stacks there"),
        ((DB,), (DB, API), FAILED, f"no such stack in this app: {API}; it has {DB}"),
        (("NameCardDb-prod", "NameCardApi-prod"), (DB,), FAILED, "it has NameCardDb-prod, NameCardApi-prod"),
        ((), (DB, API), FAILED, f"{DB}, {API}; it has none"),
        # A stack's name is a whole name.
        ((f"{DB}-2",), (DB,), FAILED, f"no such stack in this app: {DB}"),
    ],
)
def test_the_stacks_asked_for_must_exist(
    there: tuple[str, ...], wanted: tuple[str, ...], verdict: Verdict, words: str
) -> None:
    stacks, _ = judge_assembly(assembly(there), wanted, ())
    assert (stacks.name, stacks.verdict, words in stacks.reason) == ("stacks", verdict, True), stacks.reason


@pytest.mark.parametrize(
    ("bundle", "files", "verdict", "words"),
    [
        ((USERS, CARDS), (USERS, CARDS), PASSED, "2 migrations"),
        ((CARDS, USERS), (USERS, CARDS), PASSED, "2 migrations"),
        ((), (), PASSED, "0 migrations"),
        (None, (USERS,), UNKNOWN, "no migrator's bundle"),
        (None, (), UNKNOWN, "no migrator's bundle"),
        ((), (USERS, CARDS), FAILED, f"missing {USERS}, {CARDS}"),
        ((USERS,), (CARDS, USERS), FAILED, f"missing {CARDS}"),
        ((USERS, CARDS), (USERS,), FAILED, f"not of this release {CARDS}"),
        ((USERS,), (), FAILED, f"not of this release {USERS}"),
        ((USERS, TITLE), (USERS, CARDS), FAILED, f"missing {CARDS}; not of this release {TITLE}"),
    ],
)
def test_the_bundle_holds_exactly_the_releases_migrations(
    bundle: tuple[str, ...] | None, files: tuple[str, ...], verdict: Verdict, words: str
) -> None:
    _, judged = judge_assembly(assembly(migrations=bundle), (), files)
    assert (judged.name, judged.verdict, words in judged.reason) == ("bundle", verdict, True), judged.reason
