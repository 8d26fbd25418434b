"""The commands with which people approve, hold, pause, override and read the audit trail, with their exit codes."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from namecard_release.cli.main import app
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.ledger.open import open_ledger
from tests.cli.test_waiving import Place, place

__all__ = ["place"]

NOW = datetime.now(UTC)
SECRET = "hunter2hunter2"
PEOPLE = """
approvals = 2
approvers = ["ada", "bob", "cy"]
[[environments.prod.freezes]]
name = "always"
start = 2026-01-01T00:00:00
end = 2126-01-01T00:00:00
timezone = "Asia/Singapore"
"""


@pytest.fixture
def prod(place: Place) -> Place:
    """The place with a prod that asks for two approvals and is frozen."""
    with place.settings.open("a") as file:
        file.write(PEOPLE)
    return place


def call(place: Place, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--settings", str(place.settings)])


def told(place: Place, *words: str) -> Any:
    done = call(place, *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def approve(place: Place, actor: str, *words: str) -> Result:
    return call(place, "approve", "--env", "prod", "--commit", "main", "--reason", "fine", "--actor", actor, *words)


def wait_for_approval(place: Place, actor: str) -> None:
    """Put a promotion that waits into the ledger."""
    ledger = open_ledger(place.ledger_url)
    kind, phase = PromotionKind.PROMOTION, PromotionPhase.REQUESTED
    promotion = Promotion("p-1", "prod", place.sha, kind, phase, actor, "why", NOW, NOW, "run-1")
    ledger.open_promotion(promotion)
    ledger.move("p-1", phase, NOW, waiting="waits for approval of prod: 0 of 2; approve with ...")
    ledger.close()


def test_approvals_are_given_listed_and_revoked(prod: Place) -> None:
    assert approve(prod, "ada").stdout == f"{prod.sha[:8]}: waits for approval of prod: 1 of 2 (ada)\n"
    done = json.loads(approve(prod, "bob", "--json").stdout)
    assert (done["met"], done["by"], done["needed"], done["release"]) == (True, ["ada", "bob"], 2, prod.sha)
    listed = told(prod, "approvals", "list", "--env", "prod")["approvals"]
    assert [(one["actor"], one["reason"], one["in_force"]) for one in listed] == [
        ("bob", "fine", True),
        ("ada", "fine", True),
    ]
    words = ("approvals", "revoke", "--env", "prod", "--commit", "main", "--reason", "a fault", "--approver", "bob")
    assert call(prod, *words, "--actor", "eve").stdout == f"{prod.sha[:8]}: approval for prod by bob is revoked\n"
    again = call(prod, *words, "--actor", "eve")
    assert (again.exit_code, "by bob is in force" in again.stderr) == (1, True)
    table = call(prod, "approvals", "list").stdout.splitlines()
    assert table[0].split() == ["APPROVED", "ENVIRONMENT", "RELEASE", "BY", "STATE", "REASON"]
    assert "revoked by eve" in table[1] and "until" in table[2]


@pytest.mark.parametrize(
    ("actor", "words", "code", "told"),
    [
        ("eve", (), 1, "eve is not among those who may approve: ada, bob, cy"),
        ("ADA", (), 1, "ADA asked for this promotion"),
        ("", (), 2, "nobody is named"),
        ("bob", ("--reason", " "), 2, "a reason is needed"),
        ("bob", ("--env", "staging"), 2, "staging asks for no approval"),
        ("bob", ("--env", "moon"), 2, "unknown environment 'moon'"),
        ("bob", ("--commit", "--x"), 2, ""),
        ("bob", ("--commit", "no-such"), 1, "no-such"),
    ],
)
def test_what_would_not_count_is_one_line_and_kept_nowhere(
    prod: Place, actor: str, words: tuple[str, ...], code: int, told: str
) -> None:
    wait_for_approval(prod, "ada")
    done = approve(prod, actor, *words)
    assert done.exit_code == code and told in done.stderr and "Traceback" not in done.output
    ledger = open_ledger(prod.ledger_url)
    assert ledger.approvals() == ()
    ledger.close()


def test_holds_are_placed_listed_and_released(place: Place) -> None:
    base = ("--env", "staging", "--actor", "ada", "--reason", f"password={SECRET} leaked")
    assert call(place, "holds", "place", "--commit", "main", *base).stdout == f"{place.sha[:8]} is held in staging\n"
    assert call(place, "holds", "place", *base).stdout == "staging is held as a whole\n"
    assert call(place, "holds", "place", *base).exit_code == 1
    holds = told(place, "holds", "list")["holds"]
    assert [(one["release"], one["actor"]) for one in holds] == [(place.sha, "ada"), ("*", "ada")]
    assert SECRET not in call(place, "holds", "list").output
    assert told(place, "status")["environments"]["staging"]["held"] == ["*", place.sha]
    assert call(place, "holds", "release", "--env", "staging").stdout == "staging as a whole is no longer held\n"
    release = ("holds", "release", "--env", "staging", "--commit", "main", "--actor", "bob", "--reason", "fixed")
    assert "may be promoted to staging again" in call(place, *release).stdout
    assert call(place, *release).exit_code == 1


def test_automation_is_paused_shown_and_resumed(place: Place) -> None:
    pause = ("automation", "pause", "--env", "staging", "--reason", "an audit", "--actor", "ada")
    assert call(place, *pause).stdout == "automation of staging is paused until it is resumed\n"
    assert call(place, *pause, "--until", "2h").exit_code == 0
    (listed,) = told(place, "automation", "list")["pauses"]
    assert (listed["environment"], listed["actor"], listed["until"] is None) == ("staging", "ada", False)
    environments = told(place, "status")["environments"]
    assert environments["staging"]["paused"].startswith("automation is paused by ada until ")
    assert environments["prod"]["paused"] is None
    assert "automation is paused by ada until" in call(place, "status").stdout
    assert call(place, "automation", "resume", "--env", "staging").stdout == "automation of staging goes on\n"
    assert call(place, "automation", "resume", "--env", "staging").exit_code == 1
    assert call(place, *pause, "--until", "yesterday").exit_code == 2
    assert "ENVIRONMENT" in call(place, "automation", "list").stdout


def test_status_tells_a_freeze_and_what_waits(prod: Place) -> None:
    wait_for_approval(prod, "ada")
    one = told(prod, "status")["environments"]["prod"]
    assert one["frozen"] == "frozen by always until 2125-12-31 16:00 UTC"
    assert one["in_flight"]["waiting"].startswith("waits for approval of prod: 0 of 2")
    line = call(prod, "status").stdout.splitlines()[2]
    assert line.endswith("frozen by always until 2125-12-31 16:00 UTC; waits for approval of prod: 0 of 2")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 1, "prod is frozen by always until 2125-12-31 16:00 UTC; an emergency goes on with an override"),
        (("--override-freeze",), 2, "--override-freeze needs --reason"),
        (("--override-freeze", "--reason", " "), 2, "--override-freeze needs --reason"),
        # Let in, it finds no Dagster to launch it.
        (("--override-freeze", "--reason", "outage"), 3, "does not answer"),
    ],
)
def test_a_frozen_environment_is_entered_with_a_reason_alone(
    prod: Place, words: tuple[str, ...], code: int, told: str
) -> None:
    text = prod.settings.read_text()
    prod.settings.write_text(f'{text}[dagster]\nurl = "http://127.0.0.1:1"\n')
    done = call(prod, "promote", "--env", "prod", "--commit", "main", *words)
    assert (done.exit_code, told in done.stderr) == (code, True), done.output


def test_the_trail_is_listed_and_verified(place: Place) -> None:
    base = ("--env", "staging", "--actor", "ada")
    for reason in ("one", "two", f"token={SECRET}"):
        assert call(place, "automation", "pause", *base, "--reason", reason).exit_code == 0
    assert call(place, "automation", "resume", *base).exit_code == 0
    entries = told(place, "audit", "list", "--env", "staging", "--limit", "2")["entries"]
    assert [(one["n"], one["action"]) for one in entries] == [(4, "automation resumed"), (3, "automation paused")]
    assert entries[1]["reason"] == "token=***" and entries[1]["details"] == {"until": None}
    assert told(place, "audit", "list", "--env", "prod")["entries"] == []
    assert len(call(place, "audit", "list").stdout.splitlines()) == 5
    verdict = told(place, "audit", "verify")
    assert verdict == {
        "verdict": "PASSED",
        "entries": 4,
        "first_bad": None,
        "reason": "4 entries, each as it was sealed",
        "head": entries[0]["hash"],
    }
    assert f"audit head: {verdict['head']}" in call(place, "audit", "verify").stdout
    assert call(place, "audit", "verify", "--expect-head", entries[1]["hash"]).exit_code == 0
    assert call(place, "audit", "verify", "--expect-head", "f" * 64).exit_code == 1
    assert call(place, "audit", "verify", "--expect-head", "x").exit_code == 2


def test_a_single_changed_byte_is_found_and_named(place: Place) -> None:
    for reason in ("one", "two", "six"):
        call(place, "automation", "pause", "--env", "staging", "--reason", reason)
    with sqlite3.connect(Path(place.ledger_url.removeprefix("sqlite:///"))) as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET reason = 'twp' WHERE n = 2")
    connection.close()
    done = call(place, "audit", "verify", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["verdict"], found["first_bad"]) == (1, "FAILED", 2)
    assert "entry 2 is not what was sealed" in call(place, "audit", "verify").stdout
