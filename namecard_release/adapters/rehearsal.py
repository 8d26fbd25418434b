"""Throw-away databases with a release's schema, for another release's tests. Running those tests is elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from namecard_release.adapters.migrator import apply_file, prepare_ledger
from namecard_release.adapters.postgres import connected, server_of, tell
from namecard_release.adapters.throw_away import throw_away
from namecard_release.domain.migrations import MigrationFile
from namecard_release.domain.rehearsal import DatabaseAddress
from namecard_release.errors import PermanentError, TransientError
from namecard_release.ports import RehearsalDatabase

if TYPE_CHECKING:
    from psycopg2.extensions import connection, cursor

_GONE_SECONDS = 5.0
_POLL_SECONDS = 0.02
# Servers before PostgreSQL 14 count no sessions; there the transactions tell.
_SESSIONS = """select coalesce((to_jsonb(s) ->> 'sessions')::bigint, s.xact_commit + s.xact_rollback)
    from pg_stat_database s where datname = %s"""
_BUSY = "select count(*) from pg_stat_activity where datname = %s and backend_type = 'client backend'"


class PostgresRehearsal:
    """Databases on the server at `url`, whose role has CREATEDB; None means no server. Keeps `RehearsalServer`."""

    def __init__(self, url: str | None) -> None:
        self._url = url

    @contextmanager
    def stage(self, files: Sequence[MigrationFile]) -> Iterator[RehearsalDatabase]:
        """Give a database with the files applied as the migrator does; it is dropped whatever happens.

        Raises PermanentError for a file that does not apply or when no server is configured, TransientError when
        the server does not answer.
        """
        if self._url is None:
            raise PermanentError("no server for throw-away databases is configured: set trial.database_url")
        with ExitStack() as stack:
            with _told(self._url):
                name = stack.enter_context(throw_away(self._url))
                address = _apply(self._url, name, files)
                before = _count_sessions(self._url, name)
            yield StagedDatabase(address, self._url, before)


@dataclass(frozen=True)
class StagedDatabase:
    """A database that is there for the length of a block. Keeps `RehearsalDatabase`."""

    address: DatabaseAddress
    server: str
    before: int

    def was_used(self) -> bool:
        """Tell whether anybody connected to it since it was made. Raises TransientError when that cannot be read."""
        with _told(self.server):
            return _count_sessions(self.server, self.address.name) > self.before


def _apply(url: str, name: str, files: Sequence[MigrationFile]) -> DatabaseAddress:
    with connected(url, name) as link, closing(link.cursor()) as session:
        prepare_ledger(session)
        for file in files:
            failure = apply_file(link, session, file)
            if failure is not None:
                raise PermanentError(f"{file.name} does not apply to the rehearsal's database: {failure.error}")
        return _address(link, name)


def _address(link: connection, name: str) -> DatabaseAddress:
    info = link.info
    return DatabaseAddress(info.host or "localhost", info.port, info.user, name, info.password or "")


def _count_sessions(url: str, name: str) -> int:
    # A backend hands in its count when it ends, a moment after its client has gone.
    with connected(url) as link, closing(link.cursor()) as session:
        end = time.monotonic() + _GONE_SECONDS
        while _ask(session, _BUSY, name) and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)
        return _ask(session, _SESSIONS, name)


def _ask(session: cursor, question: str, name: str) -> int:
    session.execute(question, (name,))
    row = session.fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _told(url: str) -> Iterator[None]:
    import psycopg2

    try:
        yield
    except psycopg2.Error as error:
        raise TransientError(f"the rehearsal's server {server_of(url)}: {tell(error, url)}") from None
