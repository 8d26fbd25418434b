"""Alarms' history for the fakes: what `World.set_alarm` changed, told as CloudWatch tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from namecard_release.domain.alarm_gaps import Transition
from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.recovery import AlarmMetric
from namecard_release.errors import TransientError


@dataclass
class AlarmPast:
    """What alarms did and what they measure, by their names; `asked_*` are the names asked for, call by call."""

    changes: list[Transition] = field(default_factory=list)
    metrics: dict[str, tuple[float, ...]] = field(default_factory=dict)
    asked_history: list[tuple[str, ...]] = field(default_factory=list)
    asked_metrics: list[tuple[str, ...]] = field(default_factory=list)


def note_change(history: list[Transition], before: AlarmReading | None, after: AlarmReading) -> AlarmReading:
    """Note an alarm's change of state and give it; a new one begins without data, the same state again is no change."""
    if before is not None and before.state is after.state:
        return before
    old = AlarmState.INSUFFICIENT_DATA if before is None else before.state
    history.append(Transition(after.arn, after.since, old, after.state))
    return after


class FakeHistory:
    """The part of the port `Cloud` that tells what alarms did, and what they watch."""

    world: Any

    def alarm_history(self, alarms: Sequence[AlarmReading], since: datetime) -> tuple[Transition, ...]:
        """Give what was noted about these alarms, or fail to."""
        self.world.past.asked_history.append(tuple(alarm.name for alarm in alarms))
        if "history" in self.world.unreachable:
            raise TransientError("CloudWatch told no history")
        arns = {alarm.arn for alarm in alarms}
        return tuple(one for one in self.world.past.changes if one.arn in arns and one.at >= since)

    def alarm_metrics(
        self, alarms: Sequence[AlarmReading], since: datetime, until: datetime
    ) -> tuple[AlarmMetric, ...]:
        """Give the values that a test set by an alarm's name, a minute each from `since` on, or fail to."""
        self.world.past.asked_metrics.append(tuple(alarm.name for alarm in alarms))
        if "metrics" in self.world.unreachable:
            raise TransientError("CloudWatch told no metrics")
        return tuple(_metric(alarm.name, self.world.past.metrics.get(alarm.name, ()), since) for alarm in alarms)


def _metric(name: str, values: Sequence[float], since: datetime) -> AlarmMetric:
    points = tuple((since + timedelta(minutes=number), value) for number, value in enumerate(values))
    return AlarmMetric(name, "Errors", "Sum", "GreaterThanOrEqualToThreshold", 1.0, 1, 1, points)
