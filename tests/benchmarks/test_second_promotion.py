"""A promotion's wall without its deploy, and which gates an earlier check stood for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.runs import RunTimes
from benchmarks.second_promotion import judge_wall
from namecard_release.domain.gates import GateResult, Verdict
from namecard_release.domain.promotion import PromotionPhase

P = PromotionPhase
BEGUN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CHECKED = GateResult("quality", "a" * 40, Verdict.PASSED, "fine", BEGUN, BEGUN + timedelta(seconds=3))


def test_the_deploy_is_taken_out_and_everything_else_is_a_part() -> None:
    moments = {P.GATED: 110.0, P.DEPLOYING: 111.0, P.VERIFYING: 121.0, P.BAKING: 123.5}
    wall = judge_wall("prod", RunTimes(100.0, 102.0, 9.0), moments, ())
    assert (wall.seconds, wall.deploy_seconds, wall.without_deploy, wall.until_deploy) == (23.5, 10.0, 13.5, 11.0)
    assert tuple(wall.parts.values()) == (2.0, 8.0, 1.0, 2.5)
    assert wall.seconds == pytest.approx(wall.without_deploy + wall.deploy_seconds)


def test_a_gate_tells_whether_it_was_reused() -> None:
    reused = replace(CHECKED, gate="assembly", evidence={"reused_from": "run 1"}, ended_at=BEGUN)
    moments = dict.fromkeys((P.GATED, P.DEPLOYING, P.VERIFYING, P.BAKING), 1.0)
    gates = judge_wall("prod", RunTimes(1.0, 1.0, None), moments, (CHECKED, reused)).gates
    assert {name: (gate.seconds, gate.reused) for name, gate in gates.items()} == {
        "quality": (3.0, False),
        "assembly": (0.0, True),
    }
