"""Who acknowledged in PagerDuty is taken over: against PagerDuty's server, and over a reader that fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from namecard_release.adapters.channels.building import build_acknowledgements, build_senders
from namecard_release.channel_settings import Channels
from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.incident import Incident
from namecard_release.domain.messages import Acknowledgement, Channel
from namecard_release.workflow.acknowledging import Asked, take_acknowledgements
from namecard_release.workflow.delivering import Post, deliver
from namecard_release.workflow.incident_clock import tick_clock
from namecard_release.workflow.incidents import look_for_incidents
from namecard_release.workflow.pipeline import Pipeline
from tests.fakes.acknowledgements import Reader
from tests.fakes.world import World
from tests.servers.loopback import Fault, Reply
from tests.servers.pagerduty import ROUTING_KEY, TOKEN, PagerDutyServer


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PagerDutyServer]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PD_KEY", ROUTING_KEY)
    monkeypatch.setenv("PD_TOKEN", TOKEN)
    made = PagerDutyServer()
    made.start()
    yield made
    made.stop()


def _open(world: World, pipeline: Pipeline, *services: str, environment: str = "prod") -> None:
    for service in services:
        world.set_alarm(f"{service}ServiceErrorsAlarm", AlarmState.ALARM)
    look_for_incidents(pipeline, environment)


def _take(pipeline: Pipeline, after: str | None = None) -> Asked:
    return take_acknowledgements(pipeline, after, lambda: False)


def _incident(pipeline: Pipeline, name: str = "INC-1") -> Incident:
    case = pipeline.ledger.case(name)
    assert case is not None
    return case.incident


def test_who_acknowledges_in_pagerduty_is_called_no_more(world: World, server: PagerDutyServer, tmp_path: Path) -> None:
    source = {"routing_key": {"variable": "PD_KEY"}, "api_token": {"variable": "PD_TOKEN"}}
    channels = Channels.model_validate(
        {"pagerduty": {**source, "events_url": server.url, "api_url": server.url}, "folder": tmp_path / "outbox"}
    )
    senders = build_senders(channels, None, None)
    reader = build_acknowledgements(channels, None, None)
    pipeline = replace(world.pipeline(), senders=senders, acknowledgements=reader)

    def send() -> None:
        deliver(Post(pipeline.outbox, senders, pipeline.clock.now, lambda: False))

    _open(world, pipeline, "Cards")
    assert _take(pipeline) == Asked(), "nothing was sent yet, so nobody can have acknowledged it"
    send()
    assert [one.key for one in server.incidents] == ["INC-1"]
    world.pass_time(360)
    # The second page falls due before PagerDuty is read; it is taken back, for nobody is to be called any more.
    assert tick_clock(pipeline) == ("INC-1/acknowledge/0",)
    at = pipeline.clock.now() - timedelta(minutes=2)
    server.acknowledge("INC-1", "Ada Lovelace", at.isoformat())
    server.always = Fault(Reply(503, ""))
    unread = _take(pipeline)
    assert unread.unread is not None and "503" in unread.unread and unread.done == ()
    assert _incident(pipeline).acknowledged_at is None
    server.always = None
    assert _take(pipeline).done == ("INC-1 acknowledged by Ada Lovelace through pagerduty",)
    taken = _incident(pipeline)
    assert (taken.acknowledged_by, taken.acknowledged_through, taken.acknowledged_at) == (
        "Ada Lovelace",
        "pagerduty",
        at,
    )
    events = len(server.events)
    send()
    world.pass_time(3600)
    tick_clock(pipeline)
    send()
    assert len(server.events) == events, "after an acknowledgement nothing pages, and PagerDuty is not told its own"
    texts = [one.message.text for one in pipeline.outbox.messages(100, channel=Channel.SLACK)]
    assert any("Ada Lovelace" in text for text in texts)
    asked = len(server.requests)
    assert _take(pipeline) == Asked() and len(server.requests) == asked, "what is taken is not asked about"
    (event,) = [one for one in pipeline.ledger.audit_entries() if one.action == "incident acknowledged"]
    assert (event.actor, event.reason) == ("Ada Lovelace", "through pagerduty")


def test_what_pages_nobody_and_what_is_over_is_not_asked_about(world: World) -> None:
    reader = Reader()
    pipeline = replace(world.pipeline(), acknowledgements=reader)
    _open(world, pipeline, "Cards", environment="dev")
    assert _take(pipeline) == Asked() and reader.asked == [], "an incident of dev is quiet"
    assert take_acknowledgements(replace(pipeline, acknowledgements=None), None, lambda: False) == Asked()


def test_each_is_asked_about_in_turn(world: World) -> None:
    reader = Reader()
    pipeline = replace(world.pipeline(), acknowledgements=reader)
    _open(world, pipeline, "Auth", "Cards", "Search")
    now = pipeline.clock.now()
    reader.broken = {"INC-2"}
    reader.told = {"INC-3": Acknowledgement("INC-3", "bob", now)}
    first = _take(pipeline)
    assert (first.done, first.stopped_at) == ((), "INC-2")
    assert first.unread is not None and "INC-2" in first.unread
    assert reader.asked == ["INC-1", "INC-2"]
    second = _take(pipeline, first.stopped_at)
    assert second.done == ("INC-3 acknowledged by bob through pagerduty",)
    assert reader.asked[2:] == ["INC-3", "INC-1", "INC-2"]
    # A round that has no time left remembers where it was.
    assert take_acknowledgements(pipeline, "INC-1", lambda: True).stopped_at == "INC-1"
