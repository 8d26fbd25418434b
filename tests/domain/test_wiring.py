"""What has to change so that alarms reach people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from namecard_release.domain.wiring import (
    AlarmActions,
    Change,
    Step,
    Subscription,
    Wanted,
    Wiring,
    plan_wiring,
    wired,
)

TOPIC, QUEUE, DEAD = "arn:aws:sns:r:1:alarms", "arn:aws:sqs:r:1:events", "arn:aws:sqs:r:1:undelivered"
URL = "https://events.pagerduty.com/integration/R0ABC/enqueue"
WANTED = Wanted(TOPIC, QUEUE, DEAD, URL)
DONE = Wiring(
    topic=True,
    queue=True,
    dead_letters=True,
    allowed=frozenset({QUEUE, DEAD}),
    subscriptions=(Subscription("sqs", QUEUE, DEAD), Subscription("https", URL, DEAD)),
    alarms=(AlarmActions("a", ("foreign", TOPIC), (TOPIC,)),),
    returns=DEAD,
)
NOTHING = Wiring(False, False, False, frozenset(), (), (AlarmActions("a", ("foreign",)),))
FULL = AlarmActions("a", tuple("12345"))


def steps(found: Wiring, wanted: Wanted = WANTED) -> list[Step]:
    return [one.step for one in plan_wiring(found, wanted)]


def test_what_is_wired_stays_as_it_is() -> None:
    assert plan_wiring(DONE, WANTED) == ()
    foreign = replace(DONE, subscriptions=(*DONE.subscriptions, Subscription("email", "ada@example.com")))
    assert plan_wiring(foreign, WANTED) == ()
    assert plan_wiring(replace(DONE, returns="arn:aws:sqs:r:1:their-own"), WANTED) == ()


def test_everything_is_made_in_an_order_that_works() -> None:
    made = [Step.TOPIC, Step.QUEUE, Step.DEAD_LETTERS, Step.RETURNS]
    expected = [*made, Step.ALLOW, Step.ALLOW, Step.SUBSCRIBE, Step.SUBSCRIBE]
    assert steps(NOTHING) == [*expected, Step.ALARM]
    # Without PagerDuty one subscription less.
    assert steps(NOTHING, replace(WANTED, integration_url=None)) == [*expected[:-1], Step.ALARM]


@pytest.mark.parametrize(
    ("found", "change"),
    [
        (
            replace(DONE, alarms=(AlarmActions("a", ("arn:x:foreign",), ()),)),
            Change(Step.ALARM, "a", "ALARM: foreign; OK: nobody", "ALARM: foreign, alarms; OK: alarms"),
        ),
        (
            replace(DONE, alarms=(AlarmActions("a", (TOPIC,), ()),)),
            Change(Step.ALARM, "a", "ALARM: alarms; OK: nobody", "ALARM: alarms; OK: alarms"),
        ),
        (
            replace(DONE, allowed=frozenset({QUEUE})),
            Change(Step.ALLOW, DEAD, "closed to the topic", "the topic may write"),
        ),
        (
            replace(DONE, returns=None),
            Change(Step.RETURNS, QUEUE, "what is no alarm comes back for ever", "after 20 returns to undelivered"),
        ),
        (
            replace(DONE, subscriptions=(Subscription("sqs", QUEUE), DONE.subscriptions[1])),
            Change(Step.REDRIVE, QUEUE, "lost when undelivered", DEAD),
        ),
    ],
)
def test_one_thing_that_is_not_as_it_must_be(found: Wiring, change: Change) -> None:
    assert plan_wiring(found, WANTED) == (change,)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (replace(DONE, alarms=(FULL,)), "5 actions of others"),
        (replace(DONE, alarms=(AlarmActions("a", (TOPIC,), tuple("12345")),)), "5 actions of others"),
        (replace(DONE, alarms=(AlarmActions("a", None),)), "does not tell this alarm"),
        (
            replace(DONE, subscriptions=(DONE.subscriptions[0], Subscription("https", URL, confirmed=False))),
            "nobody has confirmed",
        ),
    ],
)
def test_what_cannot_be_done_is_told(found: Wiring, told: str) -> None:
    [change] = plan_wiring(found, WANTED)
    assert told in (change.refused or "")


def test_actions_of_others_come_first_and_once() -> None:
    assert wired(AlarmActions("a", ("x", TOPIC), ("y",)), TOPIC) == (("x", TOPIC), ("y", TOPIC))
