"""The window of evidence, and the evidence in sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.evidence_telling import describe_evidence, evidence_window
from namecard_release.domain.log_events import Failure
from namecard_release.workflow.gathering import gather_evidence
from tests.fakes.signals import FakeSignals, with_signals
from tests.fakes.world import World

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return AT + timedelta(minutes=count)


@pytest.mark.parametrize(
    ("deployed", "now", "since", "until"),
    [
        (None, 5, -10, 5),
        (-3, 5, -13, 5),
        (-119, 5, -129, 5),
        # Too long ago to have caused it, or after it.
        (-121, 5, -10, 5),
        (3, 5, -10, 5),
        # A clock that is behind, and an alarm that is long past.
        (None, -30, -10, -9),
        (None, 6000, -10, 230),
    ],
)
def test_window(deployed: float | None, now: float, since: float, until: float) -> None:
    told = evidence_window(AT, None if deployed is None else minutes(deployed), minutes(now))
    assert told == (minutes(since), minutes(until))


def test_the_cause_is_first_and_what_is_unknown_last(tmp_path: Path) -> None:
    ids = (("x-correlation-id", "c1"), ("x-forwarded-for", "192.0.2.1"))
    signals = FakeSignals(logs_of={"cards": [Failure(AT, "cards", "ZodError", "m", "/v1/cards", "r1", "i1", ids)]})
    alarm = AlarmReading("CardsServiceErrorsAlarm1", "arn:aws:cloudwatch:x:1:alarm:a", AlarmState.ALARM, AT)
    evidence = gather_evidence(with_signals(World(tmp_path).pipeline(), signals), "staging", alarm, AT, AT, None)
    told = describe_evidence(evidence)
    assert told[0].startswith("likely cause: validation_error: 1 of 1 failed invocation points to validation_error")
    assert told[1:3] == ("service: cards", "impact: 1 failed requests, 1 correlation ids, 1 client addresses")
    assert "last of ZodError: requestId=r1, x-correlation-id=c1" in told
    assert told[-2].startswith("metrics: evidence/staging/")
    assert told[-1] == "UNKNOWN: service graph: X-Ray is not available here"
    assert not any("192.0.2.1" in line for line in told)
