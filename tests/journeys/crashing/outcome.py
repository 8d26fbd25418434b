"""What came of a cell of the crash matrix, and the file in which each is kept as it comes, so that a play can go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.crashing.matrix import Cell

_ROOT = Path(__file__).parents[3]
# What decides how a change survives; the harness itself is none of it.
_PRODUCT = ("namecard_release", "assets", "jobs", "sensors", "deploy")


@dataclass(frozen=True)
class Outcome:
    """What came of one cell: how its change ended, how long until something went on, deploys of each stack."""

    cell: Cell
    end: str
    recovery_seconds: float
    deploys: int


class Record:
    """The outcomes of cells that held, one JSON line each, with a fingerprint of the code that they were played on."""

    def __init__(self, file: Path) -> None:
        self._file, self._code = file, fingerprint()

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Keep outcomes."""
        with self._file.open("a", encoding="utf-8") as lines:
            for one in outcomes:
                told = {"cell": one.cell.name, "end": one.end, "recovery_seconds": round(one.recovery_seconds, 2)}
                lines.write(json.dumps({**told, "deploys": one.deploys, "code": self._code}) + "\n")

    def read(self, cells: Sequence[Cell]) -> dict[Cell, Outcome]:
        """Give what was kept of cells under the code as it is now, the newest of each."""
        known, found = {cell.name: cell for cell in cells}, {}
        text = self._file.read_text(encoding="utf-8") if self._file.exists() else ""
        for told in map(json.loads, text.splitlines()):
            cell = known.get(told["cell"])
            if cell is not None and told["code"] == self._code:
                found[cell] = Outcome(cell, told["end"], told["recovery_seconds"], told["deploys"])
        return found


def fingerprint() -> str:
    """Give a digest of the code under test."""
    digest = hashlib.sha256()
    for file in _files():
        digest.update(f"{file.relative_to(_ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _files() -> Iterator[Path]:
    for folder in _PRODUCT:
        yield from sorted(file for file in (_ROOT / folder).rglob("*") if file.suffix in (".py", ".yaml"))
