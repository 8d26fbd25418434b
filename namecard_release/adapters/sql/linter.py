"""Migration files linted: our rules over PostgreSQL's own parser. What a finding means for a gate is the domain's."""

from __future__ import annotations

from collections.abc import Sequence

from namecard_release.adapters.sql.reading import read_sql
from namecard_release.domain.linting import Finding, lint_file
from namecard_release.domain.migrations import MigrationFile


class PostgresLinter:
    """Lints files by their statements. Keeps the port `SqlLinter`."""

    def lint(self, files: Sequence[MigrationFile]) -> tuple[Finding, ...]:
        """Lint files in the order given. Raises MisuseError for a text that is no SQL."""
        return tuple(finding for file in files for finding in lint_file(read_sql(file.path, file.sql)))
