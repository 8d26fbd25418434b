"""What was not seen for too long is unknown, never healthy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.gates import Verdict
from namecard_release.domain.heartbeats import describe_seen, judge_seen

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "verdict", "told"),
    [
        (-5, Verdict.PASSED, "the alarm sensor was last seen just now"),
        (0, Verdict.PASSED, "the alarm sensor was last seen just now"),
        (59, Verdict.PASSED, "the alarm sensor was last seen 59 s ago"),
        (120, Verdict.PASSED, "the alarm sensor was last seen 2 min ago"),
        (120.001, Verdict.UNKNOWN, "the alarm sensor was last seen 2 min ago"),
        (190, Verdict.UNKNOWN, "the alarm sensor was last seen 3 min ago"),
        (7_300, Verdict.UNKNOWN, "the alarm sensor was last seen 2 h ago"),
        (200_000, Verdict.UNKNOWN, "the alarm sensor was last seen 2 d ago"),
        (None, Verdict.UNKNOWN, "the alarm sensor was never seen"),
    ],
)
def test_a_heartbeat(ago: float | None, verdict: Verdict, told: str) -> None:
    seen = None if ago is None else NOW - timedelta(seconds=ago)
    phase = judge_seen("alarm sensor", seen, NOW, 120)
    assert phase.verdict is verdict
    assert describe_seen("alarm sensor", seen, NOW) == told
    assert phase.reason == told if verdict is Verdict.PASSED else "Dagster's daemon" in phase.reason
