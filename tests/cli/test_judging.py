"""`migrations judge` from the outside: its JSON, its exit codes, its order of files, its words for a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from namecard_release.cli.judging import order_files
from namecard_release.cli.main import app

CREATE = "2026-01-01T0000__cards__create-tag.sql"
DROP = "2026-02-01T0000__cards__drop-name.sql"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["migrations", "judge", *map(str, words)])


@pytest.mark.parametrize(
    ("sql", "verdict", "code", "rules"),
    [
        ("create table a.b (c int);", "SAFE", 0, []),
        ("-- words alone", "SAFE", 0, []),
        ("select 1;\n\ndrop table a.b;", "UNSAFE", 1, [("drop-table", 3)]),
        ("do $$ begin execute 'x'; end $$;", "UNKNOWN", 3, [("dynamic-sql", 1)]),
        ("update a.b set c = 1;\ndrop table a.b;", "UNSAFE", 1, [("update", 1), ("drop-table", 2)]),
    ],
)
def test_the_verdict_is_json_and_an_exit_code(
    tmp_path: Path, sql: str, verdict: str, code: int, rules: list[tuple[str, int]]
) -> None:
    file = tmp_path / "a.sql"
    file.write_text(sql)
    done = run(file, "--json")
    told = json.loads(done.stdout)
    assert (told["verdict"], done.exit_code, list(told)) == (verdict, code, ["verdict", "reasons"])
    assert [(reason["rule"], reason["line"]) for reason in told["reasons"]] == rules
    assert all(list(reason) == ["file", "line", "rule", "why"] for reason in told["reasons"])
    assert all(reason["file"] == str(file) for reason in told["reasons"])
    plain = run(file)
    assert plain.exit_code == code and plain.stdout.splitlines()[0] == verdict
    assert len(plain.stdout.splitlines()) == 1 + len(rules)


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_migrations_are_judged_in_the_order_of_their_names(tmp_path: Path) -> None:
    create = write(tmp_path / "services/cards/migrations", CREATE, "create table cards.tag (id int, name text);")
    drop = write(tmp_path / "services/auth/migrations", DROP, "alter table cards.tag drop column name;")
    assert order_files([drop, create]) == [create, drop]
    assert order_files([tmp_path, drop]) == [create, drop]
    assert run(drop, create).exit_code == 0 and run(tmp_path).exit_code == 0


def test_other_files_are_judged_in_the_order_given(tmp_path: Path) -> None:
    create = write(tmp_path, "z.sql", "create table cards.tag (id int, name text);")
    drop = write(tmp_path, DROP, "alter table cards.tag drop column name;")
    assert order_files([drop, create, drop]) == [drop, create]
    assert run(drop, create).exit_code == 1 and run(create, drop).exit_code == 0


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("none.sql", None, "none.sql cannot be read: No such file or directory"),
        ("latin.sql", b"select '\xe9'", "latin.sql is not UTF-8: byte 8 cannot be read"),
        ("words.sql", b"Dear reader, this is prose.", "words.sql is not SQL"),
        ("nul.sql", b"select '\x00'", "nul.sql is not SQL: it holds NUL bytes"),
        ("folder", "", "folder holds no .sql file"),
    ],
)
def test_what_is_no_sql_file_is_told_in_one_line(
    tmp_path: Path, name: str, content: bytes | str | None, told: str
) -> None:
    good = write(tmp_path, "good.sql", "select 1;")
    path = tmp_path / name
    if content == "":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    done = run(good, path, "--json")
    assert done.exit_code == 2 and done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1 and told in done.stderr


def test_a_database_that_does_not_answer_is_unknown_and_keeps_its_password(tmp_path: Path) -> None:
    file = write(tmp_path, "a.sql", "select 1;")
    done = run(file, "--database-url", "postgresql://u:s3cret@127.0.0.1:1/x")
    assert done.exit_code == 3 and "cannot be reached" in done.stderr and "s3cret" not in done.stderr


def test_nothing_to_judge_is_misuse() -> None:
    assert run("--json").exit_code == 2
