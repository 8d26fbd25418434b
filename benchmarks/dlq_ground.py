"""Queues, a bucket and a settings file on an emulator for measurements and tests of dead letters."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from namecard_release.sandbox.buckets import ensure_bucket
from namecard_release.sandbox.emulator_process import REGION, client_environment, endpoint
from namecard_release.sandbox.settings_file import to_toml
from namecard_release.settings import SERVICES

ACCOUNT = "000000000000"
BUCKET = "namecard-ops-dlq-archive"
QUEUE, TARGET = "namecard-dev-lambda-dlq", "replays"
STACK = "NameCardApi-dev"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/test"


@dataclass(frozen=True)
class Ground:
    """An emulator's port and the settings file over it."""

    port: int
    settings: Path

    def client(self, service: str) -> Any:
        """Make a client with a pool that is large enough for every thread."""
        config = Config(s3={"addressing_style": "path"}, max_pool_connections=16)
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
        make: Any = boto3.client
        return make(service, endpoint_url=endpoint(self.port), config=config, **keys)

    def url(self, queue: str) -> str:
        """Find a queue's address."""
        return str(self.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"])


def lay(port: int, folder: Path, **changes: object) -> Ground:
    """Make queues, bucket, one function for each service (by CloudFormation, as the stacks do) and the settings."""
    ground = Ground(port, folder / "namecard-release.toml")
    sqs = ground.client("sqs")
    for name in (QUEUE, TARGET):
        sqs.create_queue(QueueName=name)
    ensure_bucket(endpoint(port), BUCKET)
    functions = {
        f"{service.capitalize()}ServiceFunction1A2B": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": f"{service}-fn",
                "Runtime": "python3.11",
                "Handler": "index.handler",
                "Role": ROLE,
                "Code": {"ZipFile": "def handler(event, context):\n    return {}\n"},
            },
        }
        for service in SERVICES
    }
    ground.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps({"Resources": functions}))
    ground.client("cloudformation").get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    ground.settings.write_text(to_toml(_settings(port, folder, changes)), encoding="utf-8")
    return ground


def _settings(port: int, folder: Path, changes: dict[str, object]) -> dict[str, object]:
    environment = {"account": ACCOUNT, "region": REGION, "stack_suffix": "dev", "context": "dev", "key": "dev"}
    environment |= {"database_url": "postgresql://x"}
    own = {"target": "queue", "target_queue": TARGET, "rate_per_second": 1_000_000, **changes}
    return {
        "platform": {"repository": str(folder / "platform")},
        "aws": {"endpoint_url": endpoint(port), "env": client_environment(port)},
        "dead_letters": {name: value for name, value in own.items() if value is not None},
        "environments": {"dev": environment},
    }


def request_id(number: int, tag: str) -> str:
    """Make the id of an invocation, in the form of Lambda's."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{tag}-{number}"))


def letter_body(number: int, tag: str) -> str:
    """Make Lambda's record of one failed invocation of some service, with a request id of its own in all of the tag."""
    service = SERVICES[number % len(SERVICES)]
    record = {
        "version": "1.0",
        "timestamp": "2026-03-02T09:00:00.000Z",
        "requestContext": {
            "requestId": request_id(number, tag),
            "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{service}-fn:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"n": number, "rawPath": f"/v1/{service}/items", "body": "x" * 400},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorType": "DbConnectionError", "errorMessage": "the database did not answer"},
    }
    return json.dumps(record)


def fill(ground: Ground, number: int, threads: int = 4) -> None:
    """Send that many letters."""
    sqs, url, tag = ground.client("sqs"), ground.url(QUEUE), uuid.uuid4().hex

    def send(start: int) -> None:
        entries = [{"Id": str(n), "MessageBody": letter_body(n, tag)} for n in range(start, min(start + 10, number))]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, range(0, number, 10)))


def empty(ground: Ground, queue: str) -> None:
    """Forget what is in a queue."""
    ground.client("sqs").purge_queue(QueueUrl=ground.url(queue))


def depth(ground: Ground) -> int:
    """Count what is in the queue, hidden messages among it."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = ground.client("sqs").get_queue_attributes(QueueUrl=ground.url(QUEUE), AttributeNames=names)["Attributes"]
    return sum(int(told[name]) for name in names)


@dataclass(frozen=True)
class Outcome:
    """What arrived: how many of the letters did not, how many more than once, and whether those had one key each."""

    arrived: int
    lost: int
    duplicates: int
    same_keys: bool


def take_outcome(ground: Ground, number: int) -> Outcome:
    """Receive everything from the target queue and compare it with what was sent."""
    keys: dict[int, set[str]] = {}
    seen: Counter[int] = Counter()
    for message in _take_all(ground):
        event = json.loads(message["Body"])
        seen[event["n"]] += 1
        keys.setdefault(event["n"], set()).add(message["MessageAttributes"]["ReplayKey"]["StringValue"])
        keys[event["n"]].add(event["namecardReplay"]["key"])
    duplicates = sum(count - 1 for count in seen.values())
    same = all(len(own) == 1 for own in keys.values()) and len(set.union(*keys.values())) == len(keys)
    return Outcome(sum(seen.values()), number - len(seen), duplicates, same)


def _take_all(ground: Ground) -> Iterator[Any]:
    sqs, url = ground.client("sqs"), ground.url(TARGET)
    while True:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        messages = answer.get("Messages", [])
        if not messages:
            return
        yield from messages
        entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)


@contextmanager
def killer(ground: Ground) -> Iterator[subprocess.Popen[str]]:
    """Start the helper whose children are killed; it ends with the block."""
    words = [sys.executable, "-m", "benchmarks.dlq_child", str(ground.settings)]
    root = Path(__file__).resolve().parent.parent
    helper = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        yield helper
    finally:
        assert helper.stdin is not None and helper.stdout is not None
        helper.stdin.close()
        helper.wait(timeout=60)
        helper.stdout.close()


def command(helper: subprocess.Popen[str], words: Sequence[object]) -> tuple[int, str]:
    """Give the helper one command; gives the child's exit status and what it told."""
    assert helper.stdin is not None and helper.stdout is not None
    helper.stdin.write(" ".join(str(word) for word in words) + "\n")
    helper.stdin.flush()
    answer = json.loads(helper.stdout.readline())
    return int(answer["status"]), str(answer["told"])
