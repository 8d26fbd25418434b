"""The outcomes of the crash matrix as the table in the documentation, between two marks of the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.journeys.crashing.outcome import Outcome

BEGIN, END = "<!-- crash matrix: written by make crash -->", "<!-- crash matrix: end -->"
_COLUMNS = ("Change", "Step", "When", "Killed", "Ended", "Recovery began after", "Deploys of a stack")
_HEAD = "\n".join([f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"])


def write_table(file: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the table in the place of the one before."""
    text = file.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    file.write_text(f"{before}{BEGIN}\n{render_table(outcomes)}\n{END}{after}", encoding="utf-8")


def render_table(outcomes: Sequence[Outcome]) -> str:
    """Give the table and the line that sums it up; every outcome is one that held."""
    slowest = max(one.recovery_seconds for one in outcomes)
    told = f"{len(outcomes)} cells, all resumed, none held; recovery began after {slowest:.1f} s at the latest."
    return "\n".join([told, "", _HEAD, *(_row(one) for one in outcomes)])


def _row(one: Outcome) -> str:
    cell, moment = one.cell, one.cell.moment
    seconds = f"{one.recovery_seconds:.1f} s"
    columns = (cell.change, moment.step, moment.when, cell.victim, one.end, seconds, one.deploys)
    return f"| {' | '.join(str(column) for column in columns)} |"
