"""What needs no server: a dump cleaned of what is psql's, the pg_dump that fits, a login kept off the words."""

from __future__ import annotations

from pathlib import Path

import pytest

from namecard_release.adapters import schema_copy
from namecard_release.adapters.schema_copy import clean_sql, copy_schema, find_pg_dump
from namecard_release.errors import PermanentError, TransientError


@pytest.mark.parametrize(
    ("sql", "clean"),
    [
        ("SET a = 1;\nselect 1;\n", "SET a = 1;\nselect 1;\n"),
        ("--\n\\restrict aB9\nselect 1;\n\\unrestrict aB9\n", "--\nselect 1;\n"),
        # A body that holds such lines itself is left alone.
        (
            "\\restrict aB9\nselect '\n\\restrict zz\n\\unrestrict zz\n';\n\\unrestrict aB9\n",
            "select '\n\\restrict zz\n\\unrestrict zz\n';\n",
        ),
        ("select '\n\\restrict zz\n';\n", "select '\n\\restrict zz\n';\n"),
        ("SET transaction_timeout = 0;\nSET lock_timeout = 0;\n", "\nSET lock_timeout = 0;\n"),
    ],
)
def test_a_dump_becomes_one_query(sql: str, clean: str) -> None:
    assert clean_sql(sql) == clean


def program(folder: Path, version: str | None, exit_code: int = 0) -> Path:
    folder.mkdir(parents=True)
    file = folder / "pg_dump"
    told = "" if version is None else f"echo 'pg_dump (PostgreSQL) {version} (Distribution)'\n"
    fail = f'test "$1" = --version || {{ env > {folder}/env; echo "$@" > {folder}/words; exit {exit_code}; }}\n'
    file.write_text(f"#!/bin/sh\n{told}{fail}")
    file.chmod(0o700)
    return file


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Three versions and something that is no pg_dump."""
    made = {name: program(tmp_path / name, name) for name in ("14.2", "16.1", "18beta1")}
    folders = [program(tmp_path / "none", None).parent, *(file.parent for file in made.values())]
    monkeypatch.setattr(schema_copy, "find_system_folders", lambda _: tuple(folders))
    monkeypatch.setattr(schema_copy, "find_packaged_folder", lambda: None)
    return made


@pytest.mark.parametrize(
    ("major", "found"), [(12, "14.2"), (14, "14.2"), (15, "16.1"), (17, "18beta1"), (18, "18beta1")]
)
def test_the_oldest_that_is_new_enough_is_taken(installed: dict[str, Path], major: int, found: str) -> None:
    assert find_pg_dump(major) == installed[found]


def test_none_that_fits_is_told_with_what_to_do(installed: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"pg_dump 18 is older than the server's 19: set trial\.pg_dump"):
        find_pg_dump(19)
    with pytest.raises(PermanentError, match=r"pg_dump 14 is older than the server's 15"):
        find_pg_dump(15, installed["14.2"])
    with pytest.raises(PermanentError, match=r"no pg_dump at .*/gone"):
        find_pg_dump(15, tmp_path / "gone")


def test_the_login_goes_by_the_environment_alone_and_an_error_holds_no_password(tmp_path: Path) -> None:
    tool = program(tmp_path / "bin", "15.1", exit_code=1)
    url = "postgresql+psycopg2://me:s3cret%2Fpass@db.example:6543/cards?sslmode=require"
    with pytest.raises(TransientError, match=r"pg_dump did not copy the schema of db\.example:6543/cards") as caught:
        copy_schema(url, 150001, tool)
    words = (tool.parent / "words").read_text()
    given = dict(line.partition("=")[::2] for line in (tool.parent / "env").read_text().splitlines())
    assert "s3cret" not in words + str(caught.value) and "--schema-only" in words and "--no-owner" in words
    wanted = {"PGHOST": "db.example", "PGPORT": "6543", "PGUSER": "me", "PGPASSWORD": "s3cret/pass"}
    wanted |= {"PGDATABASE": "cards", "PGSSLMODE": "require"}
    assert given.items() >= wanted.items()
