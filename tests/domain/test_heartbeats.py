"""What was not seen for too long is unknown, never healthy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.gates import Verdict
from namecard_release.domain.heartbeats import describe_seen, find_silent, judge_seen
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase

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


@pytest.mark.parametrize(
    ("phase", "ago", "waiting", "silent"),
    [
        (PromotionPhase.REQUESTED, 36, None, True),
        (PromotionPhase.GATED, 36, None, True),
        (PromotionPhase.DEPLOYING, 36, None, True),
        (PromotionPhase.VERIFYING, 36, None, True),
        (PromotionPhase.VERIFYING, 35, None, False),
        (PromotionPhase.VERIFYING, -5, None, False),
        (PromotionPhase.VERIFYING, None, None, False),
        (PromotionPhase.REQUESTED, 36, "one approval", False),
        (PromotionPhase.BAKING, 36, None, False),
        (PromotionPhase.SUCCEEDED, 36, None, False),
        (PromotionPhase.FAILED, 36, None, False),
    ],
)
def test_a_run_at_work_that_is_silent_for_too_long_is_found(
    phase: PromotionPhase, ago: int | None, waiting: str | None, silent: bool
) -> None:
    promotion = Promotion(
        "p-1", "staging", "a" * 40, PromotionKind.PROMOTION, phase, "ada", "because", NOW, NOW, "run-1", waiting=waiting
    )
    beats = {"run-1": None if ago is None else NOW - timedelta(seconds=ago)}
    assert find_silent([promotion], beats, NOW, 35.0) == ((promotion,) if silent else ())
