"""Alarms that look at their own dimensions, every second, and tell EventBridge when they change."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch, eventbridge

from namecard_release.sandbox.emulator import scopes
from namecard_release.sandbox.emulator.evaluation import Judgement, Point, judge

# A state set by hand lasts until the next evaluation, which AWS makes once a period, a minute at the longest.
LONGEST_HOLD_SECONDS = 60.0

_change, _noting = threading.Lock(), threading.Lock()
_held_until: dict[tuple[str, str, str], float] = {}


def install() -> None:
    """Replace the evaluation, remember states set by hand, and publish state changes as events."""
    cloudwatch._evaluate_alarm = evaluate
    _install_exact_moments()
    _install_hold()
    _install_events()


def evaluate(alarm: dict[str, Any]) -> None:
    """Bring one metric alarm of the current scope up to date and run its actions if its state changed."""
    if not alarm.get("Namespace") or not alarm.get("MetricName") or _is_held(alarm):
        return
    judgement = judge(alarm, _points_of(alarm), time.time(), lambda window: _statistic(alarm, window))
    if judgement is None:
        return
    old = _apply(alarm, judgement)
    if old is not None:
        # Outside the lock: an action may run a function that calls back.
        cloudwatch._dispatch_alarm_actions(alarm, old, judgement.state, judgement.reason)
        cloudwatch._evaluate_parent_alarms(alarm)


def _points_of(alarm: Mapping[str, Any]) -> Sequence[Point]:
    listed = alarm.get("Dimensions") or []
    dims = {item["Name"]: item["Value"] for item in listed} if isinstance(listed, list) else dict(listed)
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dims))
    return list(cloudwatch._metrics.get(key) or ())


def _statistic(alarm: Mapping[str, Any], window: Sequence[Point]) -> float | None:
    name = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    stats = cloudwatch._calc_stats(window)
    value = cloudwatch._stat_value(stats, name, window) if stats else None
    return None if value is None else float(value)


def _apply(alarm: dict[str, Any], judgement: Judgement) -> str | None:
    """Store a new state; return the one before, None if it is the same."""
    with _change:
        old = str(alarm["StateValue"])
        if old == judgement.state:
            return None
        now = round(time.time(), 3)
        alarm["StateValue"] = judgement.state
        alarm["StateReason"] = judgement.reason
        alarm["StateReasonData"] = json.dumps(_reason_data(alarm, judgement, now))
        alarm["StateUpdatedTimestamp"] = alarm["StateTransitionedTimestamp"] = now
        cloudwatch._record_history(alarm["AlarmName"], old, judgement.state, judgement.reason)
    return old


def _reason_data(alarm: Mapping[str, Any], judgement: Judgement, now: float) -> dict[str, Any]:
    return {
        "version": "1.0",
        "queryDate": cloudwatch._ts_iso(now),
        "statistic": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
        "period": alarm.get("Period"),
        "recentDatapoints": [value for value in reversed(judgement.datapoints) if value is not None],
        "threshold": alarm.get("Threshold"),
    }


def _is_held(alarm: Mapping[str, Any]) -> bool:
    return time.time() < _held_until.get((*scopes.current(), str(alarm["AlarmName"])), 0.0)


def _install_exact_moments() -> None:
    """Tell in the history and of the alarm the same moment of a change, as AWS does, to the millisecond."""
    record = cloudwatch._record_history

    def exact(alarm_name: str, *told: Any, **named: Any) -> None:
        with _noting:
            record(alarm_name, *told, **named)
            now = round(time.time(), 3)
            # As a number: a text is read back in whole seconds.
            cloudwatch._history_entries()[-1]["Timestamp"] = now
            alarm = cloudwatch._alarms.get(alarm_name) or cloudwatch._composite_alarms.get(alarm_name)
            if alarm is not None:
                alarm["StateUpdatedTimestamp"] = alarm["StateTransitionedTimestamp"] = now

    cloudwatch._record_history = exact


def _install_hold() -> None:
    set_state = cloudwatch._set_alarm_state

    def remembered(params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        name = cbor_data.get("AlarmName", "") if is_cbor or is_json else cloudwatch._p(params, "AlarmName")
        alarm = cloudwatch._alarms.get(name)
        if alarm is not None:
            hold = min(float(alarm.get("Period") or 60), LONGEST_HOLD_SECONDS)
            _held_until[(*scopes.current(), name)] = time.time() + hold
        return set_state(params, cbor_data, is_cbor, is_json)

    cloudwatch._set_alarm_state = remembered


def _install_events() -> None:
    dispatch = cloudwatch._dispatch_alarm_actions

    def published(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        eventbridge._dispatch_event(_event(alarm, old_state, new_state, reason))
        dispatch(alarm, old_state, new_state, reason)

    cloudwatch._dispatch_alarm_actions = published


def _event(alarm: Mapping[str, Any], old_state: str, new_state: str, reason: str) -> dict[str, Any]:
    account, region = scopes.current()
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": {"value": new_state, "reason": reason},
        "previousState": {"value": old_state},
    }
    return {
        "EventId": responses.new_uuid(),
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": json.dumps(detail),
        "EventBusName": "default",
        "Time": time.time(),
        "Resources": [alarm.get("AlarmArn", "")],
        "Account": account,
        "Region": region,
    }
