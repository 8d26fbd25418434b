"""What the tests of plan and trial share: SQL run, files made, a database's fingerprint. No test belongs here."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from contextlib import closing
from urllib.parse import urlsplit

import psycopg2

from namecard_release.adapters.migrator import apply_file, prepare_ledger
from namecard_release.adapters.postgres import connected
from namecard_release.adapters.schema_copy import clean_sql, find_pg_dump
from namecard_release.adapters.target_database import PostgresTarget
from namecard_release.domain.migrations import MigrationFile

_WRITES = """select tup_inserted, tup_updated, tup_deleted from pg_stat_database where datname = current_database()"""


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    """Run one text in autocommit and give its rows."""
    with closing(psycopg2.connect(url)) as link:
        link.autocommit = True
        with link.cursor() as session:
            session.execute(statement)
            return session.fetchall() if session.description else []


def migration(name: str, sql: str, month: int = 1) -> MigrationFile:
    """Make a file; `1 cards x` stands for 2026-01-01T0001__cards__x.sql."""
    number, service, words = name.split()
    full = f"2026-{month:02}-01T{int(number):04}__{service}__{words}.sql"
    checksum = hashlib.sha256(sql.encode()).hexdigest()
    return MigrationFile(full, service, checksum, f"services/{service}/migrations/{full}", sql)


def deploy(url: str, files: Sequence[MigrationFile]) -> None:
    """Apply files as the migrator does."""
    with connected(url) as link, closing(link.cursor()) as session:
        prepare_ledger(session)
        for file in files:
            assert apply_file(link, session, file) is None


def fingerprint(url: str) -> tuple[object, ...]:
    """Give everything that a write to a database would change: our digest, its dump byte for byte, rows written."""
    reading = PostgresTarget(url).read()
    return reading.rows, PostgresTarget(url).read().catalogue_digest, dump(url), run(url, _WRITES)


def dump(url: str) -> str:
    """Dump schema and rows with pg_dump itself."""
    parts = urlsplit(url)
    login = {"PGUSER": parts.username, "PGPASSWORD": parts.password, "PGDATABASE": parts.path[1:]}
    place = {"PGHOST": parts.hostname, "PGPORT": str(parts.port), **login}
    env = {"PATH": os.defpath, **{name: value or "" for name, value in place.items()}}
    program = find_pg_dump(10)
    done = subprocess.run([str(program)], env=env, capture_output=True, text=True, check=True, timeout=60)
    return clean_sql(done.stdout)
