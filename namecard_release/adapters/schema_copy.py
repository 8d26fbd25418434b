"""A target's schema taken as SQL with pg_dump, never a row of a table. Laying it out elsewhere is in `laying`."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from namecard_release.adapters.commands import ProcessRunner
from namecard_release.adapters.postgres import mask, read_url, server_of
from namecard_release.adapters.postgres_programs import find_packaged_folder, find_system_folders
from namecard_release.errors import PermanentError, TransientError

_SECONDS = 120.0
# A table that a migrator is changing is waited for no longer than this, lest others wait behind us.
_LOCK_MILLISECONDS = 3000
_WHAT = ("--schema-only", "--no-owner", "--no-privileges", "--no-tablespaces", "--no-comments", "--no-security-labels")
_NOT = ("--no-publications", "--no-subscriptions", "--no-password", f"--lock-wait-timeout={_LOCK_MILLISECONDS}")
# libpq's names of what a URL may tell, as the variables that give them to a program (PostgreSQL documentation,
# "Environment Variables"): an argument list is there for everyone to read.
_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "channel_binding": "PGCHANNELBINDING",
    "service": "PGSERVICE",
    "sslmode": "PGSSLMODE",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "sslsni": "PGSSLSNI",
    "gssencmode": "PGGSSENCMODE",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
_PASSTHROUGH = ("HOME", "TMPDIR", *_VARIABLES.values())
# A psql command that fences the SQL of newer dumps, and a setting that older servers do not know at its default.
_FENCE = re.compile(r"\A(?:--[^\n]*\n|\n)*(\\restrict (\w+)\n)")
_UNKNOWN_SETTING = re.compile(r"^SET transaction_timeout = 0;$", re.MULTILINE)


def copy_schema(url: str, server_version: int, pg_dump: Path | None = None) -> tuple[str, str]:
    """Give the SQL of a database's schema that comes before rows, and that which comes after them.

    pg_dump reads in a transaction that is READ ONLY. Raises PermanentError where there is no pg_dump that is as new as
    the server, TransientError where it did not succeed; neither text holds the password.
    """
    program = find_pg_dump(server_version // 10000, pg_dump)
    with tempfile.TemporaryDirectory(prefix="schema-") as scratch:
        archive = Path(scratch) / "archive"
        _run(program, [*_WHAT, *_NOT, "--format=custom", f"--file={archive}"], Path(scratch), url)
        before, after = (_extract(program, Path(scratch), archive, part, url) for part in ("pre-data", "post-data"))
    return before, after


def find_pg_dump(major: int, explicit: Path | None = None) -> Path:
    """Find the oldest pg_dump that is no older than a server's major version: the configured one, the system's, PyPI's.

    A pg_dump refuses a newer server (PostgreSQL documentation, "pg_dump", Notes). Raises PermanentError for none.
    """
    found = [(version, path) for path in _candidates(explicit) if (version := _version(path)) is not None]
    fitting = [(version, path) for version, path in found if version >= major]
    if fitting:
        return min(fitting, key=lambda pair: pair[0])[1]
    if not found:
        raise PermanentError(f"no pg_dump {'at ' + str(explicit) if explicit else 'is installed'}: set trial.pg_dump")
    newest = max(version for version, _ in found)
    raise PermanentError(f"pg_dump {newest} is older than the server's {major}: set trial.pg_dump")


def _candidates(explicit: Path | None) -> Iterator[Path]:
    if explicit is not None:
        yield explicit
        return
    packaged = find_packaged_folder()
    for folder in (*find_system_folders("pg_dump"), *([packaged] if packaged is not None else [])):
        yield folder / "pg_dump"


def _version(program: Path) -> int | None:
    try:
        told = subprocess.run(
            [str(program), "--version"],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={"LC_ALL": "C"},
            timeout=10,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", told)
    return int(match[1]) if match else None


def _extract(program: Path, scratch: Path, archive: Path, part: str, url: str) -> str:
    """Give one part of an archive as SQL that a server takes as one query."""
    text = scratch / part
    words = [f"--section={part}", "--no-owner", "--no-privileges", f"--file={text}", "--", str(archive)]
    _run(program.with_name("pg_restore"), words, scratch, url)
    return clean_sql(text.read_text(encoding="utf-8"))


def clean_sql(sql: str) -> str:
    """Take out of a dump what is psql's, and what only newer servers know."""
    fence = _FENCE.search(sql)
    if fence is not None:
        sql = sql.replace(fence[1], "", 1).replace(f"\\unrestrict {fence[2]}\n", "", 1)
    return _UNKNOWN_SETTING.sub("", sql, count=1)


def _run(program: Path, words: Sequence[str], folder: Path, url: str) -> None:
    env = {_VARIABLES[name]: value for name, value in read_url(url).items() if name in _VARIABLES}
    # Names in messages and in the SQL are then the same everywhere.
    env |= {"LC_ALL": "C", "PGCLIENTENCODING": "UTF8", "PGCONNECT_TIMEOUT": "5"}
    outcome = ProcessRunner(passthrough=_PASSTHROUGH).run([str(program), *words], folder, env, _SECONDS)
    if outcome.exit_code == 0:
        return
    why = outcome.not_started or ("took too long" if outcome.timed_out else " | ".join(outcome.tail[-2:]))
    raise TransientError(f"{program.name} did not copy the schema of {server_of(url)}: {mask(why, url)}")
