"""The outbox emptied over channels that fail in every way, on the real ledger with a clock that the test moves."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from namecard_release.domain.delivery import Answer, Outcome
from namecard_release.domain.gates import Verdict
from namecard_release.domain.messages import Channel, Message, MessageKind, MessageState
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.outbox import SqlOutbox, outbox_of
from namecard_release.workflow.delivering import Delivered, Post, deliver, deliver_channel, judge_channels
from tests.fakes.ledgers import lay_ledger
from tests.fakes.senders import FakeSender
from tests.fakes.world import START

DOWN = Answer(Outcome.NOT_TAKEN, "cannot be reached", closed=True)
UNSURE = Answer(Outcome.UNSURE, "timed out")
REFUSED = Answer(Outcome.REFUSED, "invalid_blocks")


@dataclass
class Desk:
    """An outbox with fake channels."""

    outbox: SqlOutbox
    time: datetime = START
    senders: dict[Channel, FakeSender] = field(default_factory=lambda: {one: FakeSender() for one in Channel})
    queued: int = 0

    @property
    def slack(self) -> FakeSender:
        return self.senders[Channel.SLACK]

    def post(self) -> Post:
        return Post(self.outbox, self.senders, lambda: self.time)

    def queue(self, *keys: str, kind: MessageKind = MessageKind.PAGE, channel: Channel = Channel.SLACK) -> None:
        """Queue messages whose subject is their first letter."""
        made = [Message(key, channel, key[0], kind, key, "", self.time) for key in keys]
        assert self.outbox.queue(made) == len(made)

    def round(self, channel: Channel = Channel.SLACK) -> Delivered:
        return deliver_channel(self.post(), channel)

    def pass_time(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def states(self) -> dict[str, MessageState]:
        return {one.message.key: one.state for one in self.outbox.messages(10_000)}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(outbox_of(open_ledger(lay_ledger(tmp_path / "ledger.sqlite"), lambda: START)))


def test_a_subjects_later_messages_go_into_the_thread_of_its_first(desk: Desk) -> None:
    desk.queue("a1", "b1", "a2")
    assert desk.round() == Delivered(Channel.SLACK, sent=3)
    assert desk.slack.threads == {"a1": None, "b1": None, "a2": "r-a1"}
    desk.queue("b2")
    desk.round()
    assert desk.slack.threads["b2"] == "r-b1"
    assert desk.round() == Delivered(Channel.SLACK)


def test_a_channel_that_is_down_is_asked_less_and_less_and_loses_nothing(desk: Desk) -> None:
    desk.slack.judge = lambda _: DOWN
    desk.queue("a1", "b1", "c1")
    tries = 0
    for _ in range(60):
        tries += desk.round().failed
        desk.pass_time(5)
    assert 6 <= tries <= 9
    assert desk.slack.took == []
    [told] = desk.outbox.closed_channels().values()
    assert (told.reason, told.failures) == ("cannot be reached", tries)
    desk.slack.judge = lambda _: None
    for _ in range(12):
        desk.pass_time(10)
        desk.round()
    assert sorted(desk.slack.took) == ["a1", "b1", "c1"]
    assert desk.outbox.closed_channels() == {}


def test_one_channel_never_waits_for_another(desk: Desk) -> None:
    desk.slack.judge = lambda _: DOWN
    desk.queue("a1")
    desk.queue("p1", channel=Channel.PAGERDUTY)
    done = {one.channel: one for one in deliver(desk.post())}
    assert done[Channel.PAGERDUTY].sent == 1
    assert done[Channel.SLACK].failed == 1


def test_a_refused_message_keeps_its_reason_and_what_follows_goes_on(desk: Desk) -> None:
    desk.slack.judge = lambda message: REFUSED if message.key == "a1" else None
    desk.queue("a1", "a2")
    assert desk.round() == Delivered(Channel.SLACK, sent=1, refused=1)
    assert desk.states() == {"a1": MessageState.REFUSED, "a2": MessageState.SENT}
    [phase, *_] = [one for one in judge_channels(desk.post()) if one.name == "channel slack"]
    assert phase.verdict is Verdict.FAILED


def test_a_message_that_breaks_its_channel_holds_up_its_own_subject_alone(desk: Desk) -> None:
    desk.slack.judge = lambda message: UNSURE if message.key == "a1" else None
    desk.slack.loses = True
    desk.queue("a1", "b1", "a2", "c1")
    for number in range(40):
        desk.round()
        desk.pass_time(5)
        if number == 20:
            desk.queue("d1")
    assert desk.slack.took == ["b1", "c1", "d1"]
    assert desk.states()["a2"] is MessageState.WAITING


@pytest.mark.parametrize("loses", [True, False])
def test_an_unsure_message_is_looked_for_before_it_is_sent_again(desk: Desk, loses: bool) -> None:
    desk.slack.loses = loses
    desk.slack.answers.append(UNSURE)
    desk.queue("a1", "a2")
    desk.round()
    desk.pass_time(10)
    desk.round()
    assert desk.slack.took == ["a1", "a2"]
    assert desk.outbox.receipt(Channel.SLACK, "a") == "r-a1"


@pytest.mark.parametrize("taken", [True, False])
def test_a_process_that_dies_in_a_try_leaves_the_message_to_be_looked_for(desk: Desk, taken: bool) -> None:
    class KilledError(BaseException):
        """The process is gone."""

    def die(message: Message) -> Answer | None:
        if taken:
            desk.slack.took.append(message.key)
        raise KilledError

    desk.queue("a1", "a2")
    desk.slack.judge = die
    with pytest.raises(KilledError):
        desk.round()
    desk.slack.judge = lambda _: None
    # Another process may still be at it: nobody takes it from that one.
    assert desk.round() == Delivered(Channel.SLACK)
    desk.pass_time(91)
    desk.round()
    assert desk.slack.took == ["a1", "a2"]


def test_two_deliverers_send_once(desk: Desk) -> None:
    desk.queue("a1", "a2", "b1")

    def meanwhile(message: Message) -> Answer | None:
        if message.key == "a1":
            desk.slack.judge = lambda _: None
            # The other one has read the same list; it sends what is free.
            assert desk.round().sent == 1
        return None

    desk.slack.judge = meanwhile
    desk.round()
    desk.round()
    assert sorted(desk.slack.took) == ["a1", "a2", "b1"]
    assert desk.slack.took.index("a1") < desk.slack.took.index("a2")


def test_two_hundred_alarms_keep_pagerdutys_rate_over_restarts_and_what_is_urgent_goes_first(desk: Desk) -> None:
    pagerduty = desk.senders[Channel.PAGERDUTY] = FakeSender(per_minute=100)
    at: list[datetime] = []

    def note_time(_: Message) -> Answer | None:
        at.append(desk.time)
        return None

    pagerduty.judge = note_time
    subjects = [f"alarm-{n}" for n in range(200)]
    notes = [
        Message(f"{s}-note-{n}", Channel.PAGERDUTY, s, MessageKind.NOTE, s, "", desk.time)
        for n in range(3)
        for s in subjects
    ]
    pages = [Message(f"{s}-page", Channel.PAGERDUTY, s, MessageKind.PAGE, s, "", desk.time) for s in subjects]
    desk.outbox.queue(pages)
    desk.outbox.queue(notes)
    for _ in range(60):
        # Every round is a new process: nothing is remembered but in the ledger.
        deliver_channel(Post(desk.outbox, {Channel.PAGERDUTY: pagerduty}, lambda: desk.time), Channel.PAGERDUTY)
        desk.pass_time(5)
    assert max(sum(1 for two in at if one <= two < one + timedelta(minutes=1)) for one in at) <= 100
    # Of three notes about each alarm the last is sent.
    assert sorted(pagerduty.took) == sorted([f"{s}-page" for s in subjects] + [f"{s}-note-2" for s in subjects])
    assert set(desk.states().values()) == {MessageState.SENT}


def _any_answer(dice: random.Random) -> Callable[[Message], Answer | None]:
    return lambda _: dice.choice([None, None, None, DOWN, UNSURE, Answer(Outcome.NOT_TAKEN, "no")])


@pytest.mark.parametrize("seed", range(4))
def test_whatever_fails_every_message_arrives_once_and_in_order(desk: Desk, seed: int) -> None:
    dice = random.Random(seed)
    desk.slack.judge = _any_answer(dice)
    expected: dict[str, list[str]] = {}
    for turn in range(150):
        if turn < 40:
            key = f"{dice.choice('abcd')}{turn}"
            expected.setdefault(key[0], []).append(key)
            desk.queue(key, kind=dice.choice(list(MessageKind)))
        desk.slack.loses = dice.random() < 0.5
        desk.round()
        desk.pass_time(dice.choice([1, 5, 60]))
    desk.slack.judge = lambda _: None
    for _ in range(20):
        desk.pass_time(61)
        desk.round()
    arrived: dict[str, list[str]] = {}
    for key in desk.slack.took:
        arrived.setdefault(key[0], []).append(key)
    assert arrived == expected


def test_a_check_asks_the_channel_itself(desk: Desk) -> None:
    desk.slack.answers.append(Answer(Outcome.NOT_TAKEN, "Slack answered invalid_auth", closed=True))
    told = {one.name: one for one in judge_channels(desk.post(), ask=True)}
    assert (told["channel slack"].verdict, told["channel slack"].reason) == (
        Verdict.UNKNOWN,
        "Slack answered invalid_auth",
    )
    assert told["channel notion"].verdict is Verdict.PASSED
