"""Every planted secret on its way through the outbox: none is in the ledger's file, at a channel, or in a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from namecard_release import redaction
from namecard_release.adapters.channels.local import LocalSender
from namecard_release.domain.messages import Channel
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.outbox import outbox_of
from namecard_release.outbox_port import Sender
from namecard_release.workflow.delivering import Post, deliver
from tests.adapters.channels.conftest import NOW, message
from tests.ledger.conftest import Clock
from tests.planted import KNOWN, PLANTED
from tests.servers.loopback import Fault, LoopbackServer, Reply
from tests.servers.notion import TOKEN as NOTION_TOKEN
from tests.servers.pagerduty import ROUTING_KEY
from tests.servers.slack import TOKEN as SLACK_TOKEN


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(redaction, "_KNOWN", redaction.KnownSecrets())
    redaction.know_secrets([KNOWN])
    yield


def found_in(text: str, *more: str) -> list[str]:
    """List the needles that a text shows, also where the text is JSON of it."""
    needles = [needle for one in PLANTED for needle in one.needles] + list(more)
    return sorted({needle for needle in needles if needle in text or json.dumps(needle)[1:-1] in text})


def test_nothing_planted_reaches_the_ledger_or_a_channel(
    servers: dict[Channel, LoopbackServer], senders: dict[Channel, Sender], tmp_path: Path
) -> None:
    clock = Clock(NOW)
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    outbox = outbox_of(open_ledger(url, clock.now))
    for n, one in enumerate(PLANTED):
        text = {"title": one.text, "text": f"before\n{one.text}\nafter", "fields": (("evidence", one.text),)}
        outbox.queue([message(channel, f"{channel}-{n}", subject=f"incident-{n}", **text) for channel in Channel])
    # What a channel answers may hold a secret, too: the reason of a failed try is kept.
    for server in servers.values():
        server.faults.append(Fault(Reply(400, {"message": PLANTED[0].text, "error": PLANTED[0].text, "errors": []})))
    for _ in range(6):
        deliver(Post(outbox, senders, clock.now))
        clock.pass_time(60)
    for kept in outbox.messages(1000):
        LocalSender(tmp_path / "outbox", kept.message.channel).send(kept.message, None)
    assert not outbox.backlog(Channel.SLACK, NOW).waiting
    outbox.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".sqlite", ".jsonl"}
    for path in files:
        assert found_in(path.read_bytes().decode("utf-8", "replace"), ROUTING_KEY, SLACK_TOKEN, NOTION_TOKEN) == []
    for channel, server in servers.items():
        assert len(server.requests) >= len(PLANTED)
        bodies = [{name: value for name, value in r.body.items() if name != "routing_key"} for r in server.requests]
        assert found_in(json.dumps(bodies, ensure_ascii=False)) == [], channel
