"""What each channel's bad answers and silences mean, over real connections."""

from __future__ import annotations

import pytest

from namecard_release.domain.delivery import Outcome
from namecard_release.domain.messages import Channel
from namecard_release.outbox_port import Sender
from tests.adapters.channels.conftest import message
from tests.servers.loopback import Fault, LoopbackServer, Reply

Servers = dict[Channel, LoopbackServer]
Senders = dict[Channel, Sender]
ALL = list(Channel)
LATER = {"Retry-After": "30"}


def spoil(servers: Servers, channel: Channel, *faults: Fault) -> None:
    servers[channel].faults.extend(faults)


@pytest.mark.parametrize("channel", ALL)
def test_what_is_taken_has_a_receipt(senders: Senders, channel: Channel) -> None:
    answer = senders[channel].send(message(channel), None)
    assert (answer.outcome, answer.reason) == (Outcome.TAKEN, "")
    assert answer.receipt


@pytest.mark.parametrize("channel", ALL)
def test_a_rate_limit_closes_the_channel_for_as_long_as_it_asks(
    servers: Servers, senders: Senders, channel: Channel
) -> None:
    told = {
        "ok": False,
        "error": "ratelimited",
        "object": "error",
        "status": 429,
        "code": "rate_limited",
        "message": "x",
    }
    spoil(servers, channel, Fault(Reply(429, told, LATER)))
    answer = senders[channel].send(message(channel), None)
    assert (answer.outcome, answer.wait_seconds, answer.closed) == (Outcome.NOT_TAKEN, 30, True)
    # The library's own retries, which would wait in the call, are off.
    assert len(servers[channel].requests) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("channel", ALL)
def test_a_fault_of_the_channel_leaves_it_unsure(
    servers: Servers, senders: Senders, channel: Channel, status: int
) -> None:
    spoil(servers, channel, Fault(Reply(status, "<html>upstream</html>")))
    answer = senders[channel].send(message(channel), None)
    assert (answer.outcome, answer.closed) == (Outcome.UNSURE, False)
    assert len(servers[channel].requests) == 1


@pytest.mark.parametrize("channel", ALL)
def test_no_connection_means_not_taken_and_closed(servers: Servers, senders: Senders, channel: Channel) -> None:
    servers[channel].stop()
    answer = senders[channel].send(message(channel), None)
    assert (answer.outcome, answer.closed) == (Outcome.NOT_TAKEN, True)
    assert "cannot be reached" in answer.reason


@pytest.mark.parametrize("fault", [Fault(handled=True), Fault(handled=True, hang=True)], ids=["reset", "silence"])
@pytest.mark.parametrize("channel", ALL)
def test_an_answer_that_never_comes_is_unsure_and_the_message_is_found_again(
    servers: Servers, hasty: Senders, channel: Channel, fault: Fault
) -> None:
    sender = hasty[channel]
    # Notion would be asked for the page first.
    if channel is Channel.NOTION:
        assert sender.send(message(channel, "first"), None).outcome is Outcome.TAKEN
    thread = "page-0" if channel is Channel.NOTION else None
    spoil(servers, channel, fault)
    answer = sender.send(message(channel), thread)
    assert answer.outcome is Outcome.UNSURE
    found = sender.find(message(channel), thread)
    # PagerDuty needs no looking up: the dedup_key makes the second event do nothing.
    assert found.outcome is (Outcome.NOT_TAKEN if channel is Channel.PAGERDUTY else Outcome.TAKEN)
    assert sender.find(message(channel, "another"), thread).outcome is Outcome.NOT_TAKEN


@pytest.mark.parametrize("channel", [Channel.SLACK, Channel.NOTION])
def test_a_look_that_fails_leaves_it_unsure(servers: Servers, senders: Senders, channel: Channel) -> None:
    servers[channel].always = Fault(Reply(500, "<html>upstream</html>"))
    assert senders[channel].find(message(channel), None).outcome is Outcome.UNSURE


@pytest.mark.parametrize(
    ("channel", "variable"),
    [(Channel.PAGERDUTY, "PD_KEY"), (Channel.SLACK, "SLACK_TOKEN"), (Channel.NOTION, "NOTION_TOKEN")],
)
def test_a_wrong_secret_closes_the_channel_and_refuses_nothing(
    senders: Senders, channel: Channel, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = message(channel)
    with monkeypatch.context() as patch:
        patch.setenv(variable, "wrong-wrong-wrong")
        answer = senders[channel].send(right, None)
        assert (answer.outcome, answer.closed) == (Outcome.NOT_TAKEN, True)
        assert variable in answer.reason
        assert "wrong-wrong-wrong" not in answer.reason
        patch.setenv(variable, "")
        assert "empty or not set" in senders[channel].send(right, None).reason
    # Somebody mended it: it is read anew, without a restart.
    assert senders[channel].send(right, None).outcome is Outcome.TAKEN


@pytest.mark.parametrize(
    ("channel", "reply"),
    [
        (
            Channel.PAGERDUTY,
            Reply(400, {"status": "invalid event", "message": "Event object is invalid", "errors": []}),
        ),
        (Channel.SLACK, Reply(200, {"ok": False, "error": "invalid_blocks"})),
        (
            Channel.NOTION,
            Reply(400, {"object": "error", "status": 400, "code": "validation_error", "message": "body failed"}),
        ),
    ],
)
def test_a_message_that_will_never_be_taken_is_refused_with_the_reason(
    servers: Servers, senders: Senders, channel: Channel, reply: Reply
) -> None:
    spoil(servers, channel, Fault(reply))
    answer = senders[channel].send(message(channel), None)
    assert (answer.outcome, answer.closed) == (Outcome.REFUSED, False)
    assert any(word in answer.reason for word in ("Event object is invalid", "invalid_blocks", "validation_error"))


@pytest.mark.parametrize("channel", ALL)
def test_a_check_sends_nothing(servers: Servers, senders: Senders, channel: Channel) -> None:
    assert senders[channel].check().outcome is Outcome.TAKEN
    assert not [
        one for one in servers[channel].requests if one.path in ("/v2/enqueue", "/chat.postMessage", "/v1/pages")
    ]
