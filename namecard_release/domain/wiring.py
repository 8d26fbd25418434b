"""How an environment's alarms reach people (runbook section 8): what is there, what must be, and the way between.

Reading and changing AWS is not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html: so many for each state.
MOST_ACTIONS = 5
# A message that nobody could take up so often, a minute each, is none for this queue.
MOST_RETURNS = 20


class Step(StrEnum):
    """One kind of change, in the order in which they are made."""

    TOPIC = "topic"
    QUEUE = "queue"
    DEAD_LETTERS = "dead letters"
    RETURNS = "returns"
    ALLOW = "queue policy"
    SUBSCRIBE = "subscription"
    REDRIVE = "redrive"
    ALARM = "alarm"


@dataclass(frozen=True)
class AlarmActions:
    """An alarm's name with the ARNs that it tells when it fires and when it is OK again; None when it was not read."""

    name: str
    on_alarm: tuple[str, ...] | None
    on_ok: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subscription:
    """Who is told by the topic: protocol, endpoint, and the queue for what could not be delivered."""

    protocol: str
    endpoint: str
    dead_letters: str | None = None
    confirmed: bool = True


@dataclass(frozen=True)
class Wanted:
    """What must be: ARNs follow from the names. `integration_url` is secret, None where PagerDuty is not wired."""

    topic: str
    queue: str
    dead_letters: str
    integration_url: str | None

    def subscriptions(self) -> tuple[Subscription, ...]:
        """Give who must be told."""
        queue = Subscription("sqs", self.queue, self.dead_letters)
        if self.integration_url is None:
            return (queue,)
        return (queue, Subscription("https", self.integration_url, self.dead_letters))


@dataclass(frozen=True)
class Wiring:
    """What is there. `allowed` are the queues that the topic may already write to; `returns` is where the incidents'
    queue puts what was returned to it too often, None when it keeps it for ever.
    """

    topic: bool
    queue: bool
    dead_letters: bool
    allowed: frozenset[str]
    subscriptions: tuple[Subscription, ...]
    alarms: tuple[AlarmActions, ...]
    returns: str | None = None


@dataclass(frozen=True)
class Change:
    """One change: to what, from what, to what; texts for a person. `refused` says why it is not made."""

    step: Step
    target: str
    before: str
    after: str
    refused: str | None = None


def plan_wiring(found: Wiring, wanted: Wanted) -> tuple[Change, ...]:
    """Give what has to change, in order; nothing when everything is as it must be. Foreign actions and subscriptions
    stay.
    """
    return (*_resources(found, wanted), *_subscriptions(found, wanted), *_alarms(found.alarms, wanted.topic))


def _resources(found: Wiring, wanted: Wanted) -> Iterator[Change]:
    for there, step, name in (
        (found.topic, Step.TOPIC, wanted.topic),
        (found.queue, Step.QUEUE, wanted.queue),
        (found.dead_letters, Step.DEAD_LETTERS, wanted.dead_letters),
    ):
        if not there:
            yield Change(step, name, "absent", "created")
    if found.returns is None:
        # One that somebody else chose stays.
        after = f"after {MOST_RETURNS} returns to {_short(wanted.dead_letters)}"
        yield Change(Step.RETURNS, wanted.queue, "what is no alarm comes back for ever", after)
    for queue in (wanted.queue, wanted.dead_letters):
        if queue not in found.allowed:
            yield Change(Step.ALLOW, queue, "closed to the topic", "the topic may write")


def _subscriptions(found: Wiring, wanted: Wanted) -> Iterator[Change]:
    there = {(one.protocol, one.endpoint): one for one in found.subscriptions}
    for one in wanted.subscriptions():
        known = there.get((one.protocol, one.endpoint))
        if known is None:
            yield Change(Step.SUBSCRIBE, one.endpoint, "absent", f"{one.protocol}, undelivered to {one.dead_letters}")
        elif not known.confirmed:
            # SNS takes no attributes of one that nobody confirmed.
            why = "nobody has confirmed it: open the integration in PagerDuty, or give its address anew"
            yield Change(Step.REDRIVE, one.endpoint, "not confirmed", f"{one.dead_letters}", why)
        elif known.dead_letters != one.dead_letters:
            yield Change(
                Step.REDRIVE, one.endpoint, known.dead_letters or "lost when undelivered", f"{one.dead_letters}"
            )


def _alarms(alarms: Sequence[AlarmActions], topic: str) -> Iterator[Change]:
    for alarm in alarms:
        if alarm.on_alarm is None:
            yield Change(Step.ALARM, alarm.name, "unread", "tells the topic", "CloudWatch does not tell this alarm")
            continue
        if topic in alarm.on_alarm and topic in alarm.on_ok:
            continue
        full = [s for s in (alarm.on_alarm, alarm.on_ok) if topic not in s and len(s) >= MOST_ACTIONS]
        why = f"it has {MOST_ACTIONS} actions of others already, CloudWatch takes no more" if full else None
        yield Change(Step.ALARM, alarm.name, _tell(alarm.on_alarm, alarm.on_ok), _tell(*wired(alarm, topic)), why)


def wired(alarm: AlarmActions, topic: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give an alarm's actions with the topic among them, those of others first and as they are."""
    on_alarm = alarm.on_alarm or ()
    return tuple(dict.fromkeys((*on_alarm, topic))), tuple(dict.fromkeys((*alarm.on_ok, topic)))


def _tell(on_alarm: tuple[str, ...], on_ok: tuple[str, ...]) -> str:
    return f"ALARM: {', '.join(map(_short, on_alarm)) or 'nobody'}; OK: {', '.join(map(_short, on_ok)) or 'nobody'}"


def _short(arn: str) -> str:
    return arn.rpartition(":")[2] or arn
