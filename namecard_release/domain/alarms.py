"""Alarm states judged against what was true before the deploy. Reading CloudWatch does not belong here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from namecard_release.domain.constructs import HASH, is_construct

# Construct ids of the platform contract (the runbook leaves the word Service out); the physical name adds the stack
# before and CloudFormation's hash after.
_KINDS = {
    kind: re.compile(pattern + HASH)
    for kind, pattern in {
        "errors": r"[A-Z][a-z]+?(Service)?ErrorsAlarm",
        "throttles": r"[A-Z][a-z]+?(Service)?ThrottlesAlarm",
        "api_latency": r"HttpApiLatencyAlarm",
        "latency": r"[A-Z][a-z]+?(Service)?LatencyAlarm",
        "db_connections": r"DbConnectionsAlarm",
        "proxy_connections": r"RdsProxyConnectionsAlarm",
        "dlq": r"LambdaDeadLetterQueueAlarm",
    }.items()
}
PER_SERVICE = ("Errors", "Throttles", "Latency")
SHARED = (
    "HttpApiLatencyAlarm",
    "DbConnectionsAlarm",
    "RdsProxyConnectionsAlarm",
    "LambdaDeadLetterQueueAlarm",
)


class AlarmState(StrEnum):
    """CloudWatch's three states, and UNREAD where none was read."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
    UNREAD = "UNREAD"


class AlarmAction(StrEnum):
    """What a breach of this kind of alarm asks for."""

    ROLL_BACK = "roll_back"
    PAGE = "page"
    NOTE = "note"


@dataclass(frozen=True)
class AlarmReading:
    """One alarm as read: `name` is the logical id in the stack, `since` the moment of its last state change (UTC).

    `children` are the ARNs of the alarms that a composite alarm is made of; a metric alarm has none.
    """

    name: str
    arn: str
    state: AlarmState
    since: datetime
    reason: str = ""
    children: tuple[str, ...] = ()


@dataclass(frozen=True)
class AlarmRule:
    """What one kind of alarm does, and for how long it must stay in ALARM before it counts (seconds)."""

    action: AlarmAction
    sustain_seconds: float = 0.0


class AlarmVerdict(StrEnum):
    """What the alarms say about the release."""

    HEALTHY = "HEALTHY"
    BREACHED = "BREACHED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class AlarmAssessment:
    """The verdict and its reason, by the alarms whose rule is a rollback alone.

    `roll_back_by` are breached, `rising` are in ALARM and not sustained yet; `page_by` ask for people, no more.
    """

    verdict: AlarmVerdict
    reason: str
    roll_back_by: tuple[AlarmReading, ...] = ()
    page_by: tuple[AlarmReading, ...] = ()
    rising: tuple[AlarmReading, ...] = ()


@lru_cache(maxsize=20_000)
def alarm_kind(name: str) -> str | None:
    """Name the kind of an alarm from its logical id, or None for one that the contract does not list."""
    for kind, pattern in _KINDS.items():
        if pattern.fullmatch(name):
            return kind
    return None


def logical_name(name: str) -> str:
    """Give the logical id in an alarm's physical name, `<stack>-<logical id>-<hash>`; any other name as it is."""
    parts = name.split("-")
    return next((part for part in parts if alarm_kind(part) is not None), name)


def expected_alarms(services: Sequence[str]) -> tuple[str, ...]:
    """List the logical-id prefixes of every alarm that the platform must have: three a service and four shared."""
    own = [f"{service.capitalize()}Service{kind}Alarm" for service in services for kind in PER_SERVICE]
    return (*own, *SHARED)


