"""Bodies of pushed alarms: CloudWatch's own JSON, alone or in SNS's envelope, and what is neither."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from namecard_release.adapters.alarm_queue import SqsAlarmQueue, read_push
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


BUDGET = {"Type": "Notification", "TopicArn": "arn:aws:sns:x:1:y", "Message": "You have spent 80 % of your budget"}
# Real messages of other senders, and what a sender that means no good may write.
NO_ALARMS = [
    *("", "[]", "{}", "7", "null", "[" * 100_000, json.dumps(BUDGET)),
    json.dumps({"Type": "SubscriptionConfirmation", "Token": "t", "TopicArn": "arn:aws:sns:x:1:y"}),
    json.dumps({"version": "0", "detail-type": "CloudWatch Alarm State Change", "detail": {"alarmName": "x"}}),
    json.dumps({"Records": [{"s3": {"bucket": {"name": "b"}}}]}),
    *(
        json.dumps({**PUSHED, **other})
        for other in (
            {"NewStateValue": "LOUD"},
            {"AlarmName": 7},
            {"AlarmName": ""},
            {"AlarmName": "x" * 256},
            {"AlarmName": "nul\0"},
            {"AlarmName": "half \ud800"},
            {"AlarmArn": 7},
            {"AlarmArn": {"arn": "x"}},
            {"AlarmArn": "arn:aws:sns:ap-southeast-1:0:alarms"},
            {"AlarmArn": "arn:aws:cloudwatch:ap-southeast-1:0:alarm:nul\0"},
            {"StateChangeTime": "yesterday"},
            {"StateChangeTime": 1772442000},
            # No moment in UTC: the year 0.
            {"StateChangeTime": "0001-01-01T00:00:00.000+0800"},
        )
    ),
]


@pytest.mark.parametrize("body", NO_ALARMS, ids=[body[:60] or "nothing" for body in NO_ALARMS])
def test_anything_else_is_left_and_told_without_its_text(
    body: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    queue = SqsAlarmQueue("ap-southeast-1", "http://127.0.0.1:9")
    answer = {"Messages": [{"MessageId": "m-1", "ReceiptHandle": "r", "Body": body}]}
    monkeypatch.setattr(queue, "_clients", SimpleNamespace(sqs=SimpleNamespace(receive_message=lambda **_: answer)))
    assert queue.receive("https://sqs/queue") == ()
    (record,) = caplog.records
    assert "m-1" in record.getMessage() and "budget" not in record.getMessage()


def test_what_no_database_keeps_is_left_out_of_a_reason() -> None:
    told = {**PUSHED, "NewStateReason": "Threshold\0 Crossed \ud800 \u00e9\n" + "x" * 2000}
    assert read_push(json.dumps(told)).reason == ("Threshold Crossed  \u00e9\n" + "x" * 2000)[:1023]
