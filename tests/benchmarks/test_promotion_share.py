"""What no tool covers of a promotion's time, on time lines in small numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from benchmarks.promotion import Gap, Interval, find_gaps, gate_intervals, judge_share
from namecard_release.domain.gates import GateResult, Phase, Verdict


def tool(name: str, start: float, end: float) -> Interval:
    return Interval(name, start, end)


@pytest.mark.parametrize(
    ("tools", "gaps"),
    [
        ([], [Gap(10, "request", "baking")]),
        ([tool("a", 0, 10)], []),
        ([tool("a", 2, 5)], [Gap(2, "request", "a"), Gap(5, "a", "baking")]),
        ([tool("a", 0, 4), tool("b", 6, 10)], [Gap(2, "a", "b")]),
        ([tool("b", 3, 10), tool("a", 0, 5)], []),
        ([tool("outer", 0, 8), tool("inner", 2, 3), tool("later", 9, 10)], [Gap(1, "outer", "later")]),
        ([tool("before", -3, 1), tool("beyond", 8, 14)], [Gap(7, "before", "beyond")]),
        ([tool("all beyond", 12, 14)], [Gap(10, "request", "all beyond")]),
        ([tool("nothing", 4, 4)], [Gap(4, "request", "nothing"), Gap(6, "nothing", "baking")]),
    ],
)
def test_what_no_tool_covers_is_listed_in_order(tools: list[Interval], gaps: list[Gap]) -> None:
    assert find_gaps(0, 10, tools) == gaps


def test_a_share_sums_every_gap_and_tells_those_worth_it() -> None:
    share = judge_share("abc", 100.0, 110.0, [tool("a", 100.02, 104.0), tool("b", 106.0, 110.0)])
    assert (share.seconds, share.tools_seconds, share.outside_seconds) == (10.0, 7.98, 2.02)
    assert share.share == 0.202
    assert share.gaps == (Gap(2.0, "a", "b"),)


def gate(name: str, *phases: tuple[str, float | None]) -> GateResult:
    told = tuple(Phase(phase, Verdict.PASSED, "", seconds) for phase, seconds in phases)
    begun, ended = (datetime.fromtimestamp(moment, UTC) for moment in (100, 120))
    return GateResult(name, "abc", Verdict.PASSED, "", begun, ended, phases=told)


@pytest.mark.parametrize(
    ("result", "intervals"),
    [
        (
            gate("quality", ("lint", 3.0), ("test", 4.0)),
            [tool("quality: lint", 100, 103), tool("quality: test", 103, 107)],
        ),
        (
            gate("source", ("install", 5.0), ("generate", 1.0)),
            [tool("source: install", 114, 119), tool("source: generate", 119, 120)],
        ),
        (gate("source", ("checkout", 0.0)), []),
        (
            gate("migration_plan", ("lint_migrations", 2.0), ("ledger", None), ("trial", 1.0)),
            [tool("migration_plan: lint_migrations", 100, 102)],
        ),
        (gate("quality", ("lint", 3.0), ("test", None)), [tool("quality: lint", 100, 103)]),
    ],
)
def test_commands_are_placed_one_after_another(result: GateResult, intervals: list[Interval]) -> None:
    assert gate_intervals(result) == intervals
