"""What Slack gets: threads, blocks within their limits, escaped text."""

from __future__ import annotations

import pytest

from namecard_release.adapters.channels.slack import blocks_of
from namecard_release.domain.messages import Channel, MessageKind
from namecard_release.outbox_port import Sender
from tests.adapters.channels.conftest import message
from tests.servers.loopback import LoopbackServer
from tests.servers.slack import CHANNEL, SlackServer

ON = Channel.SLACK
MENTION = "<!subteam^S012AB3CD>"


@pytest.fixture
def server(servers: dict[Channel, LoopbackServer]) -> SlackServer:
    found = servers[ON]
    assert isinstance(found, SlackServer)
    return found


@pytest.fixture
def sender(senders: dict[Channel, Sender]) -> Sender:
    return senders[ON]


def test_a_subject_is_a_thread_and_an_escalation_is_shown_in_the_channel(server: SlackServer, sender: Sender) -> None:
    first = sender.send(message(ON), None).receipt
    channel, _, ts = first.partition(":")
    assert channel == CHANNEL
    sender.send(message(ON, "two", MessageKind.STATUS), first)
    sender.send(message(ON, "three", MessageKind.ESCALATE), first)
    root, status, escalation = server.thread(ts)
    assert (status["broadcast"], escalation["broadcast"]) == (False, True)
    assert MENTION in str(escalation["blocks"])
    assert MENTION not in str(root["blocks"]) + str(status["blocks"])


def test_a_message_is_found_by_its_key_whatever_is_between(server: SlackServer, sender: Sender) -> None:
    first = sender.send(message(ON, "root"), None).receipt
    receipts = {f"m{n}": sender.send(message(ON, f"m{n}"), first).receipt for n in range(7)}
    roots = {f"r{n}": sender.send(message(ON, f"r{n}", subject=f"incident-{n + 2}"), None).receipt for n in range(7)}
    for key, receipt in receipts.items():
        assert sender.find(message(ON, key), first).receipt == receipt
    for key, receipt in roots.items():
        assert sender.find(message(ON, key), None).receipt == receipt


def test_markup_is_escaped(server: SlackServer, sender: Sender) -> None:
    text = "<!channel> a < b && c > d"
    sender.send(message(ON, title=text, text=text, fields=(("<@U1>", text),)), None)
    [kept] = server.messages
    # A header is plain text, which Slack shows as it is.
    told = kept["text"] + str(kept["blocks"][1:])
    assert "<" not in told.replace("&lt;", "")
    assert "&lt;!channel&gt; a &lt; b &amp;&amp; c &gt; d" in told


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", ()),
        ("x" * 200_000, ()),
        ("<&>" * 40_000, ()),
        ("line\n" * 30_000, ()),
        ("short", tuple((f"name {n}", "v" * 9000) for n in range(700))),
        ("x" * 200_000, tuple((f"name {n}", "&" * 9000) for n in range(700))),
    ],
)
def test_blocks_keep_to_the_limits(text: str, fields: tuple[tuple[str, str], ...]) -> None:
    blocks = blocks_of(message(ON, title="t" * 400, text=text, fields=fields), MENTION)
    assert 1 <= len(blocks) <= 50
    for block in blocks:
        texts = [block["text"]["text"]] if "text" in block else [one["text"] for one in block["fields"]]
        limit = 150 if block["type"] == "header" else 3000 if "text" in block else 2000
        assert 1 <= len(texts) <= 10
        assert all(0 < len(one) <= limit for one in texts)
        # No escape is cut in two.
        assert all(word.startswith(("&amp;", "&lt;", "&gt;")) for one in texts for word in _from_ampersands(one))
    if len(text) < 100_000 and not fields:
        assert "left out" not in str(blocks)


def _from_ampersands(text: str) -> list[str]:
    return ["&" + rest for rest in text.split("&")[1:]]


def test_a_text_that_fits_is_whole() -> None:
    text = "".join(f"{n} <b> & more\n" for n in range(2000))
    blocks = blocks_of(message(ON, text=text), "")
    told = "".join(block["text"]["text"] for block in blocks[1:])
    assert told == text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
