"""Migrations tried on a throw-away database, as the platform's migrator applies them. No judgement here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from namecard_release.adapters.laying import TARGETS_SCHEMA, lay_schema
from namecard_release.adapters.measuring import Measured, measure
from namecard_release.adapters.migrator import apply_file, prepare_ledger
from namecard_release.adapters.postgres import connected, server_of, tell
from namecard_release.adapters.sql.reading import read_sql
from namecard_release.adapters.throw_away import throw_away
from namecard_release.domain.migrations import MigrationFile, SchemaCopy, TrialResult
from namecard_release.domain.sql import Verb
from namecard_release.errors import MisuseError, TransientError

_ALONE = "migrations alone"
# What a transaction takes and no database holds; what no transaction takes fails by itself.
_OUTSIDE = frozenset({"CreateRole", "AlterRole", "AlterRoleSet", "DropRole", "AlterDatabase", "AlterDatabaseSet"})


class PostgresTrial:
    """Throw-away databases on the server at `url`, whose role has CREATEDB; None means that there is no server.

    A file may end the wrapper's transaction; it then changes the throw-away database alone. A file that says it
    changes the whole server is not tried; dynamic SQL is not fenced (ALTER ROLE on itself, ALTER DATABASE on what it
    owns), so give it a role of its own that owns nothing. Keeps the port `TrialServer`.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url

    def missing(self) -> str | None:
        """Say why no trial can be held at all, without connecting."""
        return "no trial server is configured" if self._url is None else None

    def apply(
        self, base: Sequence[MigrationFile], pending: Sequence[MigrationFile], schema: SchemaCopy | None = None
    ) -> TrialResult:
        """Apply `pending` onto a target's schema with the rows that `base` makes, else onto what `base` alone makes.

        A pending file that fails is `failed`; anything else that stops the trial is `unread`. Raises nothing.
        """
        import psycopg2

        if self._url is None:
            return TrialResult(unread=self.missing())
        started = time.monotonic()
        outside = next((told for told in map(_outside, pending) if told), None)
        if outside is not None:
            return TrialResult(unread=outside)
        try:
            tried = _hold(self._url, base, pending, schema)
        except TransientError as error:
            tried = TrialResult(unread=str(error))
        except psycopg2.Error as error:
            tried = TrialResult(unread=f"the trial server {server_of(self._url)}: {tell(error, self._url)}")
        return replace(tried, seconds=time.monotonic() - started)


def _outside(file: MigrationFile) -> str | None:
    """Say what of a file would stay on the trial server: roles, databases and their settings are not one database's."""
    try:
        read = read_sql(file.name, file.sql)
    except MisuseError:
        # The server says better what is wrong with it.
        return None
    for statement in read.statements:
        for effect in statement.effects:
            if (effect.verb is Verb.SERVER and effect.name in _OUTSIDE) or (
                effect.verb in (Verb.GRANT, Verb.REVOKE) and effect.kind == "role"
            ):
                what = effect.name or "a role's membership"
                return f"{file.name} line {effect.line} changes the whole server ({what}), so it is not tried"
    return None


def _hold(
    url: str, base: Sequence[MigrationFile], pending: Sequence[MigrationFile], schema: SchemaCopy | None
) -> TrialResult:
    """Measure on a copy, for what a statement does to a sequence stays done; then apply as the migrator does."""
    with throw_away(url) as ground:
        basis = _replay(url, ground, base) if schema is None else _lay(url, ground, base, schema)
        if not pending:
            return TrialResult(basis=basis)
        with throw_away(url, ground) as copy:
            measured = measure(url, copy, pending)
        whole = basis in (TARGETS_SCHEMA, _ALONE)
        return replace(_apply_pending(url, ground, pending, measured, whole=whole), basis=basis)


def _replay(url: str, database: str, base: Sequence[MigrationFile]) -> str:
    failure = replay(url, database, base)
    if failure is not None:
        raise TransientError(f"of the schema there already, {failure}")
    return _ALONE


def replay(url: str, database: str, files: Sequence[MigrationFile]) -> str | None:
    """Apply files to a database as the migrator does, up to the first that fails; says which and why, or None."""
    with connected(url, database) as link, closing(link.cursor()) as session:
        prepare_ledger(session)
        for file in files:
            if (outside := _outside(file)) is not None:
                return outside
            failure = apply_file(link, session, file)
            if failure is not None:
                return f"{file.name}: {failure.error}"
    return None


def _lay(url: str, ground: str, base: Sequence[MigrationFile], schema: SchemaCopy) -> str:
    """Lay the target's schema out and fill it with the rows that its own applied migrations make."""
    if not base:
        return lay_schema(url, ground, schema, None)
    with throw_away(url) as seeds:
        stopped = replay(url, seeds, base)
        basis = lay_schema(url, ground, schema, seeds)
    return basis if stopped is None else f"{basis}; its rows end before {stopped}"


def _apply_pending(
    url: str, database: str, pending: Sequence[MigrationFile], measured: Measured, *, whole: bool
) -> TrialResult:
    """Apply pending files up to the first that fails; `whole` tells that no rows of the applied ones are left out."""
    applied: list[str] = []
    costs = measured.statements
    with connected(url, database) as link, closing(link.cursor()) as session:
        prepare_ledger(session)
        for file in pending:
            failure = apply_file(link, session, file)
            if failure is None:
                applied.append(file.name)
            elif failure.by_server or (failure.for_a_row and not whole):
                return TrialResult(tuple(applied), unread=f"{file.name}: {failure.error}", statements=costs)
            else:
                at = measured.failures.get(file.name)
                return TrialResult(
                    tuple(applied), failed=file.name, error=failure.error, statements=costs, failed_statement=at
                )
    return TrialResult(tuple(applied), statements=costs)
