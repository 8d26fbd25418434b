"""Which pushed alarms are an environment's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.alarms import AlarmReading, AlarmState, logical_name
from namecard_release.domain.pushed_alarms import Ground, explain_foreign

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEV = Ground("123456789012", "eu-west-1", ("NameCardDb-dev", "NameCardApi-dev"), ("NameCardApi-prod", "NameCardApi"))


def pushed(name: str, place: str = "eu-west-1:123456789012", ahead: float = 0) -> AlarmReading:
    arn = f"arn:aws:cloudwatch:{place}:alarm:{name}"
    return AlarmReading(logical_name(name), arn, AlarmState.ALARM, NOW + timedelta(minutes=ahead))


@pytest.mark.parametrize(
    ("reading", "why"),
    [
        (pushed("NameCardApi-dev-CardsServiceErrorsAlarm1A2B3C4D-XYZ"), None),
        # Named by a person, and wired to this environment's topic.
        (pushed("the-bill: too high"), None),
        (pushed("NameCardApi-dev-AuthServiceErrorsAlarm1A2B3C4D-XYZ", ahead=4), None),
        (pushed("NameCardApi-prod-CardsServiceErrorsAlarm1A2B3C4D-XYZ"), "is of the stack NameCardApi-prod"),
        (pushed("NameCardApi-other-CardsServiceErrorsAlarm1A2B3C4D-XYZ"), "is of the stack NameCardApi"),
        (pushed("NameCardApi-dev-X", "eu-west-1:210987654321"), "is of eu-west-1 in the account 210987654321"),
        (pushed("NameCardApi-dev-X", "us-east-1:123456789012"), "is of us-east-1 in the account 123456789012"),
        (AlarmReading("X", "arn:x", AlarmState.ALARM, NOW), "has no ARN of CloudWatch's"),
        (pushed("NameCardApi-dev-X", ahead=6), "changed at 2026-03-02 09:06 UTC, which is yet to come"),
    ],
)
def test_foreign_alarms_say_whose_they_are(reading: AlarmReading, why: str | None) -> None:
    assert explain_foreign(reading, DEV, NOW) == (None if why is None else f"{reading.name} {why}")
