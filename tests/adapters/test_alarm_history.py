"""Alarms' history from CloudWatch's answers, in the shapes of AWS: by name or of all, page by page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest

from namecard_release.adapters.alarm_history import read_history
from namecard_release.domain.alarm_gaps import Transition
from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.errors import TransientError

OK, ALARM, DARK = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
SINCE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def item(name: str, seconds: float, old: str, new: str, **more: object) -> dict[str, Any]:
    """Make a line as AWS tells it (CloudWatch User Guide, "Alarm history"), in another time zone than ours."""
    told = {
        "version": "1.0",
        "oldState": {"stateValue": old, "stateReason": "before"},
        "newState": {"stateValue": new, "stateReason": "after", "stateReasonData": {"version": "1.0"}},
    }
    at = (SINCE + timedelta(seconds=seconds)).astimezone(timezone(timedelta(hours=8)))
    words = {"HistorySummary": f"Alarm updated from {old} to {new}", "HistoryData": json.dumps(told)}
    return {
        "AlarmName": name,
        "AlarmType": "MetricAlarm",
        "Timestamp": at,
        "HistoryItemType": "StateUpdate",
        **words,
    } | more


class Watch:
    """CloudWatch with a history, which notes for which name it was asked and answers in pages of two."""

    def __init__(self, *items: dict[str, Any], endless: bool = False) -> None:
        self.items, self.endless = items, endless
        self.names: list[str | None] = []

    def get_paginator(self, operation: str) -> Watch:
        assert operation == "describe_alarm_history"
        return self

    def paginate(self, AlarmName: str | None = None, **asked: Any) -> Iterator[dict[str, Any]]:
        assert (asked["HistoryItemType"], asked["ScanBy"], asked["StartDate"]) == (
            "StateUpdate",
            "TimestampAscending",
            SINCE,
        )
        assert sorted(asked["AlarmTypes"]) == ["CompositeAlarm", "MetricAlarm"]
        self.names.append(AlarmName)
        found = [one for one in self.items if AlarmName in (None, one["AlarmName"])]
        while True:
            for start in range(0, len(found), 2):
                yield {"AlarmHistoryItems": found[start : start + 2]}
            if not self.endless:
                return


def alarm(name: str) -> AlarmReading:
    """Make an alarm as it is read."""
    return AlarmReading("L", f"arn:aws:cloudwatch:x:1:alarm:{name}", OK, SINCE)


def read(watch: Watch, *names: str) -> tuple[Transition, ...]:
    """Read the history of alarms."""
    return read_history(cast(Any, watch), [alarm(name) for name in names], SINCE)


def test_few_alarms_are_asked_for_by_name() -> None:
    watch = Watch(item("b", 9.25, "ALARM", "OK"), item("a", 1, "INSUFFICIENT_DATA", "OK"), item("b", 5, "OK", "ALARM"))
    assert read(watch, "a", "b") == (
        Transition(alarm("a").arn, SINCE + timedelta(seconds=1), DARK, OK),
        Transition(alarm("b").arn, SINCE + timedelta(seconds=5), OK, ALARM),
        Transition(alarm("b").arn, SINCE + timedelta(seconds=9.25), ALARM, OK),
    )
    assert sorted(str(name) for name in watch.names) == ["a", "b"]


def test_of_many_alarms_the_accounts_history_is_read_once_and_others_left_out() -> None:
    names = [f"a{number}" for number in range(50)]
    watch = Watch(*(item(name, 1, "OK", "ALARM") for name in (*names, "a", "other")))
    assert [one.arn for one in read(watch, *names)] == [alarm(name).arn for name in names]
    assert watch.names == [None]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"HistoryData": ""}, True),
        ({"HistoryData": "{}"}, True),
        ({"HistoryData": "[]"}, True),
        ({"HistoryData": "", "HistorySummary": "Alarm changed"}, False),
        ({"HistoryData": json.dumps({"oldState": {"stateValue": "OK"}, "newState": {"stateValue": "NEW"}})}, False),
    ],
)
def test_a_line_without_data_is_read_by_its_summary_and_one_that_says_nothing_is_left_out(
    more: dict[str, object], found: bool
) -> None:
    assert bool(read(Watch(item("a", 1, "OK", "ALARM", **more)), "a")) is found


def test_a_history_without_an_end_is_told() -> None:
    watch = Watch(item("a", 1, "OK", "ALARM"), endless=True)
    with pytest.raises(TransientError, match="the alarm a has more than 3000 changes"):
        read(watch, "a")
