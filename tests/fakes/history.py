"""Alarms' history for the fakes: what `World.set_alarm` changed, told as CloudWatch tells it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from namecard_release.domain.alarm_gaps import Transition
from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.errors import TransientError


def note_change(history: list[Transition], before: AlarmReading | None, after: AlarmReading) -> AlarmReading:
    """Note an alarm's change of state and give it; a new one begins without data, the same state again is no change."""
    if before is not None and before.state is after.state:
        return before
    old = AlarmState.INSUFFICIENT_DATA if before is None else before.state
    history.append(Transition(after.arn, after.since, old, after.state))
    return after


class FakeHistory:
    """The history's part of the port `Cloud`."""

    world: Any

    def alarm_history(self, alarms: Sequence[AlarmReading], since: datetime) -> tuple[Transition, ...]:
        """Give what was noted about these alarms, or fail to."""
        self.world.asked_history.append(tuple(alarm.name for alarm in alarms))
        if "history" in self.world.unreachable:
            raise TransientError("CloudWatch told no history")
        arns = {alarm.arn for alarm in alarms}
        return tuple(one for one in self.world.history if one.arn in arns and one.at >= since)
