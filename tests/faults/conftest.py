"""An emulated AWS with a small stack behind a proxy that does harm, and clients that lose patience quickly."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.endpoint
import pytest
from botocore.config import Config

from namecard_release.sandbox import processes
from namecard_release.sandbox.emulator_process import REGION, client_environment, endpoint, start_emulator
from tests.faults.http_proxy import Proxy, proxy_to
from tests.faults.operations import ALARM, ALIAS, BUCKET, FUNCTION, KEY, QUEUE, SECRET, SINK, STACK, function_name


@dataclass(frozen=True)
class Aws:
    """An AWS whose calls go through `proxy`; `direct` reaches it past the proxy."""

    proxy: Proxy
    direct: str

    def client(self, service: str) -> Any:
        """Make a client that reaches it directly."""
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        config = Config(s3={"addressing_style": "path"})
        make: Any = boto3.client
        return make(service, endpoint_url=self.direct, region_name=REGION, config=config, **keys)


def _template() -> str:
    code = {"S3Bucket": BUCKET, "S3Key": KEY}
    role = "arn:aws:iam::000000000000:role/test"
    function = {"Runtime": "python3.11", "Handler": "index.handler", "Role": role, "Code": code}
    alarm = {
        "Namespace": "Test",
        "MetricName": "Errors",
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1,
        "EvaluationPeriods": 1,
        "Period": 60,
        "Statistic": "Sum",
        "TreatMissingData": "ignore",
    }
    resources = {
        FUNCTION: {"Type": "AWS::Lambda::Function", "Properties": function},
        ALARM: {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
    }
    return json.dumps({"Resources": resources, "Outputs": {"HttpApiUrl": {"Value": "http://api"}}})


def _seed(aws: Aws) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("index.py", "def handler(event, context):\n    return 1\n")
    bucket = aws.client("s3")
    bucket.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=archive.getvalue())
    stacks = aws.client("cloudformation")
    stacks.create_stack(StackName=STACK, TemplateBody=_template())
    stacks.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    functions, name = aws.client("lambda"), function_name(aws.client("cloudformation"))
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.create_alias(FunctionName=name, Name=ALIAS, FunctionVersion=version)
    for queue in (QUEUE, SINK):
        aws.client("sqs").create_queue(QueueName=queue)
    fields = {"host": "127.0.0.1", "port": 5432, "username": "u", "password": "hunter2", "dbname": "d"}
    aws.client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps(fields))


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    folder, port = tmp_path_factory.mktemp("emulator"), processes.free_port()
    entry = start_emulator(folder, port, folder / "log", os.environ["PATH"], save_seconds=0)
    try:
        with proxy_to(endpoint(port)) as proxy:
            made = Aws(proxy, endpoint(port))
            _seed(made)
            yield made
    finally:
        processes.stop(entry)


@pytest.fixture(scope="session")
def credentials() -> dict[str, str]:
    kept = client_environment(0)
    return {name: value for name, value in kept.items() if not name.startswith("AWS_ENDPOINT")}


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let botocore wait no time before it tries again; gives how long it would have waited."""
    waits: list[float] = []
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=waits.append))
    return waits
