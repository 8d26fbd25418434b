"""The file that stands in for a channel."""

from __future__ import annotations

import json
from pathlib import Path

from namecard_release.adapters.channels.building import build_senders
from namecard_release.adapters.channels.local import LocalSender
from namecard_release.channel_settings import Channels
from namecard_release.domain.delivery import Outcome
from namecard_release.domain.messages import Channel
from tests.adapters.channels.conftest import message

ON = Channel.SLACK


def test_each_message_is_a_line_for_its_user_alone(tmp_path: Path) -> None:
    sender = LocalSender(tmp_path / "outbox", ON)
    assert sender.find(message(ON), None).outcome is Outcome.NOT_TAKEN
    for key in ("one", "two"):
        assert sender.send(message(ON, key, fields=(("a", "b"),)), "thread").outcome is Outcome.TAKEN
    file = tmp_path / "outbox" / "slack.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["key"] for line in lines] == ["one", "two"]
    assert lines[0]["fields"] == {"a": "b"}
    assert file.stat().st_mode & 0o077 == 0


def test_a_line_cut_by_a_kill_hides_nothing(tmp_path: Path) -> None:
    sender = LocalSender(tmp_path, ON)
    (tmp_path / "slack.jsonl").write_text('{"key": "on')
    assert sender.find(message(ON), None).outcome is Outcome.NOT_TAKEN
    sender.send(message(ON), None)
    assert sender.find(message(ON), None).outcome is Outcome.TAKEN


def test_a_folder_that_cannot_be_written_leaves_it_unsure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = LocalSender(tmp_path / "file", ON).send(message(ON), None)
    assert (answer.outcome, answer.closed) == (Outcome.UNSURE, True)


def test_what_is_not_configured_is_kept_in_the_folder(tmp_path: Path) -> None:
    senders = build_senders(Channels(folder=tmp_path), None, None)
    assert set(senders) == set(Channel)
    assert all("tells nobody" in sender.where for sender in senders.values())
