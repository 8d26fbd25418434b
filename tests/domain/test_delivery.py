"""What is sent next, when a failure is tried again, and what a channel's state means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.delivery import Answer, Outcome, judge_channel, next_try, plan_sends, sends_left
from namecard_release.domain.gates import Verdict
from namecard_release.domain.messages import (
    Backlog,
    Channel,
    ClosedChannel,
    Message,
    MessageKind,
    MessageState,
    QueuedMessage,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FAILED = Answer(Outcome.NOT_TAKEN)


def waiting(*words: str, unsure: str = "") -> list[QueuedMessage]:
    """Make messages of `subject:kind`, whose key is their place."""
    made = []
    for number, word in enumerate(words, 1):
        subject, kind = word.split(":")
        message = Message(str(number), Channel.PAGERDUTY, subject, MessageKind(kind), "title", "text", NOW)
        made.append(QueuedMessage(message, number, MessageState.WAITING, 0, str(number) == unsure, NOW))
    return made


@pytest.mark.parametrize(
    ("words", "order", "merged"),
    [
        (["a:page", "b:page"], "12", []),
        (["a:note", "b:page"], "21", []),
        # What is urgent never overtakes what was said before about the same subject.
        (["a:note", "b:note", "b:page", "a:note"], "234", ["14"]),
        (["a:page", "a:note", "a:note", "a:status", "a:resolve"], "145", ["23", "34"]),
        (["a:note", "b:note", "a:note"], "32", ["13"]),
        (["a:note", "a:page", "a:note"], "123", []),
        (["a:acknowledge", "b:resolve", "c:escalate", "d:summary", "d:reminder"], "1235", ["45"]),
        ([], "", []),
    ],
)
def test_the_order_on_pagerduty(words: list[str], order: str, merged: list[str]) -> None:
    plan = plan_sends(Channel.PAGERDUTY, waiting(*words))
    assert [earlier + later for earlier, later in plan.merged] == merged
    assert "".join(one.message.key for one in plan.send) == order


def test_what_may_have_been_told_is_looked_for_and_not_merged() -> None:
    plan = plan_sends(Channel.PAGERDUTY, waiting("a:note", "a:note", unsure="1"))
    assert [one.message.key for one in plan.send] == ["1", "2"]


@pytest.mark.parametrize("channel", [Channel.SLACK, Channel.NOTION])
def test_threads_and_pages_get_every_message(channel: Channel) -> None:
    plan = plan_sends(channel, waiting("a:note", "a:note", "b:page"))
    assert "".join(one.message.key for one in plan.send) == "312"
    assert plan.merged == ()


@pytest.mark.parametrize(
    ("failures", "asked", "seconds"),
    [
        *((1, None, 5), (2, None, 10), (4, None, 40), (5, None, 60), (500, None, 60), (0, None, 5)),
        *((1, 30.0, 30), (5, 30.0, 60), (1, 0.0, 5), (1, 86_400.0, 900)),
    ],
)
def test_tries_come_apart_up_to_a_minute_or_as_asked(failures: int, asked: float | None, seconds: float) -> None:
    answer = Answer(Outcome.NOT_TAKEN, wait_seconds=asked)
    assert next_try(failures, answer, NOW) == NOW + timedelta(seconds=seconds)


def test_a_rate_is_counted_over_a_sliding_minute() -> None:
    tries = [NOW - timedelta(seconds=s) for s in (61, 60, 59.9, 10, 0)]
    assert sends_left(tries, 4, NOW) == 1
    assert sends_left(tries, 3, NOW) == 0
    assert sends_left(tries, 2, NOW) == 0


CLOSED = ClosedChannel(NOW, "Slack answered invalid_auth", 3)


@pytest.mark.parametrize(
    ("backlog", "closed", "verdict", "told"),
    [
        (Backlog(0, None, 0), None, Verdict.PASSED, "somewhere; 0 waiting"),
        (Backlog(1, NOW - timedelta(minutes=5), 0), None, Verdict.PASSED, "1 waiting"),
        (Backlog(2, NOW - timedelta(minutes=6), 0), None, Verdict.FAILED, "the oldest for 6 min"),
        (Backlog(2, NOW - timedelta(minutes=6), 0), CLOSED, Verdict.FAILED, "invalid_auth"),
        (Backlog(1, NOW, 0), CLOSED, Verdict.UNKNOWN, "invalid_auth"),
        (Backlog(0, None, 2), CLOSED, Verdict.FAILED, "2 refused"),
    ],
)
def test_a_channel_is_judged(backlog: Backlog, closed: ClosedChannel | None, verdict: Verdict, told: str) -> None:
    phase = judge_channel(Channel.SLACK, backlog, closed, "somewhere", NOW)
    assert (phase.name, phase.verdict) == ("channel slack", verdict)
    assert told in phase.reason
