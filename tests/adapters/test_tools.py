"""Programs identified: versions asked once and remembered for a while, other programs known by their file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from namecard_release.adapters.commands import ProcessRunner
from namecard_release.adapters.tools import ToolFinder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of programs that note each call."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, version in (("node", "v24.1.0"), ("pnpm", "8.15.4"), ("cdk", "2.1000.0 (build 1)"), ("make", "3")):
        write(programs / name, f'echo "{name}" >> "{tmp_path}/calls"; echo noise; echo "{version}"')
    return programs


def write(path: Path, body: str) -> None:
    """Write a program, as another file than before."""
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def finder(folder: Path) -> ToolFinder:
    """Make a finder as a new process does."""
    return ToolFinder(ProcessRunner((str(folder),)), folder.parent / "work" / "tools.json")


def calls(folder: Path) -> list[str]:
    """Read which programs were called."""
    file = folder.parent / "calls"
    return sorted(file.read_text().split()) if file.exists() else []


def test_versions_are_asked_once_per_process_and_then_by_no_other(folder: Path) -> None:
    first = finder(folder)
    wanted = {"node": "v24.1.0", "pnpm": "8.15.4", "cdk": "2.1000.0 (build 1)"}
    assert first.identify(("node", "pnpm", "cdk")) == wanted
    assert first.identify(("cdk", "node")) == {"cdk": wanted["cdk"], "node": wanted["node"]}
    assert finder(folder).identify(("node", "pnpm", "cdk")) == wanted
    assert calls(folder) == ["cdk", "node", "pnpm"]


def test_another_file_is_asked_again(folder: Path) -> None:
    finder(folder).identify(("node", "pnpm"))
    write(folder / "node", "echo v26.0.0 # newer")
    assert finder(folder).identify(("node", "pnpm")) == {"node": "v26.0.0", "pnpm": "8.15.4"}


@pytest.mark.parametrize("seconds", [601.0, -1.0])
def test_a_version_is_not_remembered_for_long_nor_from_the_future(folder: Path, seconds: float) -> None:
    finder(folder).identify(("pnpm",))
    memory = folder.parent / "work" / "tools.json"
    entries = json.loads(memory.read_text())
    entries["pnpm"]["at"] -= seconds if seconds > 0 else -3600
    memory.write_text(json.dumps(entries))
    finder(folder).identify(("pnpm",))
    assert calls(folder) == ["pnpm", "pnpm"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pnpm": 1}', '{"pnpm": {"version": "9"}}', "null"])
def test_a_spoilt_memory_is_no_memory(folder: Path, text: str) -> None:
    memory = folder.parent / "work" / "tools.json"
    memory.parent.mkdir()
    memory.write_text(text)
    assert finder(folder).identify(("pnpm",)) == {"pnpm": "8.15.4"}


def test_a_memory_that_cannot_be_written_is_done_without(folder: Path) -> None:
    (folder.parent / "work").write_text("a file, not a folder")
    assert finder(folder).identify(("pnpm",)) == {"pnpm": "8.15.4"}


@pytest.mark.parametrize("body", ["exit 1", "echo v1; exit 2", "true"])
def test_a_version_that_is_not_told_is_not_read(folder: Path, body: str) -> None:
    write(folder / "node", body)
    assert finder(folder).identify(("node", "pnpm")) == {"node": None, "pnpm": "8.15.4"}


def test_a_program_that_is_not_there_is_not_read(folder: Path) -> None:
    assert finder(folder).identify(("no-such-program", "/no/such/program")) == {
        "no-such-program": None,
        "/no/such/program": None,
    }


def test_a_program_that_nobody_vouches_for_is_known_by_its_file_and_never_called(folder: Path) -> None:
    before, path = finder(folder).identify(("make",))["make"], str(folder / "make")
    assert before == finder(folder).identify((path,))[path]
    write(folder / "make", "echo another")
    assert finder(folder).identify(("make",))["make"] not in (None, before)
    assert calls(folder) == []


def test_a_program_of_the_checkout_is_the_trees(folder: Path) -> None:
    assert finder(folder).identify(("./scripts/check",)) == {"./scripts/check": "in the tree"}
