"""Alarms wired to people on the emulator: by the command, again and again, and with what others set up before."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from namecard_release.cli.main import app
from tests.integration.conftest import Emulator

# On this machine: no test speaks to PagerDuty.
URL = "https://127.0.0.1:9/integration/R0" + "ABCDEFGHIJ" * 3 + "/enqueue"
STACK = "NameCardApi-staging"
ALARM = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {
        "AlarmDescription": "an alarm's own words",
        "Namespace": "Wiring",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": "one"}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 1,
        "Threshold": 3,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    },
}
NAMES = ("AuthServiceErrorsAlarm1A2B3C4D", "CardsServiceErrorsAlarm1A2B3C4D")


@pytest.fixture(scope="module")
def physical(emulator: Emulator) -> list[str]:
    """Two alarms of a stack; the first tells somebody else already."""
    stacks = emulator.client("cloudformation")
    for name, body in ((STACK, dict.fromkeys(NAMES, ALARM)), ("NameCardDb-staging", {NAMES[0]: ALARM})):
        stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": body}))
    for _ in range(100):
        found = stacks.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        if len(found) == 2 and all(one.get("PhysicalResourceId") for one in found):
            break
        time.sleep(0.1)
    names = [one["PhysicalResourceId"] for one in found]
    foreign = emulator.client("sns").create_topic(Name="foreign")["TopicArn"]
    watch = emulator.client("cloudwatch")
    [told] = watch.describe_alarms(AlarmNames=names[:1])["MetricAlarms"]
    takes = watch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    kept = {key: value for key, value in told.items() if key in takes and value}
    watch.put_metric_alarm(**{**kept, "AlarmActions": [foreign]})
    return names


@pytest.fixture
def settings(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PD_INTEGRATION_URL", URL)
    file = tmp_path / "settings.toml"
    file.write_text(
        f"""
[platform]
repository = "repository"
[environments.staging]
account = "000000000000"
region = "{emulator.region}"
stack_suffix = "staging"
context = "staging"
key = "staging"
database_url = "postgresql://x"
[aws]
endpoint_url = "{emulator.endpoint}"
env = {{ AWS_ACCESS_KEY_ID = "test", AWS_SECRET_ACCESS_KEY = "test" }}
[channels.wiring]
integration_url = {{ variable = "PD_INTEGRATION_URL" }}
"""
    )
    return file


def run(settings: Path, *more: str) -> dict[str, Any]:
    """Wire as a person does; gives what it prints."""
    words = ["alarms", "wire", "--env", "staging", "--settings", str(settings), "--json", *more]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert "ABCDEFGHIJ" not in result.output + result.stderr
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def read_all(emulator: Emulator, names: list[str]) -> dict[str, Any]:
    watch = emulator.client("cloudwatch")
    told = watch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    varying = ("AlarmConfigurationUpdatedTimestamp", "StateUpdatedTimestamp", "StateTransitionedTimestamp")
    return {a["AlarmName"]: {k: v for k, v in a.items() if k not in varying and "State" not in k} for a in told}


def test_alarms_are_wired_and_stay_wired(emulator: Emulator, physical: list[str], settings: Path) -> None:
    before = read_all(emulator, physical)
    planned = run(settings, "--plan-only")
    assert planned["changed"] is False
    assert read_all(emulator, physical) == before
    done = run(settings)
    assert [one["step"] for one in done["changes"]] == [one["step"] for one in planned["changes"]]
    # Nobody answers at that address, so nobody confirms; everything else is as it must be.
    [pending] = run(settings)["changes"]
    assert (pending["step"], "nobody has confirmed" in pending["refused"]) == ("redrive", True)
    topic = f"arn:aws:sns:{emulator.region}:000000000000:namecard-staging-alarms"
    foreign = topic.replace("namecard-staging-alarms", "foreign")
    after = read_all(emulator, physical)
    assert after[physical[0]]["AlarmActions"] == [foreign, topic]
    assert after[physical[1]]["AlarmActions"] == [topic]
    for name in physical:
        assert after[name]["OKActions"] == [topic]
        own = ("AlarmActions", "OKActions", "ActionsEnabled")
        assert {k: v for k, v in after[name].items() if k not in own} == {
            k: v for k, v in before[name].items() if k not in own
        }
    _check_subscriptions(emulator, topic)


def _check_subscriptions(emulator: Emulator, topic: str) -> None:
    sns = emulator.client("sns")
    told = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert sorted((one["Protocol"], one["Endpoint"]) for one in told)[0] == ("https", URL)
    [queue] = [one for one in told if one["Protocol"] == "sqs"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=queue["SubscriptionArn"])["Attributes"]
    assert json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"].endswith(
        ":namecard-staging-alarm-undelivered"
    )


def test_an_alarm_that_fires_reaches_the_queue(emulator: Emulator, physical: list[str], settings: Path) -> None:
    run(settings)
    sqs = emulator.client("sqs")
    queue = sqs.get_queue_url(QueueName="namecard-staging-alarm-events")["QueueUrl"]
    emulator.client("cloudwatch").set_alarm_state(AlarmName=physical[1], StateValue="ALARM", StateReason="a test")
    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", [])
    assert physical[1] in json.loads(json.loads(received[0]["Body"])["Message"])["AlarmName"]


def test_a_setting_that_somebody_undid_is_found(emulator: Emulator, physical: list[str], settings: Path) -> None:
    run(settings)
    sns = emulator.client("sns")
    topic = f"arn:aws:sns:{emulator.region}:000000000000:namecard-staging-alarms"
    told = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    [queue] = [one["SubscriptionArn"] for one in told if one["Protocol"] == "sqs"]
    sns.unsubscribe(SubscriptionArn=queue)
    assert [one["step"] for one in run(settings)["changes"] if one["refused"] is None] == ["subscription"]
