"""Alarm states as CloudWatch tells them. Finding the stacks and judging the states do not belong here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.domain.alarms import AlarmReading, AlarmState

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef

_AT_ONCE = 100
_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class FoundAlarm:
    """An alarm as a stack resource: its logical id, and its physical name, empty while it is not made."""

    logical_id: str
    physical_name: str


def find_alarms(resources: Sequence[StackResourceSummaryTypeDef]) -> tuple[FoundAlarm, ...]:
    """Pick the metric alarms out of a stack's resources."""
    return tuple(
        FoundAlarm(resource["LogicalResourceId"], resource.get("PhysicalResourceId", ""))
        for resource in resources
        if resource["ResourceType"] == "AWS::CloudWatch::Alarm"
    )


def read_alarms(client: CloudWatchClient, alarms: Sequence[FoundAlarm]) -> tuple[AlarmReading, ...]:
    """Read the alarms' states, in the order given; one that CloudWatch does not tell is UNREAD.

    A call takes 100 names, CloudWatch's limit. Raises TransientError or PermanentError.
    """
    names = [alarm.physical_name for alarm in alarms if alarm.physical_name]
    told: dict[str, MetricAlarmTypeDef] = {}
    for start in range(0, len(names), _AT_ONCE):
        told |= _describe(client, names[start : start + _AT_ONCE])
    return tuple(_reading(alarm, told.get(alarm.physical_name)) for alarm in alarms)


def _describe(client: CloudWatchClient, names: list[str]) -> dict[str, MetricAlarmTypeDef]:
    with aws_errors_told(f"read the states of {len(names)} alarms"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNames=names, PaginationConfig={"PageSize": _AT_ONCE}
        )
        return {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"] if "AlarmName" in alarm}


def _reading(alarm: FoundAlarm, told: MetricAlarmTypeDef | None) -> AlarmReading:
    if told is None:
        return AlarmReading(alarm.logical_id, "", AlarmState.UNREAD, _NEVER, "a stack resource without a state")
    # The transition's time is that of the last change of state; the update's also moves with the reason.
    since = told.get("StateTransitionedTimestamp") or told.get("StateUpdatedTimestamp") or _NEVER
    return AlarmReading(
        name=alarm.logical_id,
        arn=told.get("AlarmArn", ""),
        state=_state(told.get("StateValue")),
        since=since.astimezone(UTC),
        reason=told.get("StateReason", ""),
    )


def _state(value: str | None) -> AlarmState:
    return AlarmState(value) if value in set(AlarmState) else AlarmState.UNREAD
