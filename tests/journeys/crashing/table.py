"""The outcomes of the crash matrix as tables in the documentation, between two marks of the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from tests.journeys.crashing.matrix import Victim
from tests.journeys.crashing.outcome import Outcome

BEGIN, END = "<!-- crash matrix: written by make crash -->", "<!-- crash matrix: end -->"
_SUMMARY = ("Killed", "Cells", "Recovery began after, median", "Slowest")
_COLUMNS = ("Change", "Step", "When", "Killed", "Ended", "Recovery began after", "Deploys of a stack")


def write_table(file: Path, outcomes: Sequence[Outcome], code: str) -> None:
    """Write the tables in the place of the ones before; `code` names what was played."""
    text = file.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    file.write_text(f"{before}{BEGIN}\n{render_table(outcomes, code)}\n{END}{after}", encoding="utf-8")


def render_table(outcomes: Sequence[Outcome], code: str) -> str:
    """Give the line that sums it up, a table by victim, and one with every cell; every outcome is one that held."""
    slowest = max(one.recovery_seconds for one in outcomes)
    told = (
        f"{len(outcomes)} cells, all resumed, none held; recovery began after {slowest:.1f} s at the latest. Played"
        f" with ledger and Dagster's stores in PostgreSQL on the code with the digest `{code}`."
    )
    summary = [_row(_SUMMARY), _rule(_SUMMARY), *_sums(outcomes)]
    return "\n".join([told, "", *summary, "", _row(_COLUMNS), _rule(_COLUMNS), *map(_cell_row, outcomes)])


def _sums(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for victim in Victim:
        seconds = [one.recovery_seconds for one in outcomes if one.cell.victim is victim]
        if seconds:
            yield _row((victim, len(seconds), f"{median(seconds):.1f} s", f"{max(seconds):.1f} s"))


def _cell_row(one: Outcome) -> str:
    cell, moment = one.cell, one.cell.moment
    seconds = f"{one.recovery_seconds:.1f} s"
    return _row((cell.change, moment.step, moment.when, cell.victim, one.end, seconds, one.deploys))


def _row(columns: Sequence[object]) -> str:
    return f"| {' | '.join(str(column) for column in columns)} |"


def _rule(columns: Sequence[object]) -> str:
    return "|---" * len(columns) + "|"
