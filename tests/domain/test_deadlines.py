"""A promotion that makes no progress is overdue by its phase's deadline, to the second."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.deadlines import Deadlines, find_overdue
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
P = PromotionPhase
LIMITS = {P.REQUESTED: 10, P.GATED: 20, P.DEPLOYING: 30, P.VERIFYING: 40}
DEADLINES = {"staging": Deadlines(gating=10, waiting=20, deploying=30, verifying=40)}
PLAIN = Promotion("p-1", "staging", "a" * 40, PromotionKind.PROMOTION, P.REQUESTED, "ada", "wanted", NOW, NOW)


@pytest.mark.parametrize("phase", list(P))
@pytest.mark.parametrize("kind", list(PromotionKind))
def test_each_phase_has_its_own_deadline(phase: PromotionPhase, kind: PromotionKind) -> None:
    promotion = replace(PLAIN, phase=phase, kind=kind)
    limit = LIMITS.get(phase)
    for passed in (0, 9.9, 10, 10.1, 20, 20.1, 30, 30.1, 40, 40.1, 1e6):
        found = find_overdue([promotion], NOW + timedelta(seconds=passed), DEADLINES)
        assert [one.promotion for one in found] == ([promotion] if limit is not None and passed > limit else [])


def test_what_waits_for_people_is_not_overdue() -> None:
    waits = replace(PLAIN, waiting="waits for approval of staging: 0 of 2")
    assert find_overdue([waits], NOW + timedelta(days=9), DEADLINES) == ()


def test_the_reason_tells_the_limit_and_since_when() -> None:
    deploying = replace(PLAIN, phase=P.DEPLOYING)
    (found,) = find_overdue([deploying], NOW + timedelta(hours=1), DEADLINES)
    assert found.reason.startswith("its deploy took longer than 30 s (DEPLOYING since 2026-03-02 09:00:00 UTC)")


def test_only_known_environments_have_deadlines() -> None:
    elsewhere = replace(PLAIN, environment="prod")
    late = NOW + timedelta(days=9)
    assert [one.promotion for one in find_overdue([elsewhere, PLAIN], late, DEADLINES)] == [PLAIN]
