"""Alarm states from CloudWatch's answers: names, pages, and what is not told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest

from namecard_release.adapters.cloudwatch import FoundAlarm, find_alarms, find_children, read_alarms
from namecard_release.domain.alarms import AlarmReading, AlarmState

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


class Watch:
    """CloudWatch with given alarms, which notes the names of each call and answers in pages of two."""

    def __init__(self, *alarms: dict[str, Any]) -> None:
        self.alarms = {alarm["AlarmName"]: alarm for alarm in alarms}
        self.calls: list[list[str]] = []

    def get_paginator(self, operation: str) -> Watch:
        assert operation == "describe_alarms"
        return self

    def paginate(
        self, AlarmNames: list[str], AlarmTypes: list[str], PaginationConfig: dict[str, int]
    ) -> list[dict[str, Any]]:
        assert sorted(AlarmTypes) == ["CompositeAlarm", "MetricAlarm"]
        self.calls.append(AlarmNames)
        found = [self.alarms[name] for name in AlarmNames if name in self.alarms]
        pages = [found[start : start + 2] for start in range(0, len(found), 2)]
        return [
            {
                "MetricAlarms": [alarm for alarm in page if "AlarmRule" not in alarm],
                "CompositeAlarms": [alarm for alarm in page if "AlarmRule" in alarm],
            }
            for page in pages
        ]


def read(watch: Watch, *alarms: FoundAlarm) -> tuple[AlarmReading, ...]:
    return read_alarms(cast(Any, watch), alarms)


def told(name: str, state: str = "OK", **more: object) -> dict[str, Any]:
    return {"AlarmName": name, "AlarmArn": f"arn:{name}", "StateValue": state, "StateUpdatedTimestamp": LATE, **more}


@pytest.mark.parametrize(
    ("alarm", "state", "since"),
    [
        (told("p"), AlarmState.OK, LATE),
        (told("p", "ALARM", StateTransitionedTimestamp=EARLY), AlarmState.ALARM, EARLY),
        (told("p", "INSUFFICIENT_DATA"), AlarmState.INSUFFICIENT_DATA, LATE),
        (told("p", "NEW_WORD"), AlarmState.UNREAD, LATE),
        (told("other"), AlarmState.UNREAD, datetime.fromtimestamp(0, UTC)),
    ],
)
def test_a_state_and_since_when(alarm: dict[str, Any], state: AlarmState, since: datetime) -> None:
    (reading,) = read(Watch(alarm), FoundAlarm("L", "p"))
    assert (reading.name, reading.state, reading.since) == ("L", state, since)


def test_a_moment_is_given_in_utc() -> None:
    local = LATE.astimezone(timezone(timedelta(hours=8)))
    (reading,) = read(Watch(told("p", StateTransitionedTimestamp=local)), FoundAlarm("L", "p"))
    assert reading.since == LATE and reading.since.tzinfo is UTC


@pytest.mark.parametrize(
    ("count", "calls"), [(1, [1]), (22, [22]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])]
)
def test_a_hundred_names_a_call(count: int, calls: list[int]) -> None:
    watch = Watch(*(told(f"p{n}") for n in range(count)))
    readings = read(watch, *(FoundAlarm(f"L{n}", f"p{n}") for n in range(count)))
    assert [len(call) for call in watch.calls] == calls
    assert [reading.name for reading in readings] == [f"L{n}" for n in range(count)]
    assert {reading.state for reading in readings} == {AlarmState.OK}


def test_an_alarm_not_made_yet_is_unread_and_not_asked_for() -> None:
    # With an empty list of names CloudWatch would tell every alarm of the account.
    watch = Watch(told("p"))
    (reading,) = read(watch, FoundAlarm("L", ""))
    assert reading.state is AlarmState.UNREAD and watch.calls == []


def test_alarms_are_picked_from_the_resources() -> None:
    resources: Any = [
        {"LogicalResourceId": "A", "PhysicalResourceId": "a", "ResourceType": "AWS::CloudWatch::Alarm"},
        {"LogicalResourceId": "B", "ResourceType": "AWS::CloudWatch::Alarm"},
        {"LogicalResourceId": "C", "PhysicalResourceId": "c", "ResourceType": "AWS::SQS::Queue"},
        {"LogicalResourceId": "D", "PhysicalResourceId": "d", "ResourceType": "AWS::CloudWatch::CompositeAlarm"},
        {"LogicalResourceId": "E", "PhysicalResourceId": f"{PLACE}:e", "ResourceType": "AWS::CloudWatch::Alarm"},
    ]
    names = {"A": "a", "B": "", "D": "d", "E": "e"}
    assert find_alarms(resources) == tuple(FoundAlarm(*one) for one in names.items())


PLACE = "arn:aws:cloudwatch:eu-west-1:000000000000:alarm"


@pytest.mark.parametrize(
    ("rule", "children"),
    [
        ('ALARM("a")', ["a"]),
        ("ALARM(a) OR ALARM(b)", ["a", "b"]),
        ("NOT (OK(a) AND INSUFFICIENT_DATA(b)) OR ALARM(a)", ["a", "b"]),
        ('ALARM("with a space, and (more)")', ["with a space, and (more)"]),
        ('AT_LEAST(2, ALARM, (a, "b", c))', ["a", "b", "c"]),
        ("AT_LEAST(50%, NOT OK, (a, b))", ["a", "b"]),
        (f"ALARM({PLACE}:a)", ["a"]),
        (f'ALARM("{PLACE}:a") AND TRUE', ["a"]),
        ("FALSE", []),
    ],
)
def test_the_alarms_in_a_composites_rule(rule: str, children: list[str]) -> None:
    assert find_children(rule, f"{PLACE}:whole") == tuple(f"{PLACE}:{name}" for name in children)


def test_a_composite_is_read_with_its_parts_beside_metric_alarms() -> None:
    watch = Watch(told("whole", "ALARM", AlarmRule="ALARM(p) OR ALARM(q)", AlarmArn=f"{PLACE}:whole"), told("p"))
    whole, part = read(watch, FoundAlarm("W", "whole"), FoundAlarm("P", "p"))
    assert (whole.state, whole.children) == (AlarmState.ALARM, (f"{PLACE}:p", f"{PLACE}:q"))
    assert part.children == ()
