"""Alarms pushed through SNS and SQS on the emulator, as `alarms wire` sets them up, to the incident that they open."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from namecard_release.adapters.alarm_queue import SqsAlarmQueue
from namecard_release.adapters.alarm_wiring import AlarmWiring
from namecard_release.adapters.aws_clients import AwsClients, AwsPatience
from namecard_release.adapters.clock import SystemClock
from namecard_release.adapters.cloud import AwsCloud
from namecard_release.domain.incident import Incident
from namecard_release.domain.wiring import Wanted, plan_wiring
from namecard_release.ports import Cloud
from namecard_release.settings import Settings
from namecard_release.time_limits import within
from namecard_release.workflow.incidents import Look, look_for_incidents
from namecard_release.workflow.pipeline import Pipeline, Site
from tests.fakes.world import World
from tests.integration.conftest import Emulator
from tests.integration.test_alarm_wiring import ALARM

ENVIRONMENT, STACK = "staging", "NameCardApi-staging"
QUEUE, UNDELIVERED = "alarm-events", "alarm-undelivered"
NAMES = ("AuthServiceErrorsAlarm1A2B3C4D", "CardsServiceErrorsAlarm1A2B3C4D", "OcrServiceErrorsAlarm1A2B3C4D")
# What is received comes again after so long; on AWS a minute.
VISIBILITY = 1
# A look at a CloudWatch that says nothing ends after so many seconds; clients are made within them as well.
SILENT = 3
_PAUSE = threading.Event()


@dataclass
class Way:
    """The way from alarms to incidents: what is wired on the emulator, and a pipeline with a ledger of its own."""

    emulator: Emulator
    names: Mapping[str, str]
    pipeline: Pipeline
    clouds: dict[str, Cloud]

    def look(self) -> Look:
        return look_for_incidents(self.pipeline, ENVIRONMENT)

    def set(self, alarm: str, state: str) -> None:
        watch = self.emulator.client("cloudwatch")
        watch.set_alarm_state(AlarmName=self.names[alarm], StateValue=state, StateReason=f"{state} by a test")

    def put(self, body: str) -> None:
        self.emulator.client("sqs").send_message(QueueUrl=self.url(QUEUE), MessageBody=body)

    def open(self) -> list[Incident]:
        return [one for one in self.pipeline.ledger.incidents(ENVIRONMENT, unfinished=True) if one.is_open]

    def url(self, queue: str) -> str:
        return str(self.emulator.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"])

    def depth(self, queue: str) -> int:
        """Count what is in a queue, received or not."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        told = self.emulator.client("sqs").get_queue_attributes(QueueUrl=self.url(queue), AttributeNames=list(names))
        return sum(int(told["Attributes"][name]) for name in names)


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not ready():
        assert time.monotonic() < end
        _PAUSE.wait(0.05)


@pytest.fixture(scope="module")
def names(emulator: Emulator) -> dict[str, str]:
    """Three wired alarms of a stack, by their logical id: topic, queues and subscription are the command's own."""
    stacks = emulator.client("cloudformation")
    body = json.dumps({"Resources": dict.fromkeys(NAMES, ALARM)})
    stacks.create_stack(StackName=STACK, TemplateBody=body)
    found: dict[str, str] = {}

    def made() -> bool:
        told = stacks.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        found.update({one["LogicalResourceId"]: one.get("PhysicalResourceId", "") for one in told})
        return len(found) == len(NAMES) and all(found.values())

    until(made)
    wiring = AlarmWiring(AwsClients(emulator.region, emulator.endpoint, emulator.env), "000000000000", (STACK,))
    wanted: Wanted = wiring.want("alarms", QUEUE, UNDELIVERED, None)
    for change in plan_wiring(wiring.read(wanted), wanted):
        wiring.apply(change, wanted)
    assert plan_wiring(wiring.read(wanted), wanted) == ()
    return found


@pytest.fixture
def way(emulator: Emulator, names: dict[str, str], tmp_path: Path) -> Iterator[Way]:
    sqs = emulator.client("sqs")
    world = World(tmp_path)
    made = replace(world.pipeline(), clock=SystemClock())
    queued = {"incidents": {"queues": {ENVIRONMENT: QUEUE}}}
    settings = Settings.model_validate({**made.settings.model_dump(), **queued})
    clouds: dict[str, Cloud] = {ENVIRONMENT: AwsCloud(emulator.region, emulator.endpoint, emulator.env)}
    pushes = SqsAlarmQueue(emulator.region, emulator.endpoint, emulator.env, visibility_seconds=VISIBILITY)

    def site(name: str) -> Site:
        return replace(made.site(name), settings=settings.environment(name), cloud=clouds[name], pushes=pushes)

    yield Way(emulator, names, replace(made, settings=settings, site=site), clouds)
    watch = emulator.client("cloudwatch")
    for name in names.values():
        watch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="over")
    for queue in (QUEUE, UNDELIVERED):
        sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"])


