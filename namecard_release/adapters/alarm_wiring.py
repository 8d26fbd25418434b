"""The alarms' way to people on AWS, read and changed: SNS topic, queues, subscriptions, alarm actions. The plan of what
to change is the domain's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.cloudwatch import find_alarms
from namecard_release.domain.wiring import (
    MOST_RETURNS,
    AlarmActions,
    Change,
    Step,
    Subscription,
    Wanted,
    Wiring,
    wired,
)

_AT_ONCE = 100
_ALLOWED = "AlarmsOfNameCardRelease"
# Long enough to find out over a weekend that nobody was reached.
_KEPT_SECONDS = str(14 * 86_400)


class AlarmWiring:
    """One environment's wiring: `AlarmWiring(clients, account, stacks)`."""

    def __init__(self, clients: AwsClients, account: str, stacks: Sequence[str]) -> None:
        self._clients, self._account, self._stacks = clients, account, stacks

    def want(self, topic: str, queue: str, dead_letters: str, integration_url: str | None) -> Wanted:
        """Turn names into what must be."""
        place = f"{self._clients.region}:{self._account}"
        sqs = f"arn:aws:sqs:{place}"
        return Wanted(f"arn:aws:sns:{place}:{topic}", f"{sqs}:{queue}", f"{sqs}:{dead_letters}", integration_url)

    def read(self, wanted: Wanted) -> Wiring:
        """Read what is there. Raises TransientError or PermanentError."""
        urls = {arn: self._url(arn) for arn in (wanted.queue, wanted.dead_letters)}
        topic = self._has_topic(wanted.topic)
        return Wiring(
            topic=topic,
            queue=urls[wanted.queue] is not None,
            dead_letters=urls[wanted.dead_letters] is not None,
            allowed=frozenset(arn for arn, url in urls.items() if url and self._allows(url, wanted.topic)),
            subscriptions=tuple(self._subscriptions(wanted.topic)) if topic else (),
            alarms=self._alarms(),
            returns=self._returns(urls[wanted.queue]),
        )

    def apply(self, change: Change, wanted: Wanted) -> None:
        """Make one change. Raises TransientError or PermanentError."""
        with aws_errors_told(f"change the {change.step} of the alarms' wiring"):
            match change.step:
                case Step.TOPIC:
                    self._clients.sns.create_topic(Name=_name(wanted.topic))
                case Step.QUEUE | Step.DEAD_LETTERS:
                    self._clients.sqs.create_queue(
                        QueueName=_name(change.target), Attributes={"MessageRetentionPeriod": _KEPT_SECONDS}
                    )
                case Step.RETURNS:
                    policy = {"deadLetterTargetArn": wanted.dead_letters, "maxReceiveCount": MOST_RETURNS}
                    self._clients.sqs.set_queue_attributes(
                        QueueUrl=self._url(wanted.queue) or "", Attributes={"RedrivePolicy": json.dumps(policy)}
                    )
                case Step.ALLOW:
                    self._allow(change.target, wanted.topic)
                case Step.SUBSCRIBE:
                    self._subscribe(change.target, wanted)
                case Step.REDRIVE:
                    self._redrive(change.target, wanted)
                case Step.ALARM:
                    self._add_actions(change.target, wanted.topic)

    def _has_topic(self, arn: str) -> bool:
        with aws_errors_told("read the alarms' topic"):
            try:
                self._clients.sns.get_topic_attributes(TopicArn=arn)
            except self._clients.sns.exceptions.NotFoundException:
                return False
        return True

    def _url(self, arn: str) -> str | None:
        with aws_errors_told(f"read the queue {_name(arn)}"):
            try:
                return self._clients.sqs.get_queue_url(QueueName=_name(arn))["QueueUrl"]
            except self._clients.sqs.exceptions.QueueDoesNotExist:
                return None

    def _returns(self, url: str | None) -> str | None:
        if url is None:
            return None
        with aws_errors_told("read the redrive of the incidents' queue"):
            told = self._clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
        target: str | None = json.loads(told.get("Attributes", {}).get("RedrivePolicy") or "{}").get(
            "deadLetterTargetArn"
        )
        return target

    def _policy(self, url: str) -> dict[str, Any]:
        told = self._clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        text = told.get("Attributes", {}).get("Policy") or ""
        policy: dict[str, Any] = json.loads(text) if text else {"Version": "2012-10-17", "Statement": []}
        return policy

    def _allows(self, url: str, topic: str) -> bool:
        with aws_errors_told("read a queue's policy"):
            statements = self._policy(url)["Statement"]
        return any(one.get("Sid") == _ALLOWED and topic in json.dumps(one.get("Condition", {})) for one in statements)

    def _allow(self, arn: str, topic: str) -> None:
        url = self._url(arn) or ""
        policy = self._policy(url)
        statement = {
            "Sid": _ALLOWED,
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        # The statements of others stay.
        policy["Statement"] = [one for one in policy["Statement"] if one.get("Sid") != _ALLOWED] + [statement]
        self._clients.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})

    def _subscriptions(self, topic: str) -> list[Subscription]:
        with aws_errors_told("read the topic's subscriptions"):
            pages = self._clients.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
            return [self._subscription(one) for page in pages for one in page["Subscriptions"]]

    def _subscription(self, told: Mapping[str, Any]) -> Subscription:
        protocol, endpoint, arn = told["Protocol"], told["Endpoint"], told["SubscriptionArn"]
        if not arn.startswith("arn:"):
            return Subscription(protocol, endpoint, confirmed=False)
        attributes = self._clients.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
        redrive = json.loads(attributes.get("RedrivePolicy") or "{}").get("deadLetterTargetArn")
        return Subscription(protocol, endpoint, redrive, attributes.get("PendingConfirmation") != "true")

    def _subscribe(self, endpoint: str, wanted: Wanted) -> None:
        protocol = "sqs" if endpoint == wanted.queue else "https"
        redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": wanted.dead_letters})}
        self._clients.sns.subscribe(
            TopicArn=wanted.topic, Protocol=protocol, Endpoint=endpoint, Attributes=redrive, ReturnSubscriptionArn=True
        )

    def _redrive(self, endpoint: str, wanted: Wanted) -> None:
        pages = self._clients.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=wanted.topic)
        (arn,) = [s["SubscriptionArn"] for page in pages for s in page["Subscriptions"] if s["Endpoint"] == endpoint]
        policy = json.dumps({"deadLetterTargetArn": wanted.dead_letters})
        self._clients.sns.set_subscription_attributes(
            SubscriptionArn=arn, AttributeName="RedrivePolicy", AttributeValue=policy
        )

    def _alarms(self) -> tuple[AlarmActions, ...]:
        names = [name for stack in self._stacks for name in self._alarm_names(stack)]
        told = self._describe([name for _, name in names if name])
        return tuple(_actions(logical, told.get(name)) for logical, name in names)

    def _alarm_names(self, stack: str) -> list[tuple[str, str]]:
        with aws_errors_told(f"list the alarms of {stack}"):
            pages = self._clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
            resources = [one for page in pages for one in page["StackResourceSummaries"]]
        return [(one.physical_name or one.logical_id, one.physical_name) for one in find_alarms(resources)]

    def _describe(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        told: dict[str, dict[str, Any]] = {}
        for start in range(0, len(names), _AT_ONCE):
            with aws_errors_told("read the alarms' actions"):
                pages = self._clients.cloudwatch.get_paginator("describe_alarms").paginate(
                    AlarmNames=names[start : start + _AT_ONCE], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
                )
                for page in pages:
                    alarms: list[Any] = [*page["MetricAlarms"], *page.get("CompositeAlarms", ())]
                    told |= {alarm["AlarmName"]: alarm for alarm in alarms}
        return told

    def _add_actions(self, name: str, topic: str) -> None:
        alarm = self._describe([name])[name]
        on_alarm, on_ok = wired(_actions(name, alarm), topic)
        composite = "AlarmRule" in alarm
        client: Any = self._clients.cloudwatch
        operation = "PutCompositeAlarm" if composite else "PutMetricAlarm"
        # A put replaces the whole alarm: all that AWS takes of what it told is given back.
        takes = client.meta.service_model.operation_model(operation).input_shape.members
        kept = {key: value for key, value in alarm.items() if key in takes and value not in (None, "", [])}
        put = client.put_composite_alarm if composite else client.put_metric_alarm
        put(**{**kept, "AlarmActions": list(on_alarm), "OKActions": list(on_ok), "ActionsEnabled": True})


def _actions(name: str, told: Mapping[str, Any] | None) -> AlarmActions:
    if told is None:
        return AlarmActions(name, None)
    return AlarmActions(name, tuple(told.get("AlarmActions", ())), tuple(told.get("OKActions", ())))


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]
