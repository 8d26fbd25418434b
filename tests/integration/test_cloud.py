"""AwsCloud against the emulator: stacks, alarms and code as they are really there."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from namecard_release.adapters.cloud import AwsCloud
from namecard_release.adapters.cloudwatch import FoundAlarm, read_alarms
from namecard_release.adapters.target_database import database_url_from_secret
from namecard_release.domain.alarm_gaps import Gap, look_back
from namecard_release.domain.alarms import AlarmAction, AlarmRule, AlarmState
from namecard_release.domain.assembly import Assembly, FunctionCode
from namecard_release.domain.readiness import StackStatus
from namecard_release.errors import PermanentError, TransientError
from namecard_release.sandbox import processes
from tests.integration.conftest import Emulator

STACK = "NameCardApi-staging"
BUCKET = "assets-000000000000-ap-southeast-1"
TEMPLATED_BUCKET = "assets-${AWS::AccountId}-${AWS::Region}"
FUNCTIONS = tuple(f"Service{n}Function" for n in range(7))
ALARMS = ("AuthServiceErrorsAlarm1A2B3C4D", "HttpApiLatencyAlarm5E6F7A8B")


def archive(text: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as bundle:
        bundle.writestr("index.py", f"def handler(event, context):\n    return {text!r}\n")
    return made.getvalue()


def digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def key_of(content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}.zip"


def function(key: str) -> dict[str, Any]:
    properties = {
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/test",
        "Code": {"S3Bucket": BUCKET, "S3Key": key},
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def alarm() -> dict[str, Any]:
    properties = {
        "Namespace": "Test",
        "MetricName": "Errors",
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1,
        "EvaluationPeriods": 1,
        "Period": 60,
        "Statistic": "Sum",
        "TreatMissingData": "ignore",
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


CODES = tuple(archive(name) for name in FUNCTIONS)
ASSEMBLY = Assembly(
    digest="d",
    release="a" * 40,
    environment="staging",
    inputs="i",
    path="",
    stacks=(STACK,),
    functions=tuple(
        FunctionCode(STACK, name, TEMPLATED_BUCKET, key_of(code)) for name, code in zip(FUNCTIONS, CODES, strict=True)
    ),
    migrations=None,
    built_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def deployed(emulator: Emulator) -> Emulator:
    bucket = emulator.client("s3")
    bucket.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": emulator.region})
    for code in CODES:
        bucket.put_object(Bucket=BUCKET, Key=key_of(code), Body=code)
    resources = {name: function(key_of(code)) for name, code in zip(FUNCTIONS, CODES, strict=True)}
    resources |= {name: alarm() for name in ALARMS}
    template = {"Resources": resources, "Outputs": {"HttpApiUrl": {"Value": "http://api"}}}
    stacks = emulator.client("cloudformation")
    stacks.create_stack(StackName=STACK, TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return emulator


@pytest.fixture
def cloud(deployed: Emulator) -> AwsCloud:
    return AwsCloud(deployed.region, deployed.endpoint, deployed.env)


def test_tells_stacks_and_outputs_and_the_absence_of_a_stack(cloud: AwsCloud) -> None:
    told = cloud.stack_statuses([STACK, "NameCardDb-none"])
    assert [(one.name, one.status) for one in told] == [(STACK, "CREATE_COMPLETE"), ("NameCardDb-none", None)]
    assert told[0].changed_at is not None and told[0].changed_at.tzinfo is not None
    assert told[1] == StackStatus("NameCardDb-none", None)
    assert cloud.outputs([STACK, "NameCardDb-none"]) == {"HttpApiUrl": "http://api"}
    assert cloud.outputs([]) == {} and cloud.stack_statuses([]) == ()


def test_reads_alarms_by_logical_id(cloud: AwsCloud, deployed: Emulator) -> None:
    watch = deployed.client("cloudwatch")
    first = {reading.name: reading for reading in cloud.alarms([STACK])}
    assert sorted(first) == sorted(ALARMS)
    physical = first[ALARMS[0]].arn.rsplit(":", 1)[1]
    watch.set_alarm_state(AlarmName=physical, StateValue="ALARM", StateReason="by a test")
    read = {reading.name: reading for reading in cloud.alarms([STACK])}
    assert read[ALARMS[0]].state is AlarmState.ALARM and read[ALARMS[0]].reason == "by a test"
    assert abs((datetime.now(UTC) - read[ALARMS[0]].since).total_seconds()) < 60
    assert cloud.alarms(["NameCardDb-none"]) == () == cloud.alarms([])


def test_what_an_alarm_did_unseen_leads_to_what_is_read(cloud: AwsCloud, deployed: Emulator) -> None:
    watch, (alarm,) = deployed.client("cloudwatch"), [r for r in cloud.alarms([STACK]) if r.name == ALARMS[0]]
    begun = datetime.now(UTC)
    for state in ("OK", "ALARM", "INSUFFICIENT_DATA", "OK"):
        watch.set_alarm_state(AlarmName=alarm.arn.rsplit(":", 1)[1], StateValue=state, StateReason="by a test")
    (read,) = [reading for reading in cloud.alarms([STACK]) if reading.name == ALARMS[0]]
    told = [one for one in cloud.alarm_history([read], begun - timedelta(seconds=60)) if one.at >= begun]
    assert [str(one.new) for one in told][-3:] == ["ALARM", "INSUFFICIENT_DATA", "OK"]
    assert {one.arn for one in told} == {read.arn} and told[-1].at == read.since
    rules = {"errors": AlarmRule(AlarmAction.ROLL_BACK)}
    past = look_back(Gap(begun, datetime.now(UTC)), (alarm,), (read,), told, rules)
    assert past.unread is None and past.breach is not None and past.breach.at == told[-3].at


def test_a_composite_alarm_is_read_with_its_parts(cloud: AwsCloud, deployed: Emulator) -> None:
    watch, (part,) = deployed.client("cloudwatch"), [r for r in cloud.alarms([STACK]) if r.name == ALARMS[0]]
    physical = part.arn.rsplit(":", 1)[1]
    watch.put_composite_alarm(AlarmName="whole", AlarmRule=f'ALARM("{physical}") OR ALARM({part.arn})')
    watch.set_alarm_state(AlarmName=physical, StateValue="ALARM", StateReason="by a test")
    found = read_alarms(watch, [FoundAlarm("Whole1A2B3C4D", "whole"), FoundAlarm("Part", physical)])
    assert [(r.name, r.state) for r in found] == [("Whole1A2B3C4D", AlarmState.ALARM), ("Part", AlarmState.ALARM)]
    assert [r.children for r in found] == [(part.arn,), ()]


def test_an_alarm_without_a_state_is_unread(cloud: AwsCloud, deployed: Emulator) -> None:
    name = ALARMS[1]
    physical = {reading.name: reading for reading in cloud.alarms([STACK])}[name].arn.rsplit(":", 1)[1]
    deployed.client("cloudwatch").delete_alarms(AlarmNames=[physical])
    for _ in range(2):
        assert {r.name: r.state for r in cloud.alarms([STACK])}[name] is AlarmState.UNREAD
        cloud.forget_alarms()


def test_the_code_of_seven_functions_within_half_a_second(cloud: AwsCloud) -> None:
    cloud.functions(replace(ASSEMBLY, functions=ASSEMBLY.functions[:1]))
    started = time.monotonic()
    told = cloud.functions(ASSEMBLY)
    seconds = time.monotonic() - started
    assert [(f.logical_id, f.expected, f.running, f.unread) for f in told] == [
        (name, digest(code), digest(code), "") for name, code in zip(FUNCTIONS, CODES, strict=True)
    ]
    assert seconds < 0.5


def test_latencies_of_functions_over_a_window(cloud: AwsCloud, deployed: Emulator) -> None:
    functions = deployed.client("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    physical = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in functions}
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    values = [float(n) for n in range(1, 101)]

    def put(name: str, at: datetime, amounts: list[float]) -> None:
        dimensions = [{"Name": "FunctionName", "Value": physical[name]}]
        data = [
            {
                "MetricName": "Duration",
                "Dimensions": dimensions,
                "Value": value,
                "Unit": "Milliseconds",
                "Timestamp": at,
            }
            for value in amounts
        ]
        deployed.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=data)

    put(FUNCTIONS[0], now - timedelta(minutes=5), values)
    put(FUNCTIONS[0], now - timedelta(minutes=40), [9000.0] * 30)
    put(FUNCTIONS[1], now - timedelta(minutes=1), [7.0])
    read = {one.logical_id: one for one in cloud.latencies([STACK], now - timedelta(minutes=15), now)}
    assert set(read) == set(FUNCTIONS)
    busy, once, idle = (read[name] for name in FUNCTIONS[:3])
    # Where the window lies over two periods the points may be in either, but these are all in one minute.
    assert (round(busy.p95_ms or 0), busy.requests, busy.unread) == (95, 100, "")
    assert (once.p95_ms, once.requests) == (7.0, 1)
    assert (idle.p95_ms, idle.requests, idle.unread) == (None, 0, "")
    assert cloud.latencies(["NameCardDb-none"], now - timedelta(minutes=15), now) == ()


def test_other_code_shows(cloud: AwsCloud) -> None:
    swapped = replace(ASSEMBLY.functions[0], key=ASSEMBLY.functions[1].key)
    (told,) = cloud.functions(replace(ASSEMBLY, functions=(swapped,)))
    assert (told.expected, told.running) == (digest(CODES[1]), digest(CODES[0]))


@pytest.mark.parametrize(
    ("change", "expected", "running", "reason"),
    [
        ({"key": "absent.zip"}, False, True, "NoSuchKey"),
        ({"bucket": "no-such-bucket"}, False, True, "NoSuchBucket"),
        ({"bucket": ""}, False, True, "names no published code"),
        ({"logical_id": "Nobody"}, True, False, "has no function Nobody"),
        ({"stack": "NameCardDb-none"}, True, False, "has no function Service0Function"),
    ],
)
def test_an_unread_digest_has_its_reason(
    cloud: AwsCloud, change: dict[str, str], expected: bool, running: bool, reason: str
) -> None:
    code = replace(ASSEMBLY.functions[0], **change)
    (told,) = cloud.functions(replace(ASSEMBLY, functions=(code,)))
    assert (told.expected is not None, told.running is not None) == (expected, running)
    assert reason in told.unread and "\n" not in told.unread


ASK: list[Callable[[AwsCloud], object]] = [
    lambda cloud: cloud.stack_statuses([STACK]),
    lambda cloud: cloud.outputs([STACK]),
    lambda cloud: cloud.alarms([STACK]),
    lambda cloud: cloud.latencies([STACK], datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
]


@pytest.mark.parametrize("ask", ASK)
def test_nobody_there_is_transient(ask: Callable[[AwsCloud], object]) -> None:
    env = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with pytest.raises(TransientError, match="check the endpoint"):
        ask(AwsCloud("ap-southeast-1", f"http://127.0.0.1:{processes.free_port()}", env))


SECRET = {"host": "db.example", "port": 5432, "username": "u", "password": "p@ss/w:rd", "dbname": "namecard"}


def test_a_secret_becomes_a_url(emulator: Emulator) -> None:
    secrets = emulator.client("secretsmanager")
    secrets.create_secret(Name="namecard/database/staging", SecretString=json.dumps(SECRET))
    secrets.create_secret(Name="short", SecretString=json.dumps({**SECRET, "dbname": ""}))
    secrets.create_secret(Name="text", SecretString="hunter2")
    reach = (emulator.region, emulator.endpoint, emulator.env)
    url = "postgresql://u:p%40ss%2Fw%3Ard@db.example:5432/namecard?sslmode=require"
    assert database_url_from_secret(*reach, "namecard/database/staging") == url
    with pytest.raises(PermanentError, match=r"has no dbname$"):
        database_url_from_secret(*reach, "short")
    with pytest.raises(PermanentError, match="is not a JSON object") as caught:
        database_url_from_secret(*reach, "text")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(PermanentError, match="ResourceNotFoundException"):
        database_url_from_secret(*reach, "absent")
