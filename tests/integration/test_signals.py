"""AwsSignals against the emulator: logs, metrics, alarms, stacks and pictures as they are really there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from namecard_release.adapters.log_groups import Bounds
from namecard_release.adapters.signals import AwsSignals
from namecard_release.domain.causes import Cause
from namecard_release.domain.incident_evidence import WatchedFunction
from namecard_release.domain.log_events import LogEvent
from namecard_release.domain.measures import Measure, MetricQuery
from namecard_release.domain.snapshot import Mark, Snapshot
from namecard_release.domain.triage import Triage, TriageResult
from namecard_release.errors import PermanentError, TransientError
from namecard_release.sandbox import processes
from tests.adapters.test_log_lines import line
from tests.integration.conftest import Emulator
from tests.integration.test_cloud import archive

STACK = "NameCardApi-signals"
BUCKET = "evidence-signals"
FUNCTION = WatchedFunction("cards", "CardsServiceFunction1", "fn-cards")
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
SINCE, UNTIL = NOW - timedelta(minutes=15), NOW + timedelta(minutes=1)
ACCESS = "/namecard/staging/http-access"


def template() -> dict[str, object]:
    code = {"S3Bucket": BUCKET, "S3Key": "code.zip"}
    function = {"Runtime": "python3.11", "Handler": "index.handler", "Role": "arn:aws:iam::0:role/r", "Code": code}
    watched = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": "fn"}],
    }
    alarm = {
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 3,
        "EvaluationPeriods": 1,
        "Period": 300,
    }
    return {
        "CardsServiceFunction1A": {"Type": "AWS::Lambda::Function", "Properties": function},
        "AuthServiceFunction2B": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Migrator": {"Type": "AWS::Lambda::Function", "Properties": function},
        "CardsServiceErrorsAlarm1": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {**watched, **alarm, "Statistic": "Sum"},
        },
        "Dlq": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "namecard-signals-lambda-dlq"}},
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "a", "ProtocolType": "HTTP"}},
        "Access": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": ACCESS}},
        "FunctionLog": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/aws/lambda/other"}},
    }


@pytest.fixture(scope="module")
def deployed(emulator: Emulator) -> Emulator:
    bucket = emulator.client("s3")
    bucket.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": emulator.region})
    bucket.put_object(Bucket=BUCKET, Key="code.zip", Body=archive("x"))
    stacks = emulator.client("cloudformation")
    stacks.create_stack(StackName=STACK, TemplateBody=json.dumps({"Resources": template()}))
    stacks.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    write_log(emulator, FUNCTION.log_group, *events())
    return emulator


def events() -> Iterable[tuple[datetime, str]]:
    def failed(minutes: int, name: str) -> tuple[datetime, str]:
        at = NOW - timedelta(minutes=minutes)
        text = line(timestamp=at.isoformat(), invocationId=name + str(minutes), error={"name": name, "message": "m"})
        return at, text.decode()

    yield from (failed(minutes, "DbConnectionError") for minutes in (30, 5, 4, 3))
    yield failed(2, "TypeError")
    yield NOW - timedelta(minutes=2), "REPORT RequestId: a\tMemory Size: 256 MB\tMax Memory Used: 91 MB"
    yield NOW - timedelta(minutes=1), "not a line of anybody's"
    yield NOW - timedelta(minutes=1), '[ERROR] ValueError: bad\nTraceback (most recent call last):\n  File "x", line 1'


def write_log(emulator: Emulator, group: str, *lines: tuple[datetime, str]) -> None:
    logs = emulator.client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    put = [{"timestamp": int(at.timestamp() * 1000), "message": text} for at, text in sorted(lines)]
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=put)


def signals(
    emulator: Emulator, folder: str = "unused", *, bounds: Bounds | None = None, insights: bool = False
) -> AwsSignals:
    own = bounds or Bounds()
    return AwsSignals(emulator.region, emulator.endpoint, emulator.env, folder, own, insights=insights)


def sum_up(read: Iterable[LogEvent]) -> TriageResult:
    triage = Triage(SINCE, UNTIL)
    for event in read:
        triage.add(event)
    return triage.result()


@pytest.mark.parametrize("insights", [False, True])
def test_a_log_group_in_a_window_by_either_reader(deployed: Emulator, insights: bool) -> None:
    told = sum_up(signals(deployed, insights=insights).logs.function_events(FUNCTION, SINCE, UNTIL))
    groups = {(group.error, group.service): group.count for group in told.groups}
    assert groups == {("DbConnectionError", "cards"): 3, ("TypeError", "cards"): 1, ("ValueError", "cards"): 1}
    assert told.cause.cause is Cause.DATABASE_CONNECTIONS and told.unread == ""
    assert told.lines.malformed == (0 if insights else 1) and told.platform.reports == (0 if insights else 1)
    assert told.groups[0].first == NOW - timedelta(minutes=5) and told.groups[0].last == NOW - timedelta(minutes=3)


def test_pages_are_read_to_the_bound(deployed: Emulator) -> None:
    begun = NOW - timedelta(seconds=60)
    # Two events a millisecond; the emulator gives a full page and no token.
    moments = (begun + timedelta(milliseconds=n // 2) for n in range(10_050))
    many = [(at, line(invocationId=str(n), timestamp=None).decode()) for n, at in enumerate(moments)]
    group = WatchedFunction("cards", "x", "fn-many")
    logs = deployed.client("logs")
    write_log(deployed, group.log_group, *many[:9000])
    put = [{"timestamp": int(at.timestamp() * 1000), "message": text} for at, text in many[9000:]]
    logs.put_log_events(logGroupName=group.log_group, logStreamName="one", logEvents=put)
    assert sum_up(signals(deployed).logs.function_events(group, SINCE, UNTIL)).failed == 10_050
    bounded = sum_up(signals(deployed, bounds=Bounds(events=100)).logs.function_events(group, SINCE, UNTIL))
    assert bounded.failed == 10_000 and "fn-many was read up to" in bounded.unread


def test_an_absent_log_group_says_so(deployed: Emulator) -> None:
    nobody = WatchedFunction("cards", "x", "nobody")
    with pytest.raises(
        PermanentError, match="could not read the log group /aws/lambda/nobody: ResourceNotFoundException"
    ):
        list(signals(deployed).logs.function_events(nobody, SINCE, UNTIL))


def test_the_stacks_parts(deployed: Emulator) -> None:
    parts = signals(deployed).inventory.parts([STACK, "NameCardDb-none"], ("auth", "cards", "ocr"))
    assert [(one.service, one.logical_id) for one in parts.functions] == [
        ("auth", "AuthServiceFunction2B"),
        ("cards", "CardsServiceFunction1A"),
    ]
    assert (parts.queues, parts.access_groups) == (("namecard-signals-lambda-dlq",), (ACCESS,))
    assert len(parts.apis) == 1 and parts.clusters == parts.proxies == ()


def test_concurrency_reserved_and_not(deployed: Emulator) -> None:
    auth, cards = signals(deployed).inventory.parts([STACK], ("auth", "cards")).functions
    deployed.client("lambda").put_function_concurrency(FunctionName=cards.name, ReservedConcurrentExecutions=7)
    inventory = signals(deployed).inventory
    assert inventory.concurrency(cards).reserved == 7
    assert inventory.concurrency(auth).reserved is None
    assert (inventory.concurrency(auth).account_limit or 0) > 0


def test_what_an_alarm_watches(deployed: Emulator) -> None:
    (alarm,) = [a for a in deployed.client("cloudwatch").describe_alarms()["MetricAlarms"] if STACK in a["AlarmName"]]
    target = signals(deployed).metrics.target(alarm["AlarmArn"])
    assert (target.namespace, target.metric, target.threshold, target.statistic) == ("AWS/Lambda", "Errors", 3.0, "Sum")
    assert target.dimension("FunctionName") == "fn" and target.dimension("Resource") is None
    with pytest.raises(PermanentError, match="knows no alarm nobody"):
        signals(deployed).metrics.target("arn:aws:cloudwatch:x:1:alarm:nobody")
    with pytest.raises(PermanentError, match="has no name"):
        signals(deployed).metrics.target("")


def test_series_are_read_in_order_and_missing_points_are_no_zeros(deployed: Emulator) -> None:
    dimensions = [{"Name": "FunctionName", "Value": "fn-series"}]
    data = [
        {
            "MetricName": "Errors",
            "Dimensions": dimensions,
            "Value": value,
            "Timestamp": NOW - timedelta(minutes=minutes),
        }
        for minutes, value in ((9, 2.0), (3, 5.0))
    ]
    deployed.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=data)
    names = (("FunctionName", "fn-series"),)
    queries = [
        MetricQuery(Measure.THROTTLES, "cards", "AWS/Lambda", "Throttles", names, "Sum"),
        MetricQuery(Measure.ERRORS, "cards", "AWS/Lambda", "Errors", names, "Sum"),
    ]
    throttles, errors = signals(deployed).metrics.series(queries, SINCE, UNTIL)
    assert (throttles.points, throttles.unread) == ((), "")
    assert errors.points == ((NOW - timedelta(minutes=9), 2.0), (NOW - timedelta(minutes=3), 5.0))
    assert (errors.total, errors.most, errors.latest) == (7.0, 5.0, 5.0)


def test_x_ray_is_not_there(deployed: Emulator) -> None:
    with pytest.raises(PermanentError, match="X-Ray is not available: AWS could not read X-Ray's service graph"):
        signals(deployed).traces.service_graph(SINCE, UNTIL)


def test_a_picture_is_kept_in_a_bucket_and_in_a_folder(deployed: Emulator, tmp_path: Path) -> None:
    snapshot = Snapshot("staging", SINCE, UNTIL, (), (Mark(NOW, "alarm"),))
    address = signals(deployed, f"s3://{BUCKET}/incidents/").store.put_picture("staging/a.png", snapshot)
    assert address == f"s3://{BUCKET}/incidents/staging/a.png"
    kept = deployed.client("s3").get_object(Bucket=BUCKET, Key="incidents/staging/a.png")
    assert kept["ContentType"] == "image/png"
    path = signals(deployed, str(tmp_path)).store.put_picture("staging/a.png", snapshot)
    assert Path(path).read_bytes() == kept["Body"].read() and path == str(tmp_path / "staging" / "a.png")
    with pytest.raises(PermanentError, match="NoSuchBucket"):
        signals(deployed, "s3://no-such-bucket-here").store.put_picture("a.png", snapshot)


def test_nobody_there_is_transient() -> None:
    own = AwsSignals(
        "x-y-1",
        f"http://127.0.0.1:{processes.free_port()}",
        {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
        "e",
        Bounds(),
    )
    with pytest.raises(TransientError, match="check the endpoint"):
        own.inventory.parts([STACK], ("cards",))
