"""Alarms' changes of state as CloudWatch's history tells them. What they mean for a release does not belong here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.stack_resources import side_by_side
from namecard_release.domain.alarm_gaps import Transition
from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import AlarmHistoryItemTypeDef

# CloudWatch's limit for a page.
_AT_ONCE = 100
# A call a name is exact; for more names the account's whole history of the span is fewer calls.
_BY_NAME = 8
_CALLS = 2
_MOST_PAGES = 30
_SUMMARY = re.compile(r"Alarm updated from (\w+) to (\w+)")
_STATES = {state.value: state for state in AlarmState if state is not AlarmState.UNREAD}


def read_history(client: CloudWatchClient, alarms: Sequence[AlarmReading], since: datetime) -> tuple[Transition, ...]:
    """Read the changes of state of these alarms, metric and composite ones, from `since` on, oldest first.

    Raises TransientError, for more history than can be read in a look too, or PermanentError.
    """
    arns = {alarm.arn.rpartition(":alarm:")[2]: alarm.arn for alarm in alarms}
    asked: Sequence[str | None] = tuple(arns) if len(arns) <= _BY_NAME else (None,)
    parts = side_by_side(partial(_read, client, since), asked, _CALLS)
    found = [transition for part in parts for item in part if (transition := _transition(item, arns)) is not None]
    return tuple(sorted(found, key=lambda transition: transition.at))


def _read(client: CloudWatchClient, since: datetime, name: str | None) -> list[AlarmHistoryItemTypeDef]:
    what = f"the alarm {name}" if name else "all alarms"
    named: dict[str, Any] = {"AlarmName": name} if name else {}
    with aws_errors_told(f"read the history of {what}"):
        pages = client.get_paginator("describe_alarm_history").paginate(
            **named,
            # Without the types it tells of metric alarms alone.
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            HistoryItemType="StateUpdate",
            StartDate=since,
            ScanBy="TimestampAscending",
            PaginationConfig={"PageSize": _AT_ONCE},
        )
        return list(_items(pages, what))


def _items(pages: Any, what: str) -> Iterator[AlarmHistoryItemTypeDef]:
    for number, page in enumerate(pages, 1):
        if number > _MOST_PAGES:
            raise TransientError(f"the history of {what} has more than {_MOST_PAGES * _AT_ONCE} changes since then")
        yield from page["AlarmHistoryItems"]


def _transition(item: AlarmHistoryItemTypeDef, arns: Mapping[str, str]) -> Transition | None:
    """Give a line's change; None for another alarm's, and for one that says no change: then the history has a hole."""
    arn, at = arns.get(item.get("AlarmName", "")), item.get("Timestamp")
    old, new = _states_in(item)
    if arn is None or at is None or old is None or new is None:
        return None
    return Transition(arn, at.astimezone(UTC), old, new)


def _states_in(item: AlarmHistoryItemTypeDef) -> tuple[AlarmState | None, AlarmState | None]:
    try:
        told: Any = json.loads(item.get("HistoryData", ""))
        return _STATES.get(told["oldState"]["stateValue"]), _STATES.get(told["newState"]["stateValue"])
    except (ValueError, KeyError, TypeError):
        words = _SUMMARY.search(item.get("HistorySummary", ""))
        return (_STATES.get(words[1]), _STATES.get(words[2])) if words else (None, None)
