"""The channels' servers, and the senders that speak to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import stamina

from namecard_release.adapters.channels.building import build_senders
from namecard_release.channel_settings import Channels
from namecard_release.domain.messages import Channel, Message, MessageKind
from namecard_release.outbox_port import Sender
from tests.servers import notion, pagerduty, slack
from tests.servers.loopback import LoopbackServer

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Let the second try after a refused connection follow at once."""
    with stamina.set_testing(True, attempts=2):
        yield


@pytest.fixture
def servers() -> Iterator[dict[Channel, LoopbackServer]]:
    """All three, listening."""
    made: dict[Channel, LoopbackServer] = {
        Channel.PAGERDUTY: pagerduty.PagerDutyServer(),
        Channel.SLACK: slack.SlackServer(),
        Channel.NOTION: notion.NotionServer(),
    }
    for server in made.values():
        server.start()
    yield made
    for server in made.values():
        server.stop()


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secrets in the environment, and no proxy between."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PD_KEY", pagerduty.ROUTING_KEY)
    monkeypatch.setenv("PD_TOKEN", pagerduty.TOKEN)
    monkeypatch.setenv("SLACK_TOKEN", slack.TOKEN)
    monkeypatch.setenv("NOTION_TOKEN", notion.TOKEN)


def channels_of(servers: dict[Channel, LoopbackServer], timeout: float = 5) -> Channels:
    """Give the settings that reach the servers."""
    urls = {channel: server.url for channel, server in servers.items()}
    events = urls[Channel.PAGERDUTY]
    return Channels.model_validate(
        {
            "pagerduty": {
                "routing_key": {"variable": "PD_KEY"},
                "api_token": {"variable": "PD_TOKEN"},
                "events_url": events,
                "api_url": events,
                "timeout_seconds": timeout,
            },
            "slack": {
                "token": {"variable": "SLACK_TOKEN"},
                "api_url": urls[Channel.SLACK],
                "escalation_mention": "<!subteam^S012AB3CD>",
                "timeout_seconds": timeout,
            },
            "notion": {
                "token": {"variable": "NOTION_TOKEN"},
                "data_source": notion.SOURCE,
                "api_url": urls[Channel.NOTION],
                "timeout_seconds": timeout,
            },
        }
    )


@pytest.fixture
def channels(servers: dict[Channel, LoopbackServer], secrets: None) -> Channels:
    return channels_of(servers)


@pytest.fixture
def senders(channels: Channels) -> dict[Channel, Sender]:
    return build_senders(channels, None, None)


@pytest.fixture
def hasty(servers: dict[Channel, LoopbackServer], secrets: None) -> dict[Channel, Sender]:
    """Senders that give up soon."""
    return build_senders(channels_of(servers, timeout=0.3), None, None)


def message(channel: Channel, key: str = "one", kind: MessageKind = MessageKind.PAGE, **more: object) -> Message:
    """Make a message about one incident."""
    values: dict[str, object] = {"subject": "incident-1", "title": "A title", "text": "A text", "at": NOW, **more}
    return Message(key=key, channel=channel, kind=kind, **values)  # type: ignore[arg-type]
