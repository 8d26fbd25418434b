"""Every channel down for an hour, each in its own way: all is delivered afterwards, in order, once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from namecard_release.domain.messages import Channel, Message, MessageKind, MessageState
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.outbox import outbox_of
from namecard_release.outbox_port import Sender
from namecard_release.workflow.delivering import Post, deliver
from tests.adapters.channels.conftest import NOW
from tests.servers.loopback import Fault, LoopbackServer, Reply
from tests.servers.notion import NotionServer, Page
from tests.servers.pagerduty import PagerDutyServer
from tests.servers.slack import EVENT_KEY, SlackServer

KINDS = (MessageKind.PAGE, MessageKind.ESCALATE, MessageKind.ACKNOWLEDGE, MessageKind.RESOLVE)


@dataclass
class Clock:
    time: datetime = NOW


def queue_all(time: datetime, minute: int) -> list[Message]:
    """Give one message of each of three incidents for each channel, of the kind that this minute has."""
    kind = KINDS[minute // 15]
    return [
        Message(f"{channel}-{subject}-{minute:02}", channel, f"incident-{subject}", kind, f"minute {minute}", "", time)
        for subject in "abc"
        for channel in Channel
    ]


WAYS = ("refused", "silent after it was taken", "answering 503", "rate limited")


@pytest.mark.parametrize("turn", [0, 1])
def test_an_hour_down(
    servers: dict[Channel, LoopbackServer], hasty: dict[Channel, Sender], tmp_path: Path, turn: int
) -> None:
    ways = {channel: WAYS[(n + turn) % 4] for n, channel in enumerate(servers)}
    clock = Clock()
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    queued: list[Message] = []

    def restart() -> Post:
        return Post(outbox_of(open_ledger(url, lambda: clock.time)), hasty, lambda: clock.time)

    for minute in range(60):
        if minute == 2:
            _spoil(servers, ways)
        if minute % 10 == 0:
            queued += (new := queue_all(clock.time, minute))
            assert restart().outbox.queue(new) == len(new)
        _round(restart(), clock)
    outbox = restart().outbox
    for channel in Channel:
        assert outbox.messages(1, state=MessageState.WAITING, channel=channel)
    for channel, server in servers.items():
        server.always = None
        if ways[channel] == "refused":
            server.start()
    for _ in range(15):
        _round(restart(), clock)
    assert {one.state for one in outbox.messages(1000)} == {MessageState.SENT}
    _check_pagerduty(servers[Channel.PAGERDUTY], queued)
    _check_slack(servers[Channel.SLACK], queued)
    _check_notion(servers[Channel.NOTION], queued)


def _spoil(servers: dict[Channel, LoopbackServer], ways: dict[Channel, str]) -> None:
    told = {
        "ok": False,
        "error": "ratelimited",
        "object": "error",
        "status": 429,
        "code": "rate_limited",
        "message": "",
    }
    for channel, server in servers.items():
        match ways[channel]:
            case "refused":
                server.stop()
            case "silent after it was taken":
                server.always = Fault(handled=True)
            case "answering 503":
                server.always = Fault(Reply(503, "<html>"))
            case _:
                server.always = Fault(Reply(429, told, {"Retry-After": "120"}))


def _round(post: Post, clock: Clock) -> None:
    deliver(post)
    clock.time += timedelta(minutes=1)


def _expected(queued: list[Message], channel: Channel, subject: str) -> list[str]:
    return [one.key for one in queued if one.channel is channel and one.subject == subject]


def _check_pagerduty(server: LoopbackServer, queued: list[Message]) -> None:
    assert isinstance(server, PagerDutyServer)
    # What was sent twice is one incident: each was opened once and is resolved.
    assert Counter((one.key, one.status) for one in server.incidents) == {
        (f"incident-{subject}", "resolved"): 1 for subject in "abc"
    }
    for subject in ("incident-a", "incident-b", "incident-c"):
        told = [e["event_action"] for e in server.events if e["dedup_key"] == subject]
        actions = ["trigger"] * 3 + ["acknowledge"] * 2 + ["resolve"]
        assert [action for n, action in enumerate(told) if n == 0 or told[n - 1] != action] == sorted(
            set(actions), key=actions.index
        )


def _check_slack(server: LoopbackServer, queued: list[Message]) -> None:
    assert isinstance(server, SlackServer)
    roots = [one["ts"] for one in server.messages if "thread_ts" not in one]
    assert len(roots) == 3
    for ts in roots:
        keys = [one["metadata"]["event_payload"][EVENT_KEY] for one in server.thread(ts)]
        assert keys == _expected(queued, Channel.SLACK, f"incident-{keys[0].split('-')[1]}")


def _check_notion(server: LoopbackServer, queued: list[Message]) -> None:
    assert isinstance(server, NotionServer)
    assert len(server.pages) == 3
    for page in server.pages:
        assert _refs(page) == _expected(queued, Channel.NOTION, page.incident)


def _refs(page: Page) -> list[str]:
    texts = [block[block["type"]]["rich_text"][0]["text"]["content"] for block in page.blocks]
    return [text.removeprefix("ref ") for text in texts if text.startswith("ref ")]
