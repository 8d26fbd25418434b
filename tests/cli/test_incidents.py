"""`incident ...` from the command line to the ledger and back, with exit codes, and no secret kept or shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from namecard_release.cli.main import app
from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.incident import Fingerprint, Severity
from namecard_release.domain.incident_cause import Cause
from namecard_release.domain.incident_steps import open_incident
from namecard_release.incident_settings import Incidents
from namecard_release.ledger.open import open_ledger
from tests.cli.test_waiving import Place, place

__all__ = ["place"]

SECRET = "hunter2hunter2"


@dataclass(frozen=True)
class Desk:
    """A place with one open incident."""

    place: Place

    def call(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["incident", *words, "--settings", str(self.place.settings)])

    def told(self, *words: str) -> Any:
        done = self.call(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


@pytest.fixture
def desk(place: Place) -> Desk:
    ledger = open_ledger(place.ledger_url)
    # The command line asks the real clock: nothing but the page may be due yet, however long the tests have run.
    begun = datetime.now(UTC) - timedelta(minutes=2)
    reading = AlarmReading("CardsServiceErrorsAlarm", "arn:1", AlarmState.ALARM, begun, "1 error")
    of, cause = Fingerprint("prod", "errors", "cards"), Cause(None, "no deploy of this environment is known before it")
    assert ledger.take_step(
        open_incident("INC-1", of, Severity.SEV2, reading, cause, Incidents().handling("cards"), begun)
    )
    ledger.close()
    return Desk(place)


def test_it_is_listed_taken_noted_and_resolved(desk: Desk) -> None:
    row = desk.call("list").stdout.splitlines()[1]
    assert row.startswith("INC-1     SEV2      open") and "errors  cards" in row and row.endswith("no promotion")
    assert desk.call("ack", "1", "--actor", "ada").stdout == "INC-1 SEV2 errors of cards in prod: acknowledged by ada\n"
    assert desk.told("ack", "inc-1", "--actor", "bob")["acknowledged_by"] == "ada"
    words = ("--text", f"token={SECRET}", "--root-cause", "a null", "--done", "runbook")
    noted = desk.told("note", "INC-1", *words, "--actor", "ada")
    assert [one["item"] for one in noted["done"]] == ["runbook", "root_cause"]
    resolved = desk.told("resolve", "INC-1", "--reason", "rolled back", "--actor", "ada")
    assert resolved["state"] == "resolved" and resolved["retrospective_due"] is not None
    (listed,) = desk.told("list", "--env", "prod")["incidents"]
    assert (listed["state"], listed["fingerprint"]["service"]) == ("resolved", "cards")
    assert desk.call("list", "--env", "staging").stdout.count("\n") == 1
    shown = desk.told("show", "INC-1")
    assert [slot["kind"] for slot in shown["slots"]] == ["page", "retrospective", "summary"]
    assert [entry["what"] for entry in shown["timeline"]] == ["opened", "acknowledged", "noted", "resolved"]
    text = desk.call("summary", "INC-1").stdout
    assert text.startswith("# INC-1: errors of cards in prod\n") and "- Root cause: a null." in text
    assert SECRET not in text + json.dumps(shown)
    assert "sent to the outbox" in desk.call("show", "INC-1").stdout
    assert desk.told("summary", "INC-1")["impact"]["failed_requests"] is None


def test_finished_incidents_are_listed_when_asked_for(desk: Desk) -> None:
    desk.told("resolve", "INC-1", "--reason", "x", "--actor", "ada")
    items = [word for item in ("root_cause", "runbook", "impact", "retrospective") for word in ("--done", item)]
    assert desk.told("note", "INC-1", *items, "--actor", "ada")["state"] == "finished"
    assert desk.told("list")["incidents"] == []
    assert [one["state"] for one in desk.told("list", "--all")["incidents"]] == ["finished"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("ack", "INC-9"), 1, "there is no incident INC-9"),
        (("ack", "INC-1", "--actor", ""), 2, "nobody is named"),
        (("note", "INC-1"), 2, "a note says something"),
        (("note", "INC-1", "--done", "typo"), 2, "typo"),
        (("resolve", "INC-1", "--reason", " "), 2, "a reason is needed"),
        (("show", "nonsense"), 1, "there is no incident NONSENSE"),
        (("list", "--env", "mars"), 2, "unknown environment 'mars'"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(desk: Desk, words: tuple[str, ...], code: int, told: str) -> None:
    done = desk.call(*words)
    assert done.exit_code == code and told in done.stderr and "Traceback" not in done.stderr
    assert desk.told("show", "INC-1")["incident"]["version"] == 0
