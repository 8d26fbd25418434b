"""Migration files linted: our rules over PostgreSQL's own parser, and squawk's. What they mean is the domain's."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from namecard_release.adapters.sql.reading import read_sql
from namecard_release.adapters.sql.squawk import Squawk
from namecard_release.domain.lint_rules.names import find_bad_names
from namecard_release.domain.linting import Finding, lint_file
from namecard_release.domain.migrations import MigrationFile


class PostgresLinter:
    """Lints files by their names and statements, and by squawk's advice. Keeps the port `SqlLinter`."""

    def __init__(self, squawk: Squawk | None = None) -> None:
        self._squawk = squawk or Squawk()

    def lint(self, files: Sequence[MigrationFile]) -> tuple[Finding, ...]:
        """Lint files in the order given, squawk asked once for all of them.

        Raises MisuseError for a text that is no SQL, TransientError or PermanentError when squawk gives no answer.
        """
        names = find_bad_names(files)
        # squawk is a process of its own: it works while the files are read here.
        with ThreadPoolExecutor(1) as pool, _uncollected():
            asked = pool.submit(self._squawk.advise, [file.sql for file in files])
            read = [read_sql(file.path, file.sql) for file in files]
            advice = asked.result()
            return tuple(
                finding
                for file, hits in zip(read, advice, strict=True)
                for finding in lint_file(file, advice=hits, named=names.get(file.name, ()))
            )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold the search for cycles: trees and facts have none, and looking through them takes a tenth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