@pytest.fixture
def silent_cloud(emulator: Emulator) -> Iterator[AwsCloud]:
    """A CloudWatch that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield AwsCloud(emulator.region, url, {**emulator.env, "AWS_ENDPOINT_URL": url}, AwsPatience(0.5, 0.2))


def test_a_push_opens_the_incident_while_cloudwatch_is_silent_and_the_poll_opens_no_second(
    way: Way, silent_cloud: AwsCloud
) -> None:
    real, way.clouds[ENVIRONMENT] = way.clouds[ENVIRONMENT], silent_cloud
    way.set(NAMES[0], "ALARM")
    until(lambda: way.depth(QUEUE) == 1)
    with within(SILENT):
        look = way.look()
    assert look.done[0].startswith(f"INC-1 opened: {NAMES[0]} in ALARM"), look
    assert look.unread is not None and "list the resources" in look.unread, "the poll was not answered"
    assert way.depth(QUEUE) == 0, "recorded, so deleted"
    # CloudWatch answers again and tells the same alarm.
    way.clouds[ENVIRONMENT] = real
    assert way.look() == Look(ENVIRONMENT)
    way.set(NAMES[0], "OK")
    until(lambda: way.depth(QUEUE) == 1)
    way.clouds[ENVIRONMENT] = silent_cloud
    with within(SILENT):
        assert way.look().done[0].startswith(f"INC-1 alarm ok: {NAMES[0]}")
    assert [one.fingerprint.service for one in way.open()] == ["auth"] and way.depth(QUEUE) == 0


def test_a_poll_first_and_a_push_after_it_are_one_incident(way: Way) -> None:
    way.set(NAMES[1], "ALARM")
    until(lambda: way.depth(QUEUE) == 1)
    pushes = way.pipeline.site(ENVIRONMENT).pushes
    assert pushes is not None
    site = way.pipeline.site
    way.pipeline = replace(way.pipeline, site=lambda name: replace(site(name), pushes=None))
    assert len(way.look().done) == 1 and way.depth(QUEUE) == 1
    way.pipeline = replace(way.pipeline, site=site)
    assert way.look().done == ()
    assert len(way.open()) == 1 and way.depth(QUEUE) == 0, "told already, so it is deleted too"


def test_what_the_ledger_did_not_take_comes_again(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    way.set(NAMES[2], "ALARM")
    until(lambda: way.depth(QUEUE) == 1)
    # Nothing is polled: it is the push alone that opens it in the end.
    monkeypatch.setattr(AwsCloud, "alarms", lambda *_: ())
    with monkeypatch.context() as patch:
        patch.setattr(type(way.pipeline.ledger), "take_step", lambda *_: False)
        assert "too busy" in str(way.look().unread)
    assert way.open() == [] and way.depth(QUEUE) == 1
    until(lambda: bool(way.look().done))
    assert len(way.open()) == 1 and way.depth(QUEUE) == 0


def test_what_is_no_alarm_of_this_environment_stops_nothing_and_ends_among_the_undelivered(way: Way) -> None:
    url, dead = way.url(QUEUE), way.url(UNDELIVERED)
    sqs = way.emulator.client("sqs")
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    # As wired, but after two returns in the place of twenty.
    redrive = {"deadLetterTargetArn": arn, "maxReceiveCount": 2}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(redrive)})
    way.set(NAMES[0], "ALARM")
    until(lambda: way.depth(QUEUE) == 1)
    foreign = _pushed("NameCardApi-prod-CardsServiceErrorsAlarm1A2B3C4D-XYZ")
    bad = ["no JSON", json.dumps({"Type": "Notification", "Message": "a budget"}), foreign]
    for body in bad:
        way.put(body)
    looks = [way.look()]
    assert [one.fingerprint.service for one in way.open()] == ["auth"]

    def drained() -> bool:
        looks.append(way.look())
        return way.depth(QUEUE) == 0

    until(drained)
    told = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)["Messages"]
    assert sorted(one["Body"] for one in told) == sorted(bad)
    assert len(way.open()) == 1
    assert any("CardsServiceErrorsAlarm1A2B3C4D is of the stack NameCardApi-prod" in str(look.unread) for look in looks)


def _pushed(name: str) -> str:
    told: dict[str, Any] = {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:ap-southeast-1:000000000000:alarm:{name}",
        "NewStateValue": "ALARM",
        "NewStateReason": "a reason",
        "StateChangeTime": "2026-03-02T09:00:00.000+0000",
    }
    return json.dumps(told)
