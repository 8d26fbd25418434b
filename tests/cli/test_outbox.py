"""`outbox` on the command line: what a person sees of messages, and another try."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from namecard_release.cli.main import app
from namecard_release.domain.messages import Channel, Message, MessageKind, MessageState
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.outbox import SqlOutbox, outbox_of
from tests.fakes.ledgers import lay_ledger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    environment = 'account = "000000000000"\nstack_suffix = "dev"\ncontext = "dev"\nkey = "dev"\ndatabase_url = "x"'
    file.write_text(f'[platform]\nrepository = "r"\n[environments.dev]\n{environment}\n')
    return file


@pytest.fixture
def outbox(settings: Path) -> SqlOutbox:
    made = outbox_of(open_ledger(lay_ledger(settings.parent / "var" / "ledger.sqlite")))
    fields = (("environment", "prod"),)
    for key in ("one", "two"):
        made.queue([Message(key, Channel.SLACK, "incident-1", MessageKind.NOTE, f"Title {key}", "Text", NOW, fields)])
    return made


def run(settings: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["outbox", *words, "--settings", str(settings)], catch_exceptions=False)


def test_messages_are_listed_shown_and_sent(settings: Path, outbox: SqlOutbox) -> None:
    listed = json.loads(run(settings, "list", "--json").stdout)
    assert [(one["key"], one["state"]) for one in listed["messages"]] == [("two", "waiting"), ("one", "waiting")]
    shown = run(settings, "show", "one").stdout
    assert shown.startswith("Title one\n\nText\n  environment: prod\n")
    sent = run(settings, "send", "--json")
    assert (sent.exit_code, {d["channel"]: d["sent"] for d in json.loads(sent.stdout)["channels"]}["slack"]) == (0, 2)
    assert "sent" in run(settings, "list", "--state", "sent").stdout
    lines = (settings.parent / "var" / "outbox" / "slack.jsonl").read_text().splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["one", "two"]


def test_a_refused_message_tells_why_and_is_tried_again_when_asked(settings: Path, outbox: SqlOutbox) -> None:
    outbox.refused("one", NOW, "Slack answered invalid_blocks")
    assert "invalid_blocks" in run(settings, "list", "--state", "refused").stdout
    assert run(settings, "retry", "one").exit_code == 0
    run(settings, "send")
    again = run(settings, "retry", "one")
    assert again.exit_code == 1
    assert "is sent, or there is none" in again.stderr


def test_a_message_is_dropped_by_somebody_and_for_a_reason(settings: Path, outbox: SqlOutbox) -> None:
    outbox.refused("one", NOW, "Slack answered invalid_blocks")
    unsaid = run(settings, "drop", "one", "--reason", " ")
    assert (unsaid.exit_code, "for a reason" in unsaid.stderr) == (2, True)
    assert run(settings, "drop", "one", "--reason", "told by phone", "--actor", "ada").exit_code == 0
    assert "dropped by ada: told by phone" in run(settings, "list", "--state", "dropped").stdout
    assert json.loads(run(settings, "send", "--json").stdout)["channels"]
    assert outbox.messages(10, state=MessageState.SENT)[0].message.key == "two"
    again = run(settings, "drop", "one", "--reason", "again")
    assert (again.exit_code, "message one is dropped" in again.stderr) == (1, True)
    gone = run(settings, "drop", "gone", "--reason", "x")
    assert (gone.exit_code, "is not there" in gone.stderr) == (1, True)


def test_a_channel_that_takes_nothing_is_told(settings: Path, outbox: SqlOutbox) -> None:
    outbox.close_channel(Channel.SLACK, datetime(2999, 1, 1, tzinfo=UTC), "Slack answered invalid_auth")
    assert "invalid_auth" in run(settings, "list").stdout
    assert run(settings, "send").exit_code == 3


def test_an_unknown_key_is_told(settings: Path, outbox: SqlOutbox) -> None:
    result = run(settings, "show", "gone")
    assert (result.exit_code, "no message gone" in result.stderr) == (1, True)
