"""Migration files linted: our rules over PostgreSQL's own parser, and squawk's. What they mean is the domain's."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from namecard_release.adapters.sql.reading import keep, read_sql
from namecard_release.adapters.sql.shares import MANY, Linted, Share, lint_shared
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
        share = Share(tuple(files), self._squawk, find_bad_names(files))
        if len(files) < MANY:
            return lint_share(share).findings
        parts = lint_shared(share, lint_share)
        for file, read in zip(files, (read for part in parts for read in part.read), strict=True):
            keep(file.sql, read)
        return tuple(finding for part in parts for finding in part.findings)


def lint_share(share: Share) -> Linted:
    """Lint files in this process, squawk asked once for all of them; raises what `PostgresLinter.lint` does."""
    # squawk is a process of its own: it works while the files are read here.
    with ThreadPoolExecutor(1) as pool, _uncollected():
        asked = pool.submit(share.squawk.advise, [file.sql for file in share.files])
        read = tuple(read_sql(file.path, file.sql) for file in share.files)
        found = tuple(
            finding
            for file, hits in zip(read, asked.result(), strict=True)
            for finding in lint_file(file, advice=hits, named=share.names.get(file.name, ()))
        )
    return Linted(found, read)


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
