"""The platform's role and databases on the sandbox's server, made when they are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from namecard_release.errors import PermanentError, RefusedError

ROLE = "namecard_user"
DATABASES = ("namecard_dev", "namecard_staging", "namecard_prod", "namecard_test")
# Made when the sandbox keeps its ledger and Dagster's history in PostgreSQL.
STORES = ("namecard_ledger", "namecard_dagster")
# On a configured server, a role of that name without this comment is somebody else's.
COMMENT = "Made by the namecard-release sandbox"


def can_connect(url: str) -> bool:
    """Tell whether the server accepts that login now."""
    import psycopg2

    try:
        psycopg2.connect(url, connect_timeout=3).close()
    except psycopg2.OperationalError:
        return False
    return True


def prepare(admin_url: str, password: str, more: Sequence[str] = ()) -> None:
    """Make the role `namecard_user`, which may create databases, and the databases it owns, `more` among them.

    Raises PermanentError when the server refuses, RefusedError when the role is somebody else's.
    """
    import psycopg2

    try:
        connection = psycopg2.connect(admin_url, connect_timeout=10)
    except psycopg2.OperationalError as error:
        raise PermanentError(f"PostgreSQL does not answer: {str(error).strip()}") from error
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            _role(cursor, password)
            _databases(cursor, (*DATABASES, *more))
    except psycopg2.Error as error:
        raise PermanentError(f"PostgreSQL refuses to make {ROLE} or its databases: {str(error).strip()}") from error
    finally:
        connection.close()


def _role(cursor: Any, password: str) -> None:
    cursor.execute("select shobj_description(oid, 'pg_authid') from pg_roles where rolname = %s", (ROLE,))
    found: Sequence[Any] | None = cursor.fetchone()
    if found is None:
        cursor.execute(f"create role {ROLE} login createdb password %s", (password,))
        cursor.execute(f"comment on role {ROLE} is '{COMMENT}'")
    elif found[0] == COMMENT:
        cursor.execute(f"alter role {ROLE} login createdb password %s", (password,))
    else:
        raise RefusedError(f"The configured server has a role {ROLE} that is not the sandbox's: use another server")


def _databases(cursor: Any, names: Sequence[str]) -> None:
    cursor.execute("select datname from pg_database where datname = any(%s)", (list(names),))
    present = {row[0] for row in cursor.fetchall()}
    # Creating a database for another role needs membership in it, unless one is a superuser.
    cursor.execute("select rolsuper from pg_roles where rolname = current_user")
    if not cursor.fetchone()[0]:
        cursor.execute(f"grant {ROLE} to current_user")
    for name in names:
        if name not in present:
            cursor.execute(f"create database {name} owner {ROLE}")
