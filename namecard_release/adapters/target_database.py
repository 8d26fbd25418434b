"""An environment's database, read and never written. Judging its migration ledger does not belong here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from namecard_release.adapters.aws_clients import PATIENCE, AwsClients, AwsPatience
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.catalogue import read_catalogue
from namecard_release.adapters.postgres import connected, server_of, tell
from namecard_release.adapters.schema_copy import copy_schema
from namecard_release.adapters.target_reading import read_only, read_rows, read_target
from namecard_release.domain.compatibility import Catalogue
from namecard_release.domain.migrations import LedgerRow, SchemaCopy, TargetReading
from namecard_release.errors import PermanentError, TransientError
from namecard_release.redaction import know_secrets
from namecard_release.time_limits import within

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

T = TypeVar("T")
# The server ends a statement of ours after ten seconds by itself.
_READ_SECONDS, _ANSWER_SECONDS = 90.0, 15.0
_FIELDS = ("host", "port", "username", "password", "dbname")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class PostgresTarget:
    """One database's ledger and catalogue; `url` is its URL or gives it when first needed. Keeps `TargetDatabase`."""

    def __init__(self, url: str | Callable[[], str], pg_dump: Path | None = None) -> None:
        self._url = url
        self._pg_dump = pg_dump

    def rows(self) -> tuple[LedgerRow, ...]:
        """Read the ledger in name order, read-only; an absent table is an empty ledger.

        Raises TransientError when the database cannot be reached or refuses, and what the giver of the URL raises.
        """
        return self._read("the migration ledger", read_rows)

    def catalogue(self) -> Catalogue:
        """Read the catalogue, read-only and as of one moment. Raises as `rows` does."""
        return self._read("the catalogue", read_catalogue)

    def read(self) -> TargetReading:
        """Read the ledger, whether a migrator runs, and the catalogue's digest in one transaction set READ ONLY.

        Raises as `rows` does.
        """
        return self._read("the migration ledger", read_target)

    def copy_schema(self, reading: TargetReading) -> SchemaCopy:
        """Copy the schema that was read, with pg_dump, and never a row of its tables.

        Raises TransientError, and PermanentError where no pg_dump here can.
        """
        url = self._find_url()
        before, after = copy_schema(url, reading.server_version, self._pg_dump)
        return SchemaCopy(before, after, reading.rows)

    def _read(self, what: str, read: Callable[[cursor], T]) -> T:
        # Of a look of the watch, for instance, less may be left.
        with within(_READ_SECONDS):
            return self._read_from(self._find_url(), what, read)

    def _read_from(self, url: str, what: str, read: Callable[[cursor], T]) -> T:
        import psycopg2

        with connected(url, answer_seconds=_ANSWER_SECONDS) as link:
            try:
                with read_only(link) as session:
                    return read(session)
            except psycopg2.Error as error:
                raise TransientError(f"{what} at {server_of(url)} was not read: {tell(error, url)}") from None

    def _find_url(self) -> str:
        # Asked for on each read: a rotated secret gives another URL.
        return self._url if isinstance(self._url, str) else self._url()


def database_url_from_secret(
    region: str,
    endpoint_url: str | None,
    env: Mapping[str, str] | None,
    secret: str,
    patience: AwsPatience = PATIENCE,
) -> str:
    """Build a database URL from a secret of Secrets Manager, JSON {host, port, username, password, dbname}.

    Encryption is required of any server but one on this machine. Raises TransientError or PermanentError; the
    texts never hold the secret's value.
    """
    clients = AwsClients(region, endpoint_url, env, patience)
    with aws_errors_told(f"read the secret {secret}"):
        text = clients.secrets.get_secret_value(SecretId=secret).get("SecretString", "")
    fields = _fields(text, secret)
    know_secrets([fields["password"]])
    return url_from_fields(fields)


def url_from_fields(fields: Mapping[str, str]) -> str:
    """Build the URL from the secret's five fields as text."""
    host = fields["host"]
    login = f"{quote(fields['username'], safe='')}:{quote(fields['password'], safe='')}"
    place = f"{f'[{host}]' if ':' in host else host}:{fields['port']}/{quote(fields['dbname'], safe='')}"
    return f"postgresql://{login}@{place}" + ("" if host in _LOOPBACK else "?sslmode=require")


def _fields(text: str, secret: str) -> dict[str, str]:
    try:
        value: object = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise PermanentError(f"the secret {secret} is not a JSON object with {', '.join(_FIELDS)}")
    lost = [name for name in _FIELDS if value.get(name) in (None, "")]
    if lost:
        raise PermanentError(f"the secret {secret} has no {', '.join(lost)}")
    return {name: str(value[name]) for name in _FIELDS}
