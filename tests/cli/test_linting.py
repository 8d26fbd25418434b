"""`migrations lint` as a program: its JSON, its exit codes, what it takes for a PATH."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from namecard_release.cli.main import app

SANDBOX = Path(__file__).parent.parent.parent / "namecard_release" / "sandbox"
GOOD = "2026-02-02T0900__cards__add-a.sql"


def lint(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["migrations", "lint", *map(str, words)])


def told(*words: str | Path) -> dict[str, Any]:
    result = lint(*words, "--json")
    assert result.stderr == ""
    found: dict[str, Any] = json.loads(result.stdout)
    assert set(found) == {"verdict", "findings"}
    assert all(set(one) == {"file", "line", "rule", "level", "message"} for one in found["findings"])
    assert result.exit_code == {"PASSED": 0, "FAILED": 1}[found["verdict"]]
    return found


def checkout(root: Path, **files: str) -> Path:
    """Make a checkout with files of the service cards by name, `-` told as `_`."""
    folder = root / "services" / "cards" / "migrations"
    folder.mkdir(parents=True)
    for name, sql in files.items():
        (folder / GOOD.replace("add-a", name)).write_text(sql, encoding="utf-8")
    return folder


@pytest.mark.parametrize("release", ["a", "b", "c", "f"])
def test_a_release_that_may_go_passes(release: str) -> None:
    folder = SANDBOX / "platform" if release == "a" else SANDBOX / "releases" / release
    if not list(folder.glob("services/*/migrations/*.sql")):
        assert lint(folder).exit_code == 2
        return
    found = told(folder)
    assert found["verdict"] == "PASSED"
    assert {one["level"] for one in found["findings"]} == {"warning"}


def test_a_dropped_column_fails_at_its_line() -> None:
    found = told(SANDBOX / "releases" / "d")
    (error,) = [one for one in found["findings"] if one["level"] == "error"]
    assert (error["rule"], error["line"]) == ("drop-column", 1)
    assert error["file"].endswith("releases/d/services/cards/migrations/2026-02-16T0900__cards__drop-job-title.sql")


def test_a_unique_constraint_on_rows_is_a_warning() -> None:
    assert ("unique-on-data", 3) in {(one["rule"], one["line"]) for one in told(SANDBOX / "releases" / "f")["findings"]}


def test_a_path_is_a_file_a_folder_or_a_checkout(tmp_path: Path) -> None:
    folder = checkout(tmp_path, one="truncate a;", two="truncate b;")
    (folder / "README.md").write_text("no SQL", encoding="utf-8")
    one_file = folder / GOOD.replace("add-a", "one")
    for paths, count in (((one_file,), 1), ((folder,), 2), ((tmp_path,), 2), ((tmp_path, folder), 2)):
        found = [one for one in told(*paths)["findings"] if one["rule"] == "truncate"]
        assert len(found) == count
        assert all(Path(one["file"]).is_file() for one in found)


def test_names_are_checked_in_a_services_folder_only(tmp_path: Path) -> None:
    folder = checkout(tmp_path, one="select 1;")
    (folder / "2026-02-30T0900__cards__x.sql").write_text("select 1;", encoding="utf-8")
    (tmp_path / "any name.sql").write_text("select 1;", encoding="utf-8")
    (finding,) = told(folder)["findings"]
    assert (finding["rule"], finding["level"], finding["line"]) == ("file-name", "error", 1)
    assert told(tmp_path / "any name.sql") == {"verdict": "PASSED", "findings": []}


@pytest.mark.parametrize("text", ["", "-- nothing\n", "\n\n"])
def test_an_empty_file_is_sql(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.sql").write_text(text, encoding="utf-8")
    found = told(tmp_path / "x.sql")
    assert (found["verdict"], [one["rule"] for one in found["findings"]]) == ("PASSED", ["empty-file"])


def test_a_syntax_error_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "x.sql").write_text("select 1;\nselec 2;\n", encoding="utf-8")
    found = told(tmp_path / "x.sql")
    assert [(one["rule"], one["line"]) for one in found["findings"]] == [("syntax-error", 2)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is not UTF-8"),
        ("select 'é';".encode("latin-1"), "is not UTF-8"),
        (b"The cards are to be sorted by name.\n", "is not SQL"),
        (b'{"verdict": "PASSED"}', "is not SQL"),
        (b"select\0 1", "is not SQL"),
    ],
)
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_what_is_no_sql_is_misuse(content: bytes | None, words: str, flags: list[str], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.sql", tmp_path / "bad.sql"
    good.write_text("truncate a;", encoding="utf-8")
    if content is not None:
        bad.write_bytes(content)
    result = lint(good, bad, *flags)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {bad} ") and words in result.stderr and result.stderr.count("\n") == 1


def test_a_folder_without_sql_is_misuse(tmp_path: Path) -> None:
    result = lint(tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "holds no .sql file" in result.stderr


def test_a_person_reads_one_line_for_each_finding(tmp_path: Path) -> None:
    file = tmp_path / "x.sql"
    file.write_text("select 1;\ncommit;\n", encoding="utf-8")
    result = lint(file)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{file}:2 error own-transaction COMMIT ends the migrator's transaction")
    assert result.stderr == "FAILED: 1 findings\n"


def test_a_path_may_look_like_an_option_or_a_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("--config.sql", "[a]*.sql"):
        Path(name).write_text("truncate a;", encoding="utf-8")
        result = lint("--json", "--", name)
        assert [one["rule"] for one in json.loads(result.stdout)["findings"]] == ["missing-lock-timeout", "truncate"]
