"""Many files linted by two processes: the same findings and errors as by one, whatever becomes of the second."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from pathlib import Path

import pytest

from namecard_release.adapters.sql import reading, shares
from namecard_release.adapters.sql.linter import PostgresLinter, lint_share
from namecard_release.adapters.sql.shares import MANY, Linted, Share, lint_shared
from namecard_release.adapters.sql.squawk import Squawk
from namecard_release.domain.migrations import MigrationFile
from namecard_release.domain.sql import SqlFile
from namecard_release.errors import MisuseError, PermanentError
from tests.lint_cases.all import CASES


def _files(count: int = MANY) -> tuple[MigrationFile, ...]:
    kinds = [CASES[index % len(CASES)].sql for index in range(count)]
    return tuple(
        MigrationFile(f"{n}.sql", "cards", "", f"{n}.sql", f"{sql}\n-- file {n}") for n, sql in enumerate(kinds)
    )


@pytest.fixture(scope="module")
def alone() -> Linted:
    return lint_share(Share(_files(), Squawk(), {}))


def _share() -> Share:
    return Share(_files(), Squawk(), {})


def _told(parts: tuple[Linted, ...]) -> Linted:
    return Linted(tuple(f for part in parts for f in part.findings), tuple(r for part in parts for r in part.read))


def test_many_files_have_the_findings_that_they_have_alone(alone: Linted) -> None:
    assert PostgresLinter().lint(_files()) == alone.findings
    assert len(alone.findings) > MANY


def test_the_second_process_gives_what_this_one_gives(alone: Linted) -> None:
    left, done = deque([(0, _share())]), dict[int, Linted]()
    with shares._helped(shares._start(), left, done) as helper:
        helper.join()
    assert done == {0: alone}
    assert not left


def test_this_process_does_all_when_there_is_no_room_for_a_second(
    monkeypatch: pytest.MonkeyPatch, alone: Linted
) -> None:
    def start() -> subprocess.Popen[bytes]:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(shares, "_start", start)
    assert _told(lint_shared(_share(), lint_share)) == alone


def test_this_process_does_all_when_the_second_ends_at_once(monkeypatch: pytest.MonkeyPatch, alone: Linted) -> None:
    monkeypatch.setattr(shares, "_MODULE", "namecard_release.no_such_module")
    assert _told(lint_shared(_share(), lint_share)) == alone


def test_this_process_does_what_the_second_leaves_when_it_is_killed(alone: Linted) -> None:
    children: list[int] = []

    def lint(share: Share) -> Linted:
        if not children:
            children.append(1)
            subprocess.run(["pkill", "-KILL", "-P", str(os.getpid()), "-f", shares._MODULE], check=True)
        return lint_share(share)

    assert _told(lint_shared(_share(), lint)) == alone


def test_what_was_read_by_the_second_process_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reading.forget_files()
    files = _files()
    PostgresLinter().lint(files)

    def read_anew(text: str) -> SqlFile:
        raise AssertionError(f"read again: {text}")

    monkeypatch.setattr(reading, "_read_anew", read_anew)
    assert [reading.read_sql(file.name, file.sql).name for file in files] == [file.name for file in files]


@pytest.mark.parametrize("at", [0, MANY - 1])
def test_a_text_that_is_no_sql_is_told_wherever_it_stands(at: int) -> None:
    files = list(_files())
    files[at] = MigrationFile("notes.sql", "cards", "", "notes.sql", "dear all, this is no statement")
    with pytest.raises(MisuseError, match=r"notes\.sql is not SQL"):
        PostgresLinter().lint(files)


def test_no_squawk_is_told(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="squawk"):
        PostgresLinter(Squawk(tmp_path / "squawk")).lint(_files())


def test_the_newest_texts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_KEPT_FILES", 2)
    reading.forget_files()
    first, *_ = [reading.read_sql("x.sql", f"select {number}") for number in range(3)]
    assert len(reading._KEPT) == 2
    assert reading.read_sql("x.sql", "select 0").statements is not first.statements


@pytest.mark.parametrize(("given", "code"), [(b"", 0), (b"\x80\x05N.", 2)])
def test_the_second_process_ends_with_its_input(given: bytes, code: int) -> None:
    ended = subprocess.run([sys.executable, "-I", "-m", shares._MODULE], input=given, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (code, b"")
