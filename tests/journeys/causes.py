"""What goes wrong in an environment of the sandbox, for real: tables that are locked or gone, no concurrency left."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import boto3
import sqlalchemy

from namecard_release.sandbox.driving import find_public_url
from namecard_release.sandbox.emulator_process import REGION
from namecard_release.sandbox.traffic import Outcome, request_once
from namecard_release.settings import Settings

TABLES = {"cards": 'cards."Card"', "uploads": 'uploads."Upload"', "ocr": 'ocr."OcrJob"'}
_PATIENCE = 28.0
_AT_ONCE = 4


class Causes:
    """What can be done to one environment that runs a release."""

    def __init__(self, settings: Settings, environment: str) -> None:
        self._name = environment
        self._settings = settings.environment(environment)
        self._base, self._stage = find_public_url(settings, environment)
        make: Any = boto3.client
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self._clients = {
            name: make(name, endpoint_url=settings.aws.endpoint_url, region_name=REGION, **keys)
            for name in ("lambda", "cloudwatch", "cloudformation", "sqs")
        }
        self._queue = settings.incidents.queues[environment]
        self._database = sqlalchemy.create_engine(_driver(self._settings.database_url or ""))

    def alarming(self) -> list[str]:
        """Name the environment's alarms that are in ALARM."""
        told = self._clients["cloudwatch"].get_paginator("describe_alarms").paginate(StateValue="ALARM")
        names = [alarm["AlarmName"] for page in told for alarm in page["MetricAlarms"]]
        return [name for name in names if f"-{self._settings.stack_suffix}-" in name]

    def calm(self, *services: str) -> int:
        """Send quick requests until those that started cold are too few to be seen; gives how many were sent."""
        sent = 0
        while self.alarming():
            assert sent < 2000, f"still in ALARM: {self.alarming()}"
            with ThreadPoolExecutor(len(services)) as pool:
                sent += sum(len(done) for done in pool.map(lambda one: [self.get(one) for _ in range(20)], services))
            threading.Event().wait(1.1)
        return sent

    def get(self, service: str) -> Outcome:
        """Ask a service for its list."""
        return request_once(self._base, self._stage, service, _PATIENCE)

    def send_letters(self, service: str, count: int) -> None:
        """Invoke a service's function as events do, so that what fails for good becomes a dead letter."""
        name = self._function(service)
        for number in range(count):
            self._clients["lambda"].invoke(
                FunctionName=name, InvocationType="Event", Payload=json.dumps(self._event(service, number))
            )

    def publish_connections(self, cluster: int, proxy: int) -> None:
        """Publish what RDS would."""
        key = self._settings.key
        for dimension, value in (
            ({"Name": "DBClusterIdentifier", "Value": f"namecard-{key}-aurora"}, cluster),
            ({"Name": "ProxyName", "Value": f"namecard-{key}-proxy"}, proxy),
        ):
            data = {"MetricName": "DatabaseConnections", "Dimensions": [dimension], "Value": float(value)}
            self._clients["cloudwatch"].put_metric_data(Namespace="AWS/RDS", MetricData=[data])

    def push(self, body: str) -> None:
        """Put a message into the queue to which the alarms are pushed."""
        self._clients["sqs"].send_message(QueueUrl=self._queue_url(), MessageBody=body)

    def pushed(self) -> int:
        """Count what is in that queue, received or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self._clients["sqs"].get_queue_attributes(QueueUrl=self._queue_url(), AttributeNames=names)
        return sum(int(told["Attributes"][name]) for name in names)

    @contextmanager
    def no_concurrency(self, service: str) -> Iterator[None]:
        """Reserve nothing for a service's function: each invocation of it is throttled."""
        name = self._function(service)
        self._clients["lambda"].put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            self._clients["lambda"].delete_function_concurrency(FunctionName=name)

    @contextmanager
    def missing_table(self, service: str) -> Iterator[None]:
        """Take a service's table away."""
        table = TABLES[service]
        schema, _, name = table.partition(".")
        with self._database.begin() as connection:
            connection.execute(sqlalchemy.text(f'alter table {table} rename to "Mislaid"'))
        try:
            yield
        finally:
            with self._database.begin() as connection:
                connection.execute(sqlalchemy.text(f'alter table {schema}."Mislaid" rename to {name}'))

    def slow_down(self, service: str, seconds: float, others: int) -> list[Outcome]:
        """Lock a service's table while requests to it wait, more than a twentieth of the `others`; gives what came."""
        answers: list[Outcome] = []
        while len(answers) <= max(_AT_ONCE - 1, math.ceil(others * 0.06)):
            with ThreadPoolExecutor(_AT_ONCE) as pool, self._database.connect() as connection:
                with connection.begin():
                    connection.execute(sqlalchemy.text(f"lock table {TABLES[service]} in access exclusive mode"))
                    waiting = [pool.submit(self.get, service) for _ in range(_AT_ONCE)]
                    threading.Event().wait(seconds)
                answers += [one.result() for one in waiting]
        return answers

    def close(self) -> None:
        """Leave the database."""
        self._database.dispose()

    def _queue_url(self) -> str:
        return str(self._clients["sqs"].get_queue_url(QueueName=self._queue)["QueueUrl"])

    def _function(self, service: str) -> str:
        pages = self._clients["cloudformation"].get_paginator("list_stack_resources")
        resources = (
            one
            for stack in self._settings.stack_names
            for page in pages.paginate(StackName=stack)
            for one in page["StackResourceSummaries"]
        )
        logical = f"{service.capitalize()}ServiceFunction"
        (found,) = [
            one["PhysicalResourceId"]
            for one in resources
            if one["ResourceType"] == "AWS::Lambda::Function" and one["LogicalResourceId"].startswith(logical)
        ]
        return str(found)

    def _event(self, service: str, number: int) -> dict[str, Any]:
        context = {"stage": self._stage, "requestId": f"letter-{number}", "http": {"method": "GET"}}
        return {
            "rawPath": f"/{self._stage}/v1/{service}",
            "headers": {"x-correlation-id": f"sender-{number}"},
            "requestContext": context,
        }


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)
