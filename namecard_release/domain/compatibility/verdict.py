"""The verdict's words: safety, reasons, and the ruling about one effect. No rule belongs here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    """The verdict over files with the statements that decide it, in order; SAFE has none."""

    safety: Safety
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one effect means for the earlier code."""

    safety: Safety
    rule: str = ""
    why: str = ""


FINE = Ruling(Safety.SAFE)


def unsafe(rule: str, why: str) -> Ruling:
    """Rule that the earlier code breaks."""
    return Ruling(Safety.UNSAFE, rule, why)


def unknown(rule: str, why: str) -> Ruling:
    """Rule that nothing here shows whether the earlier code works."""
    return Ruling(Safety.UNKNOWN, rule, why)


def combine(safeties: frozenset[Safety]) -> Safety:
    """Give the worst: one UNSAFE decides, then one UNKNOWN."""
    return next((one for one in (Safety.UNSAFE, Safety.UNKNOWN) if one in safeties), Safety.SAFE)
