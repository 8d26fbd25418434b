"""The outbox on both databases: once for ever, in order, and honest about tries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.messages import Channel, Message, MessageKind, MessageState
from namecard_release.errors import PermanentError
from namecard_release.ledger.audit import Audit
from namecard_release.ledger.open import make_engine
from namecard_release.ledger.outbox import SqlOutbox, queue_messages
from tests.ledger.conftest import Clock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=1)
PAGE = Message("one", Channel.SLACK, "incident-1", MessageKind.PAGE, "title", "text", NOW, (("alarm", "dlq"),))


@pytest.fixture
def outbox(url: str, clock: Clock) -> Iterator[SqlOutbox]:
    outbox = SqlOutbox(make_engine(url), clock.now)
    yield outbox
    outbox.close()


def message(key: str, subject: str = "incident-1", channel: Channel = Channel.SLACK) -> Message:
    return replace(PAGE, key=key, subject=subject, channel=channel)


def keys(outbox: SqlOutbox, now: datetime = NOW) -> list[str]:
    return [one.message.key for one in outbox.waiting(Channel.SLACK, now, 100)]


def test_a_message_comes_back_as_it_was_queued_and_its_key_counts_for_ever(outbox: SqlOutbox) -> None:
    assert outbox.queue([PAGE, PAGE, message("two")]) == 2
    assert outbox.queue([replace(PAGE, title="another"), message("three")]) == 1
    outbox.sent("one", NOW, "ts-1")
    assert outbox.queue([PAGE]) == 0
    kept = outbox.messages(10)
    assert [(one.message.key, one.state, one.receipt) for one in kept] == [
        ("three", MessageState.WAITING, ""),
        ("two", MessageState.WAITING, ""),
        ("one", MessageState.SENT, "ts-1"),
    ]
    assert kept[-1].message == PAGE


def test_order_is_kept_within_a_subject_and_others_go_on(outbox: SqlOutbox) -> None:
    outbox.queue([message("a1", "a"), message("b1", "b"), message("a2", "a"), message("p1", "a", Channel.PAGERDUTY)])
    assert keys(outbox) == ["a1", "b1", "a2"]
    outbox.failed("a1", NOW, "down", SOON)
    assert keys(outbox) == ["b1"]
    assert keys(outbox, SOON) == ["a1", "b1", "a2"]
    assert [one.message.key for one in outbox.waiting(Channel.PAGERDUTY, NOW, 10)] == ["p1"]


def test_what_is_refused_for_good_holds_nothing_up_until_it_is_tried_again(outbox: SqlOutbox) -> None:
    outbox.queue([message("a1"), message("a2")])
    outbox.refused("a1", NOW, "no such channel; token=hunter2hunter2")
    assert keys(outbox) == ["a2"]
    refused = outbox.messages(10, state=MessageState.REFUSED)
    assert [one.reason for one in refused] == ["no such channel; token=***"]
    assert outbox.retry("a1", NOW)
    assert keys(outbox) == ["a1", "a2"]
    outbox.sent("a1", NOW, "")
    assert not outbox.retry("a1", NOW)


def test_what_is_dropped_is_never_sent_and_the_trail_says_why(outbox: SqlOutbox) -> None:
    outbox.queue([message("a1"), message("a2"), message("a3"), message("a4")])
    event = AuditEvent(NOW, "ada", "message dropped", "a1", None, "told by phone; token=hunter2hunter2")
    outbox.failed("a1", NOW, "down", SOON)
    assert keys(outbox) == []
    assert outbox.drop("a1", event)
    # What waited behind it goes on.
    assert keys(outbox) == ["a2", "a3", "a4"]
    [dropped] = outbox.messages(10, state=MessageState.DROPPED)
    assert (dropped.message.key, dropped.reason) == ("a1", "dropped by ada: told by phone; token=***")
    outbox.refused("a2", NOW, "too long")
    assert outbox.backlog(Channel.SLACK, NOW).refused == 1
    assert outbox.drop("a2", replace(event, subject="a2"))
    assert outbox.backlog(Channel.SLACK, NOW).refused == 0, "who dropped it has seen it"
    outbox.claim("a3", 0, NOW, SOON)
    assert not outbox.drop("a3", event), "its sender is at it"
    outbox.sent("a3", NOW, "ts")
    assert not outbox.drop("a3", event) and not outbox.drop("a1", event) and not outbox.drop("gone", event)
    entries = Audit(outbox._engine, outbox._now).audit_entries()
    assert [(e.action, e.subject, e.actor) for e in entries] == [
        ("message dropped", "a2", "ada"),
        ("message dropped", "a1", "ada"),
    ]
    assert "hunter2" not in repr(entries)
    assert outbox.retry("a1", NOW) and keys(outbox) == ["a1", "a4"]


def test_one_try_at_a_time_and_an_unfinished_one_is_unsure(outbox: SqlOutbox) -> None:
    outbox.queue([message("a1"), message("a2")])
    assert outbox.claim("a1", 0, NOW, SOON)
    assert not outbox.claim("a1", 0, NOW, SOON)
    assert keys(outbox) == []
    [first, _] = outbox.waiting(Channel.SLACK, SOON, 10)
    assert (first.attempts, first.unsure) == (1, True)
    outbox.failed("a1", SOON, "refused a connection", SOON)
    [first, _] = outbox.waiting(Channel.SLACK, SOON + timedelta(seconds=1), 10)
    assert (first.attempts, first.unsure, first.reason) == (1, False, "refused a connection")
    assert outbox.claim("a1", 1, SOON, SOON + timedelta(minutes=1))
    assert outbox.tries(Channel.SLACK, NOW) == (NOW, SOON)
    assert outbox.tries(Channel.SLACK, SOON) == (SOON,)
    assert outbox.forget_tries(SOON) == 1
    assert outbox.tries(Channel.SLACK, NOW) == (SOON,)


def test_a_subjects_receipt_is_its_first(outbox: SqlOutbox) -> None:
    outbox.queue([message("a1"), message("a2")])
    assert outbox.receipt(Channel.SLACK, "incident-1") is None
    outbox.sent("a1", NOW, "ts-1")
    outbox.sent("a2", NOW, "ts-2")
    assert outbox.receipt(Channel.SLACK, "incident-1") == "ts-1"
    assert outbox.receipt(Channel.NOTION, "incident-1") is None


def test_the_end_of_no_message_is_told(outbox: SqlOutbox) -> None:
    with pytest.raises(PermanentError, match="no message gone"):
        outbox.sent("gone", NOW, "")


def test_messages_are_queued_with_the_change_that_they_tell_or_not_at_all(outbox: SqlOutbox) -> None:
    with pytest.raises(RuntimeError), outbox.writing() as connection:
        queue_messages(connection, [PAGE])
        raise RuntimeError("the change failed")
    assert outbox.messages(10) == ()


def test_a_secret_is_never_kept(outbox: SqlOutbox) -> None:
    outbox.queue([replace(PAGE, title="password=hunter2hunter2", fields=(("env", "token=hunter2hunter2"),))])
    assert "hunter2" not in repr(outbox.messages(1))


@pytest.mark.parametrize("wrong", [{"key": ""}, {"key": "k" * 201}, {"subject": ""}, {"at": NOW.replace(tzinfo=None)}])
def test_a_malformed_message_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="message"):
        replace(PAGE, **wrong)  # type: ignore[arg-type]
