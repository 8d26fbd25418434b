"""Whether earlier code can live on a schema, judged from the statements that lie between. Parsing is an adapter's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from namecard_release.domain.sql import SqlFile


class Safety(StrEnum):
    """Whether earlier code can run on the schema already applied."""

    SAFE = "SAFE"
    UNSAFE = "UNSAFE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a statement decides as it does, at a 1-based line of a file."""

    file: str
    line: int
    rule: str
    why: str


@dataclass(frozen=True)
class Compatibility:
    """The verdict over files with the statements that decide it; SAFE may have reasons that explain it."""

    safety: Safety
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalogue has it."""

    name: str
    kind: str
    nullable: bool
    has_default: bool


@dataclass(frozen=True)
class Catalogue:
    """The target's relations before the files: columns of each table (`schema.name`), and names of other objects."""

    tables: dict[str, tuple[Column, ...]]


def judge_changes(files: Sequence[SqlFile], catalogue: Catalogue | None = None) -> Compatibility:
    """Judge whether code that knows nothing of these files runs on the schema they leave; files in applied order."""
    reasons = tuple(
        Reason(file.name, statement.line, "not-judged", "nobody has judged this statement")
        for file in files
        for statement in file.statements
    )
    return Compatibility(Safety.UNKNOWN if reasons else Safety.SAFE, reasons)