def missing_alarms(services: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """List the expected alarms that none of the names stands for, with or without the word Service."""
    there = tuple(names)
    return tuple(
        want
        for want in expected_alarms(services)
        if not any(is_construct(name, want) or is_construct(name, want.replace("Service", "")) for name in there)
    )


def find_rule(name: str, rules: Mapping[str, AlarmRule]) -> AlarmRule:
    """Give the rule of an alarm by its logical id: the one of its own name, else of its kind; else it asks for people.

    A rule's key is a kind or the exact construct id: `ApiHealthAlarm` is not `ApiHealthAlarmV2`.
    """
    own = next((rule for key, rule in rules.items() if key not in _KINDS and is_construct(name, key)), None)
    return own or rules.get(alarm_kind(name) or "", AlarmRule(AlarmAction.PAGE))


def assess_alarms(
    baseline: Sequence[AlarmReading],
    current: Sequence[AlarmReading],
    rules: Mapping[str, AlarmRule],
    now: datetime,
    unread: str | None = None,
) -> AlarmAssessment:
    """Judge alarm states after a deploy.

    An alarm that is in ALARM in the baseline is no cause of the release until it has been OK (`settle_baseline`).
    INSUFFICIENT_DATA, an alarm of the baseline that is gone, one that a rule names and nobody finds, and a read that
    failed (`unread`) are unknown. A composite alarm and the alarms it is made of count once.
    """
    if unread is not None:
        return AlarmAssessment(AlarmVerdict.UNKNOWN, f"alarms unread: {unread}")
    if not current:
        return AlarmAssessment(AlarmVerdict.UNKNOWN, "no alarm was found for this environment")
    found = _sort_out(baseline, current, rules)
    breached, page = _count_once(
        [r for r in found.deciding if _is_sustained(r, found.rules[r.name], now)],
        [r for r in found.asking if _is_sustained(r, found.rules[r.name], now)],
    )
    if breached:
        names = ", ".join(reading.name for reading in breached)
        return AlarmAssessment(
            AlarmVerdict.BREACHED, f"in ALARM since the deploy: {names}{_tell_page(page)}", breached, page
        )
    verdict, reason = _assess_quiet(baseline, found, rules)
    return AlarmAssessment(verdict, f"{reason}{_tell_page(page)}", page_by=page, rising=tuple(found.deciding))


@dataclass(frozen=True)
class _Found:
    """The alarms read with the rule of each by name, and which of those that fire anew decide, or ask for people."""

    current: Sequence[AlarmReading]
    rules: Mapping[str, AlarmRule]
    fresh: Sequence[AlarmReading]

    @property
    def deciding(self) -> list[AlarmReading]:
        return [r for r in self.fresh if self.rules[r.name].action is AlarmAction.ROLL_BACK]

    @property
    def asking(self) -> list[AlarmReading]:
        return [r for r in self.fresh if self.rules[r.name].action is AlarmAction.PAGE]


def _sort_out(
    baseline: Sequence[AlarmReading], current: Sequence[AlarmReading], rules: Mapping[str, AlarmRule]
) -> _Found:
    old = {reading.arn for reading in baseline if reading.state is AlarmState.ALARM}
    fresh = [r for r in current if r.state is AlarmState.ALARM and r.arn not in old]
    return _Found(current, {r.name: find_rule(r.name, rules) for r in current}, fresh)


def _count_once(
    breached: Sequence[AlarmReading], page: Sequence[AlarmReading]
) -> tuple[tuple[AlarmReading, ...], tuple[AlarmReading, ...]]:
    """Leave out what another alarm tells: of a composite and its children the stronger action stays, then the whole."""
    deciding = {reading.arn for reading in breached}
    told: set[str] = set()
    for whole in (*breached, *page):
        parts = [r.arn for r in (*breached, *page) if r.arn in whole.children]
        if whole.arn not in deciding and any(arn in deciding for arn in parts):
            told.add(whole.arn)
        else:
            told.update(parts)
    return tuple(r for r in breached if r.arn not in told), tuple(r for r in page if r.arn not in told)


def settle_baseline(baseline: Sequence[AlarmReading], current: Sequence[AlarmReading]) -> tuple[AlarmReading, ...]:
    """Give the baseline in which an alarm that is OK by now is in ALARM no more: from here on it counts again."""
    healed = {reading.arn: reading for reading in current if reading.state is AlarmState.OK}
    return tuple(healed.get(r.arn, r) if r.state is AlarmState.ALARM else r for r in baseline)


def _tell_page(page: Sequence[AlarmReading]) -> str:
    return f"; asks for people: {', '.join(reading.name for reading in page)}" if page else ""


def _assess_quiet(
    baseline: Sequence[AlarmReading], found: _Found, rules: Mapping[str, AlarmRule]
) -> tuple[AlarmVerdict, str]:
    lost = _explain_lost(baseline, found, rules)
    if lost is not None:
        return AlarmVerdict.UNKNOWN, lost
    if rising := found.deciding:
        return AlarmVerdict.UNKNOWN, f"in ALARM, not yet sustained: {', '.join(r.name for r in rising)}"
    old = sum(reading.state is AlarmState.ALARM for reading in found.current) - len(found.fresh)
    note = f", {old} in ALARM since before the deploy" if old else ""
    noted = [r.name for r in found.fresh if found.rules[r.name].action is AlarmAction.NOTE]
    note += f", noted: {', '.join(noted)}" if noted else ""
    return AlarmVerdict.HEALTHY, f"{len(found.current)} alarms read, none breached by this release{note}"


def _explain_lost(baseline: Sequence[AlarmReading], found: _Found, rules: Mapping[str, AlarmRule]) -> str | None:
    """Say which alarms that decide are not there, or tell nothing."""
    there = found.rules.keys()
    gone = {r.name for r in baseline if r.name not in there and _decides(find_rule(r.name, rules))}
    if gone:
        return f"alarms gone since the deploy: {', '.join(sorted(gone))}"
    named = [key for key, rule in rules.items() if key not in _KINDS and _decides(rule)]
    absent = [key for key in named if not any(is_construct(name, key) for name in there)]
    if absent:
        return f"alarms that the policy names and no stack has: {', '.join(sorted(absent))}"
    silent = (AlarmState.INSUFFICIENT_DATA, AlarmState.UNREAD)
    dark = [r.name for r in found.current if r.state in silent and _decides(found.rules[r.name])]
    return f"without data: {', '.join(dark)}" if dark else None


def _decides(rule: AlarmRule) -> bool:
    return rule.action is AlarmAction.ROLL_BACK


def _is_sustained(reading: AlarmReading, rule: AlarmRule, now: datetime) -> bool:
    # The cloud's clock may be ahead of ours: what needs no sustaining counts at once.
    needed = rule.sustain_seconds
    return needed <= 0 or (now - reading.since).total_seconds() >= needed
