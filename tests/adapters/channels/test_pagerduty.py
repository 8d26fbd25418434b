"""What PagerDuty gets, and who acknowledged there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from namecard_release.adapters.channels.building import build_acknowledgements
from namecard_release.channel_settings import Channels
from namecard_release.domain.delivery import Outcome
from namecard_release.domain.messages import Acknowledgement, Channel, MessageKind
from namecard_release.errors import PermanentError, TransientError
from namecard_release.outbox_port import Sender
from tests.adapters.channels.conftest import message
from tests.servers.loopback import Fault, LoopbackServer, Reply
from tests.servers.pagerduty import PagerDutyServer

ON = Channel.PAGERDUTY


@pytest.fixture
def server(servers: dict[Channel, LoopbackServer]) -> PagerDutyServer:
    found = servers[ON]
    assert isinstance(found, PagerDutyServer)
    return found


@pytest.fixture
def sender(senders: dict[Channel, Sender]) -> Sender:
    return senders[ON]


def test_one_incident_is_opened_acknowledged_and_resolved(server: PagerDutyServer, sender: Sender) -> None:
    page = message(ON, fields=(("environment", "prod"), ("severity", "error"), ("alarm", "dlq")))
    states = []
    for kind in (
        MessageKind.PAGE,
        MessageKind.PAGE,
        MessageKind.ESCALATE,
        MessageKind.ACKNOWLEDGE,
        MessageKind.RESOLVE,
    ):
        told = message(ON, kind, kind, fields=page.fields)
        assert sender.send(told, None).receipt == "incident-1"
        states.append(server.incidents[0].status)
    assert states == ["triggered"] * 3 + ["acknowledged", "resolved"]
    assert len(server.incidents) == 1
    payload = server.events[0]["payload"]
    assert payload["summary"] == "A title"
    assert (payload["source"], payload["severity"], payload["timestamp"]) == (
        "prod",
        "error",
        "2026-03-02T09:00:00+00:00",
    )
    assert payload["custom_details"] == {
        "text": "A text",
        "environment": "prod",
        "severity": "error",
        "alarm": "dlq",
        "subject": "incident-1",
    }


@pytest.mark.parametrize("kind", [MessageKind.NOTE, MessageKind.SUMMARY, MessageKind.REMINDER, MessageKind.STATUS])
def test_what_calls_nobody_opens_no_incident_anew(server: PagerDutyServer, sender: Sender, kind: MessageKind) -> None:
    note = message(ON, kind=kind)
    assert sender.send(note, None).outcome is Outcome.TAKEN
    assert (server.incidents, len(server.changes)) == ([], 1)
    # It has no dedup_key: one that may have arrived is left at that.
    assert sender.find(note, None).outcome is Outcome.TAKEN


def test_long_texts_are_cut_and_an_event_over_the_limit_is_refused_unsent(
    server: PagerDutyServer, sender: Sender
) -> None:
    assert sender.send(message(ON, title="t" * 5000, text="x" * 600_000), None).outcome is Outcome.TAKEN
    assert len(server.events[0]["payload"]["summary"]) == 1024
    fields = tuple((f"field-{n}", "v" * 4000) for n in range(200))
    answer = sender.send(message(ON, "two", fields=fields), None)
    assert (answer.outcome, len(server.events)) == (Outcome.REFUSED, 1)
    assert "512 KB" in answer.reason


def test_an_unknown_severity_is_critical(server: PagerDutyServer, sender: Sender) -> None:
    sender.send(message(ON, fields=(("severity", "Sev1"),)), None)
    assert server.events[0]["payload"]["severity"] == "critical"


def test_acknowledgements_are_read_by_subject(server: PagerDutyServer, sender: Sender, channels: Channels) -> None:
    for subject in ("incident-1", "incident-2"):
        sender.send(message(ON, subject, subject=subject), None)
    server.acknowledge("incident-1", "Ada", "2026-03-02T09:04:00Z")
    server.acknowledge("incident-1", "Bob", "2026-03-02T09:03:00+00:00")
    reader = build_acknowledgements(channels, None, None)
    assert reader is not None
    told = tuple(reader.acknowledgements(["incident-1", "incident-2", "incident-3"]))
    assert told == (
        Acknowledgement("incident-1", "Bob", datetime(2026, 3, 2, 9, 3, tzinfo=UTC)),
        Acknowledgement("incident-1", "Ada", datetime(2026, 3, 2, 9, 4, tzinfo=UTC)),
    )


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(Reply(401, {"error": {"message": "Unauthorized"}})), PermanentError),
        (Fault(Reply(429, {"error": {"message": "Rate Limit Exceeded"}})), TransientError),
        (Fault(Reply(503, "")), TransientError),
        (Fault(), TransientError),
    ],
)
def test_unread_acknowledgements_are_unknown(
    server: PagerDutyServer, channels: Channels, fault: Fault, error: type[Exception]
) -> None:
    reader = build_acknowledgements(channels, None, None)
    assert reader is not None
    server.always = fault
    with pytest.raises(error, match="PagerDuty"):
        tuple(reader.acknowledgements(["incident-1"]))


def test_without_a_token_nothing_is_read_back(channels: Channels) -> None:
    own = channels.pagerduty
    assert own is not None
    without = channels.model_copy(update={"pagerduty": own.model_copy(update={"api_token": None})})
    assert build_acknowledgements(without, None, None) is None
