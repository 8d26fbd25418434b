"""Bodies of pushed alarms: CloudWatch's own JSON, alone or in SNS's envelope, and what is neither."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from namecard_release.adapters.alarm_queue import read_push
from namecard_release.domain.alarms import AlarmReading, AlarmState

PUSHED = {
    "AlarmName": "NameCardApi-dev-CardsServiceErrorsAlarm1A2B-XYZ",
    "AlarmArn": "arn:aws:cloudwatch:ap-southeast-1:0:alarm:x",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed",
    "StateChangeTime": "2026-03-02T09:00:00.123+0000",
}
READ = AlarmReading(
    "CardsServiceErrorsAlarm1A2B",
    PUSHED["AlarmArn"],
    AlarmState.ALARM,
    datetime(2026, 3, 2, 9, 0, 0, 123000, UTC),
    "Threshold Crossed",
)


@pytest.mark.parametrize(
    "told",
    [
        PUSHED,
        {"Type": "Notification", "Message": json.dumps(PUSHED)},
        {**PUSHED, "StateChangeTime": "2026-03-02T17:00:00.123+0800"},
        {**PUSHED, "StateChangeTime": "2026-03-02T09:00:00.123Z"},
    ],
)
def test_both_bodies_are_read(told: dict[str, str]) -> None:
    assert read_push(json.dumps(told)) == READ


@pytest.mark.parametrize(("account", "told"), [({}, "1"), ({"AWSAccountId": "2"}, "2")])
def test_an_alarm_without_an_arn_is_named_by_its_topics_region(account: dict[str, str], told: str) -> None:
    nameless = {name: value for name, value in PUSHED.items() if name != "AlarmArn"} | account
    topic = "arn:aws-cn:sns:cn-north-1:1:alarms"
    body = json.dumps({"Type": "Notification", "TopicArn": topic, "Message": json.dumps(nameless)})
    assert read_push(body).arn == f"arn:aws-cn:cloudwatch:cn-north-1:{told}:alarm:{PUSHED['AlarmName']}"
    with pytest.raises(ValueError, match="without an ARN"):
        read_push(json.dumps(nameless))


@pytest.mark.parametrize("body", ["", "[]", "{}", "7", json.dumps({**PUSHED, "NewStateValue": "LOUD"})])
def test_anything_else_is_refused(body: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        read_push(body)
