"""The labelled cases: what the lint says of each, own rules and squawk together. What they do is proven elsewhere."""

from __future__ import annotations

import pytest

from namecard_release.adapters.sql.linter import PostgresLinter
from namecard_release.domain.linting import Finding, Level
from namecard_release.domain.migrations import MigrationFile
from tests.lint_cases.all import CASES
from tests.lint_cases.case import Case, lines


@pytest.fixture(scope="module")
def told() -> dict[str, list[Finding]]:
    files = [MigrationFile(f"{i}.sql", "cards", "", f"{i}.sql", case.sql) for i, case in enumerate(CASES)]
    found: dict[str, list[Finding]] = {case.title: [] for case in CASES}
    for finding in PostgresLinter().lint(files):
        found[CASES[int(finding.file.removesuffix(".sql"))].title].append(finding)
    return found


def test_titles_are_told_apart() -> None:
    assert len({case.title for case in CASES}) == len(CASES) >= 80


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_lint_says_what_the_case_expects(case: Case, told: dict[str, list[Finding]]) -> None:
    found = told[case.title]
    errors = sorted((f.line, f.rule) for f in found if f.level is Level.ERROR)
    assert errors == lines(case.errors), found
    warnings = [(f.line, f.rule) for f in found if f.level is Level.WARNING and f.rule != "missing-lock-timeout"]
    assert sorted(w for w in warnings if not w[1].startswith("squawk:")) == lines(case.warnings), found
