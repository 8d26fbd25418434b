"""Alarm states as CloudWatch tells them. Finding the stacks and judging the states do not belong here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.stack_resources import side_by_side
from namecard_release.domain.alarms import AlarmReading, AlarmState

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import CompositeAlarmTypeDef, MetricAlarmTypeDef

    Told = MetricAlarmTypeDef | CompositeAlarmTypeDef

_AT_ONCE = 100
# One call is read while the other is waited for; more would only meet CloudWatch's limit sooner.
_CALLS = 2
_STATES = {state.value: state for state in AlarmState}
_NEVER = datetime.fromtimestamp(0, UTC)
_TYPES = frozenset({"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"})
# In an alarm's rule: quoted names, and words, of which these are no names.
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s(),"]+)')
_NO_NAME = re.compile(r"ALARM|OK|INSUFFICIENT_DATA|AND|OR|NOT|TRUE|FALSE|AT_LEAST|\d+%?")


@dataclass(frozen=True)
class FoundAlarm:
    """An alarm as a stack resource: its logical id, and its physical name, empty while it is not made."""

    logical_id: str
    physical_name: str


def find_alarms(resources: Sequence[StackResourceSummaryTypeDef]) -> tuple[FoundAlarm, ...]:
    """Pick the alarms, metric and composite ones, out of a stack's resources."""
    return tuple(
        # CloudFormation may tell an alarm by its ARN, which ends in its name.
        FoundAlarm(resource["LogicalResourceId"], resource.get("PhysicalResourceId", "").rpartition(":alarm:")[2])
        for resource in resources
        if resource["ResourceType"] in _TYPES
    )


def read_alarms(client: CloudWatchClient, alarms: Sequence[FoundAlarm]) -> tuple[AlarmReading, ...]:
    """Read the alarms' states, in the order given; one that CloudWatch does not tell is UNREAD.

    A call takes 100 names, CloudWatch's limit. Raises TransientError or PermanentError.
    """
    names = [alarm.physical_name for alarm in alarms if alarm.physical_name]
    batches = [names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)]
    told: dict[str, Told] = {}
    for part in side_by_side(lambda batch: _describe(client, batch), batches, _CALLS):
        told |= part
    return tuple(_reading(alarm, told.get(alarm.physical_name)) for alarm in alarms)


def _describe(client: CloudWatchClient, names: list[str]) -> dict[str, Told]:
    with aws_errors_told(f"read the states of {len(names)} alarms"):
        # Without the types CloudWatch leaves composite alarms out, even those that are named.
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"], PaginationConfig={"PageSize": _AT_ONCE}
        )
        told: list[Told] = []
        for page in pages:
            told += page["MetricAlarms"]
            told += page.get("CompositeAlarms", ())
    return {alarm["AlarmName"]: alarm for alarm in told if "AlarmName" in alarm}


def _reading(alarm: FoundAlarm, told: Told | None) -> AlarmReading:
    if told is None:
        return AlarmReading(alarm.logical_id, "", AlarmState.UNREAD, _NEVER, "a stack resource without a state")
    # The transition's time is that of the last change of state; the update's also moves with the reason.
    since = told.get("StateTransitionedTimestamp") or told.get("StateUpdatedTimestamp") or _NEVER
    arn, rule = told.get("AlarmArn", ""), told.get("AlarmRule")
    return AlarmReading(
        name=alarm.logical_id,
        arn=arn,
        state=_state(told.get("StateValue")),
        since=since.astimezone(UTC),
        reason=told.get("StateReason", ""),
        children=find_children(str(rule), arn) if rule else (),
    )


def find_children(rule: str, arn: str) -> tuple[str, ...]:
    """Give the ARNs of the alarms in a composite alarm's rule, each once; `arn` is the composite's own.

    A rule names an alarm of its own account and region by its name or by its ARN.
    """
    place = arn.rpartition(":alarm:")[0]
    quoted = ((m.group(1), m.group(2)) for m in _WORD.finditer(rule))
    names = [name if name is not None else word for name, word in quoted if name or not _NO_NAME.fullmatch(word or "")]
    return tuple(dict.fromkeys(name if name.startswith("arn:") else f"{place}:alarm:{name}" for name in names))


def _state(value: str | None) -> AlarmState:
    return _STATES.get(value or "", AlarmState.UNREAD)
