"""The contract with the pinned emulator: what the pipeline relies on, shown through boto3 on a real start."""

from __future__ import annotations

import io
import json
import os
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config

from namecard_release.sandbox import processes
from namecard_release.sandbox.emulator_process import REGION, endpoint, start_emulator
from namecard_release.sandbox.processes import ProcessRecord

ROLE = "arn:aws:iam::000000000000:role/test"
HANDLER = """
import threading

def handler(event, context):
    if event.get("hang"):
        threading.Event().wait()
    if event.get("fail") or (event.get("rawPath") or "").endswith("/fail"):
        raise RuntimeError("asked to fail")
    return {"statusCode": 200, "body": "{}"}
"""
TEMPLATE = {
    "Resources": {
        "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "dead"}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
        },
        "Fn": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "declared",
                "Runtime": "python3.11",
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": HANDLER},
                "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}},
                "ReservedConcurrentExecutions": 7,
            },
        },
    }
}


@dataclass(frozen=True)
class Emulator:
    """A running emulator and how to talk to it."""

    port: int
    folder: Path
    entry: ProcessRecord

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=endpoint(self.port),
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )


def until(probe: Callable[[], Any], what: str, timeout: float = 15.0) -> Any:
    """Poll until the probe returns something true, and return that."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"Not within {timeout} s: {what}")


def launch(folder: Path, port: int) -> Emulator:
    entry = start_emulator(folder, port, folder / "log", os.environ["PATH"], save_seconds=0)
    return Emulator(port, folder, entry)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.1")
        running = launch(tmp_path_factory.mktemp("emulator"), processes.free_port())
    yield running
    processes.stop(running.entry)


def make_function(emulator: Emulator, name: str) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("index.py", HANDLER)
    answer = emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    return str(answer["FunctionArn"])


def make_alarm(emulator: Emulator, name: str, function: str, **changes: Any) -> None:
    emulator.client("cloudwatch").put_metric_alarm(
        **{
            "AlarmName": name,
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [{"Name": "FunctionName", "Value": function}],
            "Statistic": "Sum",
            "Period": 3,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            **changes,
        }
    )


def alarm(emulator: Emulator, name: str) -> dict[str, Any]:
    found: dict[str, Any] = emulator.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    return found


def invoke(emulator: Emulator, function: str, fail: bool, kind: str = "RequestResponse") -> dict[str, Any]:
    answer: dict[str, Any] = emulator.client("lambda").invoke(
        FunctionName=function, InvocationType=kind, Payload=json.dumps({"fail": fail})
    )
    return answer


def total(emulator: Emulator, metric: str, dimension: str, value: str, namespace: str = "AWS/Lambda") -> float:
    now = datetime.now(UTC)
    points = emulator.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": dimension, "Value": value}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def http_status(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def make_api(emulator: Emulator, function_arn: str) -> str:
    api = emulator.client("apigatewayv2")
    api_id = str(api.create_api(Name="api", ProtocolType="HTTP")["ApiId"])
    integration = api.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function_arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    api.create_route(ApiId=api_id, RouteKey="GET /{proxy+}", Target=f"integrations/{integration}")
    api.create_stage(ApiId=api_id, StageName="dev", AutoDeploy=True)
    return api_id


def test_alarm_looks_at_its_own_function_and_recovers(emulator: Emulator) -> None:
    for name in ("failing", "healthy"):
        make_function(emulator, name)
        make_alarm(emulator, f"{name}-errors", name)
    until(lambda: alarm(emulator, "failing-errors")["StateValue"] == "OK", "missing data counts as fine")
    asked = datetime.now(UTC)
    answer = invoke(emulator, "failing", fail=True)
    assert answer["FunctionError"] == "Unhandled"
    invoke(emulator, "healthy", fail=False)
    until(lambda: alarm(emulator, "failing-errors")["StateValue"] == "ALARM", "the alarm goes off", timeout=5)
    tripped = alarm(emulator, "failing-errors")
    assert tripped["StateUpdatedTimestamp"] >= asked - timedelta(seconds=1)
    assert "1 out of the last 1 datapoints [1.0] was greater than or equal to" in tripped["StateReason"]
    assert alarm(emulator, "healthy-errors")["StateValue"] == "OK"
    until(lambda: alarm(emulator, "failing-errors")["StateValue"] == "OK", "back to OK after its period")


def test_m_of_n_and_missing_data(emulator: Emulator) -> None:
    make_alarm(emulator, "unknown", "nothing", TreatMissingData="missing")
    metrics = emulator.client("cloudwatch")
    now = datetime.now(UTC)
    for age in (5, 1):
        metrics.put_metric_data(
            Namespace="Test/Single",
            MetricData=[{"MetricName": "Breaches", "Value": 1, "Timestamp": now - timedelta(seconds=age)}],
        )
    make_alarm(
        emulator,
        "single",
        "unused",
        Namespace="Test/Single",
        MetricName="Breaches",
        Dimensions=[],
        Period=10,
        EvaluationPeriods=2,
        DatapointsToAlarm=2,
    )
    assert alarm(emulator, "single")["StateValue"] == "OK"
    for age in (12, 2):
        metrics.put_metric_data(
            Namespace="Test/Single",
            MetricData=[{"MetricName": "Breaches", "Value": 1, "Timestamp": now - timedelta(seconds=age)}],
        )
    assert alarm(emulator, "single")["StateValue"] == "ALARM"
    assert alarm(emulator, "unknown")["StateValue"] == "INSUFFICIENT_DATA"


def test_direct_and_http_invocations_count_once(emulator: Emulator) -> None:
    arn = make_function(emulator, "counted")
    api_id = make_api(emulator, arn)
    base = f"{endpoint(emulator.port)}/_aws/execute-api/{api_id}/dev"
    invoke(emulator, "counted", fail=False)
    invoke(emulator, "counted", fail=True)
    assert http_status(f"{base}/ok")[0] == 200
    assert http_status(f"{base}/fail") == (500, b'{"message":"Internal Server Error"}')
    assert total(emulator, "Invocations", "FunctionName", "counted") == 4
    assert total(emulator, "Errors", "FunctionName", "counted") == 2
    assert total(emulator, "Throttles", "FunctionName", "counted") == 0
    assert total(emulator, "Count", "ApiId", api_id, "AWS/ApiGateway") == 2
    assert total(emulator, "5xx", "ApiId", api_id, "AWS/ApiGateway") == 1


def test_declared_function_keeps_dead_letters_and_concurrency(emulator: Emulator) -> None:
    stacks = emulator.client("cloudformation")
    stacks.create_stack(StackName="contract", TemplateBody=json.dumps(TEMPLATE), Capabilities=["CAPABILITY_IAM"])
    stacks.get_waiter("stack_create_complete").wait(StackName="contract", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    functions, queues = emulator.client("lambda"), emulator.client("sqs")
    reserved = functions.get_function_concurrency(FunctionName="declared")
    assert reserved["ReservedConcurrentExecutions"] == 7
    invoke(emulator, "declared", fail=True, kind="Event")
    url = queues.get_queue_url(QueueName="dead")["QueueUrl"]

    def receive() -> Any:
        return queues.receive_message(
            QueueUrl=url, WaitTimeSeconds=1, VisibilityTimeout=0, MessageAttributeNames=["All"]
        ).get("Messages")

    (letter,) = until(receive, "the dead letter")
    assert json.loads(letter["Body"]) == {"fail": True}
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "asked to fail"
    # One invocation and its two retries, each a failure.
    assert total(emulator, "Invocations", "FunctionName", "declared") == 3
    assert total(emulator, "Errors", "FunctionName", "declared") == 3

    def depth() -> bool:
        return total(emulator, "ApproximateNumberOfMessagesVisible", "QueueName", "dead", "AWS/SQS") >= 1

    until(depth, "the queue's depth as a metric", timeout=5)


def test_throttled_invocation_is_a_throttle_only(emulator: Emulator) -> None:
    make_function(emulator, "closed")
    functions = emulator.client("lambda")
    functions.put_function_concurrency(FunctionName="closed", ReservedConcurrentExecutions=0)
    version = functions.publish_version(FunctionName="closed")["Version"]
    functions.create_alias(FunctionName="closed", Name="live", FunctionVersion=version)
    for qualifier in ("$LATEST", "live"):
        with pytest.raises(functions.exceptions.TooManyRequestsException):
            functions.invoke(FunctionName="closed", Qualifier=qualifier)
    assert total(emulator, "Throttles", "FunctionName", "closed") == 2
    assert total(emulator, "Invocations", "FunctionName", "closed") == 0


def test_alias_weights_split_the_invocations(emulator: Emulator) -> None:
    make_function(emulator, "weighted")
    functions = emulator.client("lambda")
    first = functions.publish_version(FunctionName="weighted")["Version"]
    functions.update_function_configuration(FunctionName="weighted", Description="second")
    second = functions.publish_version(FunctionName="weighted")["Version"]
    functions.create_alias(
        FunctionName="weighted",
        Name="live",
        FunctionVersion=first,
        RoutingConfig={"AdditionalVersionWeights": {second: 0.5}},
    )
    seen = [functions.invoke(FunctionName="weighted", Qualifier="live")["ExecutedVersion"] for _ in range(20)]
    assert set(seen) == {first, second}


def test_a_failing_handler_keeps_its_process_and_a_slow_one_loses_it(emulator: Emulator) -> None:
    make_function(emulator, "sturdy")
    emulator.client("lambda").update_function_configuration(FunctionName="sturdy", Timeout=1)

    def worker() -> set[int]:
        return {child.pid for child in psutil.Process(emulator.entry.pid).children(recursive=True)}

    before = worker()
    invoke(emulator, "sturdy", fail=False)
    (mine,) = worker() - before
    answer = invoke(emulator, "sturdy", fail=True)
    assert json.load(answer["Payload"])["errorMessage"] == "asked to fail"
    assert "FunctionError" not in invoke(emulator, "sturdy", fail=False)
    assert mine in worker()
    slow = emulator.client("lambda").invoke(FunctionName="sturdy", Payload=json.dumps({"hang": True}))
    assert "timed out" in json.load(slow["Payload"])["errorMessage"]
    assert mine not in worker()
    assert "FunctionError" not in invoke(emulator, "sturdy", fail=False)


def test_describe_alarms_pages(emulator: Emulator) -> None:
    for number in range(7):
        make_alarm(emulator, f"paged-{number}", "none")
    pages = list(
        emulator.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix="paged-", PaginationConfig={"PageSize": 3})
    )
    assert [len(page["MetricAlarms"]) for page in pages] == [3, 3, 1]


def test_a_state_set_by_hand_stays_for_a_while(emulator: Emulator) -> None:
    make_alarm(emulator, "by-hand", "none", Period=10)
    emulator.client("cloudwatch").set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="drill")
    emulator.client("cloudwatch").put_metric_data(Namespace="Test/Tick", MetricData=[{"MetricName": "Any", "Value": 1}])
    assert alarm(emulator, "by-hand")["StateReason"] == "drill"


def test_only_loopback_is_listened_on(emulator: Emulator) -> None:
    process = psutil.Process(emulator.entry.pid)
    family = [process, *process.children(recursive=True)]
    listening = {
        connection.laddr
        for member in family
        for connection in member.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert {address.port for address in listening} == {emulator.port}


def test_graceful_stop_keeps_the_state_and_leaves_no_child(tmp_path: Path) -> None:
    first = launch(tmp_path, processes.free_port())
    make_function(first, "kept")
    make_alarm(first, "kept-errors", "kept")
    invoke(first, "kept", fail=False)
    children = psutil.Process(first.entry.pid).children(recursive=True)
    assert children
    processes.stop(first.entry)
    assert not any(child.is_running() for child in children)
    second = launch(tmp_path, first.port)
    try:
        assert total(second, "Invocations", "FunctionName", "kept") == 1
        assert alarm(second, "kept-errors")["MetricName"] == "Errors"
        invoke(second, "kept", fail=False)
        assert total(second, "Invocations", "FunctionName", "kept") == 2
        survivors = psutil.Process(second.entry.pid).children(recursive=True)
        psutil.Process(second.entry.pid).kill()
        processes.stop(second.entry)
        assert not any(child.is_running() for child in survivors)
    finally:
        processes.stop(second.entry)
