"""What Notion gets: one page an incident, its checklist, and how far somebody has come with it."""

from __future__ import annotations

import pytest

from namecard_release.adapters.channels.notion import NotionSender, blocks_of
from namecard_release.domain.checklist import POST_INCIDENT, ChecklistItem, checklist_fields
from namecard_release.domain.delivery import Outcome
from namecard_release.domain.messages import Channel, MessageKind
from namecard_release.errors import TransientError
from namecard_release.outbox_port import Sender
from tests.adapters.channels.conftest import message
from tests.servers.loopback import Fault, LoopbackServer, Reply
from tests.servers.notion import NotionServer

ON = Channel.NOTION
CHECKLIST = message(ON, "list", MessageKind.CHECKLIST, title="Post-incident checklist", fields=checklist_fields())


@pytest.fixture
def server(servers: dict[Channel, LoopbackServer]) -> NotionServer:
    found = servers[ON]
    assert isinstance(found, NotionServer)
    return found


@pytest.fixture
def sender(senders: dict[Channel, Sender]) -> NotionSender:
    found = senders[ON]
    assert isinstance(found, NotionSender)
    return found


def test_a_subject_has_one_page(server: NotionServer, sender: NotionSender) -> None:
    first = sender.send(message(ON), None).receipt
    assert sender.send(message(ON, "two"), first).receipt == first
    # Also without its receipt, and another incident has its own.
    assert sender.send(message(ON, "three"), None).receipt == first
    sender.send(message(ON, "four", subject="incident-2"), None)
    assert [(page.title, page.incident) for page in server.pages] == [
        ("A title", "incident-1"),
        ("A title", "incident-2"),
    ]
    assert sender.find(message(ON, "three"), first).outcome is Outcome.TAKEN


def test_a_page_that_somebody_removed_is_made_anew(server: NotionServer, sender: NotionSender) -> None:
    first = sender.send(message(ON), None).receipt
    server.pages[0].removed = True
    second = sender.send(message(ON, "two"), first).receipt
    assert second != first
    # The ledger still tells the first page: what follows finds the second.
    assert sender.send(message(ON, "three"), first).receipt == second
    assert len(server.pages) == 2


def test_the_checklist_is_written_ticked_and_read_back(server: NotionServer, sender: NotionSender) -> None:
    assert sender.read_checklist("incident-1") is None
    sender.send(CHECKLIST, None)
    assert sender.read_checklist("incident-1") == tuple(ChecklistItem(item, False) for item in POST_INCIDENT)
    server.tick(0, "Root cause")
    assert [one.done for one in sender.read_checklist("incident-1") or ()] == [True, False, False, False]
    server.always = Fault(Reply(503, {"object": "error", "status": 503, "code": "service_unavailable", "message": "x"}))
    with pytest.raises(TransientError, match="503"):
        sender.read_checklist("incident-1")


def test_blocks_keep_to_the_limits_and_end_with_the_key() -> None:
    blocks = blocks_of(message(ON, text="x" * 500_000, fields=tuple((f"n{n}", "v" * 5000) for n in range(50))))
    assert len(blocks) == 100
    texts = [block[block["type"]]["rich_text"][0]["text"]["content"] for block in blocks]
    assert all(0 < len(text) <= 2000 for text in texts)
    assert texts[-1] == "ref one"
    assert "left out" in texts[-2]


def test_a_source_without_the_properties_is_told(server: NotionServer, sender: NotionSender) -> None:
    server.faults.append(Fault(Reply(200, {"properties": {"Title": {}}})))
    answer = sender.check()
    assert (answer.outcome, answer.closed) == (Outcome.NOT_TAKEN, True)
    assert "no property Name, Incident" in answer.reason
