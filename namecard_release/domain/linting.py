"""What a migration file may not do, as findings over its typed facts. Reading SQL and running tools is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from namecard_release.domain.gates import Verdict
from namecard_release.domain.sql import SqlFile


class Level(StrEnum):
    """How a finding counts: an error fails the lint, a warning is shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found, at a 1-based line of a file."""

    file: str
    line: int
    rule: str
    level: Level
    message: str


@dataclass(frozen=True)
class LintReport:
    """The verdict over files (PASSED or FAILED) with every finding, in file and line order."""

    verdict: Verdict
    findings: tuple[Finding, ...]


def lint_file(file: SqlFile) -> tuple[Finding, ...]:
    """Find what a file may not do, by its statements' facts."""
    return tuple(Finding(file.name, piece.line, "unreadable", Level.ERROR, piece.message) for piece in file.unreadable)


def conclude_lint(findings: Sequence[Finding]) -> LintReport:
    """Give the report over findings: one error fails."""
    ordered = tuple(sorted(findings, key=lambda f: (f.file, f.line, f.rule)))
    failed = any(finding.level is Level.ERROR for finding in ordered)
    return LintReport(Verdict.FAILED if failed else Verdict.PASSED, ordered)


# The rules whose findings mean that a file would not stay inside the migrator's transaction.
ESCAPING_RULES: frozenset[str] = frozenset({"own-transaction"})


def find_escapes(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Give the findings of files that must not be run at all, not even on a throw-away database."""
    return tuple(finding for finding in findings if finding.rule in ESCAPING_RULES)
