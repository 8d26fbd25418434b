"""What differs from the ledger's release, section by section; unread is neither drift nor its absence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from namecard_release.domain.alarms import AlarmReading, AlarmState, expected_alarms
from namecard_release.domain.drift import (
    NOT_KNOWN,
    DriftItem,
    Observed,
    StackDrift,
    StackDriftStatus,
    judge_drift,
    names_of,
)
from namecard_release.domain.gates import Phase, Verdict
from namecard_release.domain.serving import ServedAlias, ServedFunction, Serving, TemplateResource

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SERVICES = ("auth",)
STACK = "NameCardApi-prod"
QUEUE = TemplateResource(STACK, "Queue", "AWS::SQS::Queue", {"Name": '"q"'})
LIVE = ServedAlias("prod-live", "7", "M")
AUTH = ServedFunction(STACK, "Auth", "Auth-X", "b", "k", "M", "M", aliases=(LIVE,))
READINGS = tuple(AlarmReading(name, f"arn:{name}", AlarmState.OK, NOW) for name in expected_alarms(SERVICES))
FINE = Observed(
    Serving((QUEUE,), (QUEUE,), (AUTH,)), READINGS, True, True, (StackDrift(STACK, StackDriftStatus.IN_SYNC),)
)
SECTIONS = ("code", "aliases", "templates", "alarms", "dead-letter queue", "dashboard", "CloudFormation")


def judge(observed: Observed) -> tuple[dict[str, Phase], tuple[DriftItem, ...]]:
    report = judge_drift("prod", "a" * 40, "p-1", SERVICES, observed)
    assert (report.environment, report.release, report.promotion) == ("prod", "a" * 40, "p-1")
    return {phase.name: phase for phase in report.phases}, report.items


def serving(*functions: ServedFunction) -> Observed:
    return replace(FINE, serving=Serving((QUEUE,), (QUEUE,), functions))


def test_nothing_differs() -> None:
    phases, items = judge(FINE)
    assert tuple(phases) == SECTIONS and items == ()
    assert {phase.verdict for phase in phases.values()} == {Verdict.PASSED}
    assert "CloudFormation" not in judge(replace(FINE, stacks=None))[0]


BESIDE = "version 7 with M, and a part goes to version 9"


@pytest.mark.parametrize(
    ("observed", "item"),
    [
        (serving(replace(AUTH, running="X")), DriftItem("code", "Auth", "M", "X")),
        (
            serving(replace(AUTH, aliases=(replace(LIVE, version="9", digest="X"),))),
            DriftItem("aliases", "Auth:prod-live", "M", "version 9 with X"),
        ),
        (
            serving(replace(AUTH, aliases=(replace(LIVE, weighs=("9",)),))),
            DriftItem("aliases", "Auth:prod-live", "M", BESIDE),
        ),
        (
            replace(FINE, serving=Serving((), (QUEUE,), (AUTH,))),
            DriftItem("templates", f"{STACK} Queue", "AWS::SQS::Queue", "nothing"),
        ),
        (
            replace(FINE, serving=Serving((QUEUE,), (), (AUTH,))),
            DriftItem("templates", f"{STACK} Queue", "nothing", "AWS::SQS::Queue"),
        ),
        (
            replace(FINE, serving=Serving((replace(QUEUE, properties={}),), (QUEUE,), (AUTH,))),
            DriftItem("templates", f"{STACK} Queue", "the release's", "another Name"),
        ),
        (
            replace(FINE, serving=Serving((replace(QUEUE, kind="AWS::SNS::Topic"),), (QUEUE,), (AUTH,))),
            DriftItem("templates", f"{STACK} Queue", "the release's", "another type AWS::SNS::Topic"),
        ),
        (replace(FINE, alarms=READINGS[1:]), DriftItem("alarms", READINGS[0].name, "an alarm", "none")),
        (
            replace(FINE, alarms=(replace(READINGS[0], state=AlarmState.UNREAD), *READINGS[1:])),
            DriftItem("alarms", READINGS[0].name, "an alarm", "none"),
        ),
        (replace(FINE, queue=False), DriftItem("dead-letter queue", "dead-letter queue", "one", "none")),
        (replace(FINE, dashboard=False), DriftItem("dashboard", "dashboard", "one", "none")),
        (
            replace(FINE, stacks=(StackDrift(STACK, StackDriftStatus.DRIFTED, ("Queue modified at /Name",)),)),
            DriftItem("CloudFormation", f"{STACK} Queue modified at /Name", "its template", "another"),
        ),
    ],
)
def test_one_thing_differs(observed: Observed, item: DriftItem) -> None:
    phases, items = judge(observed)
    assert items == (item,)
    failed = {name: phase for name, phase in phases.items() if phase.verdict is not Verdict.PASSED}
    assert list(failed) == [item.section] and failed[item.section].verdict is Verdict.FAILED
    reason = failed[item.section].reason
    assert reason == f"{item.name}: {item.found} instead of {item.expected}; {NOT_KNOWN}"


@pytest.mark.parametrize(
    ("observed", "dark", "reason"),
    [
        (
            replace(FINE, serving=None, unread={"serving": "no answer"}),
            {"code", "aliases", "templates"},
            "unread: no answer",
        ),
        (replace(FINE, alarms=None, unread={"alarms": "throttled"}), {"alarms"}, "unread: throttled"),
        (replace(FINE, queue=None), {"dead-letter queue"}, "unread: no reason was given"),
        (replace(FINE, dashboard=None, unread={"dashboard": "denied"}), {"dashboard"}, "unread: denied"),
        (serving(replace(AUTH, running=None, unread="denied")), {"code"}, "unread: Auth: denied"),
        (
            serving(replace(AUTH, expected=None, unread="NoSuchKey")),
            {"code", "aliases"},
            "unread: Auth: NoSuchKey",
        ),
        (
            serving(replace(AUTH, aliases=(replace(LIVE, digest=None, unread="no version 7"),))),
            {"aliases"},
            "unread: Auth:prod-live: no version 7",
        ),
        (
            replace(FINE, stacks=(StackDrift(STACK, StackDriftStatus.UNKNOWN, (), "not there"),)),
            {"CloudFormation"},
            f"unread: {STACK}: not there",
        ),
    ],
)
def test_what_is_unread_is_unknown(observed: Observed, dark: set[str], reason: str) -> None:
    phases, items = judge(observed)
    assert items == ()
    assert {name for name, phase in phases.items() if phase.verdict is Verdict.UNKNOWN} == dark
    assert phases[next(name for name in SECTIONS if name in dark)].reason == reason


def test_many_differences_are_counted_and_all_are_listed() -> None:
    functions = tuple(replace(AUTH, logical_id=f"F{n}", running="X", aliases=()) for n in range(7))
    phases, items = judge(serving(*functions))
    assert len(items) == 7 and "F4: X instead of M and 2 more;" in phases["code"].reason


def test_names_follow_the_contract() -> None:
    assert names_of("prod") == ("namecard-prod-lambda-dlq", "namecard-prod-observability")
