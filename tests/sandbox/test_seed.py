"""The seeded history of the sample platform: the same everywhere, whole, and never over somebody's work."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from namecard_release.errors import PermanentError, RefusedError
from namecard_release.sandbox.seed import RELEASES, SeededRepository, seed_repository


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> SeededRepository:
    return seed_repository(tmp_path_factory.mktemp("seed") / "platform")


def test_history_and_tags(seeded: SeededRepository) -> None:
    assert list(seeded.shas) == ["A", "B", "C", "D", "E", "F"]
    for release in RELEASES:
        assert git(seeded.path, "rev-parse", f"{release.letter}^{{commit}}") == seeded[release.letter]
        if release.parent:
            assert git(seeded.path, "rev-parse", f"{release.letter}^") == seeded[release.parent]
    for branch, letter in (("main", "C"), ("release-d", "D"), ("release-e", "E"), ("release-f", "F")):
        assert git(seeded.path, "rev-parse", branch) == seeded[letter]


def test_worktree_is_clean_main_and_only_data(seeded: SeededRepository) -> None:
    assert git(seeded.path, "status", "--porcelain") == ""
    assert git(seeded.path, "branch", "--show-current") == "main"
    files = git(seeded.path, "ls-files").splitlines()
    assert {".gitignore", "package.json", "pnpm-lock.yaml", "RUNBOOK.md"} <= set(files)
    assert not [f for f in files if "node_modules" in f or "/dist/" in f or "/generated/" in f or f == "gitignore"]


def test_the_same_twice_and_somewhere_else(seeded: SeededRepository, tmp_path: Path) -> None:
    assert seed_repository(seeded.path) == seeded
    assert seed_repository(tmp_path / "other").shas == seeded.shas


def test_the_callers_git_configuration_does_not_matter(
    seeded: SeededRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[user]\nname = Somebody\n[commit]\ngpgsign = true\n[core]\nhooksPath = /nowhere\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert seed_repository(tmp_path / "configured").shas == seeded.shas


@pytest.mark.parametrize(
    ("letter", "changed"),
    [
        ("B", "services/cards/migrations/2026-02-02T0900__cards__add-job-title.sql"),
        ("C", "services/shared/src/rows.ts"),
        ("D", "services/cards/migrations/2026-02-16T0900__cards__drop-job-title.sql"),
        ("E", "services/search/src/handler.ts"),
        ("F", "services/cards/migrations/2026-02-23T0900__cards__unique-company.sql"),
    ],
)
def test_each_release_changes_what_it_is_for(seeded: SeededRepository, letter: str, changed: str) -> None:
    assert changed in git(seeded.path, "diff", "--name-only", f"{letter}^", letter).splitlines()


def test_lock_file_names_no_host(seeded: SeededRepository) -> None:
    text = (seeded.path / "pnpm-lock.yaml").read_text(encoding="utf-8")
    assert "tarball:" not in text
    assert "resolution: {integrity:" in text


@pytest.mark.parametrize("kind", ["file", "folder", "repository"])
def test_somebodys_work_is_left_alone(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "target"
    if kind == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine.txt").write_text("mine")
    if kind == "repository":
        git(target, "init", "--quiet")
    with pytest.raises(RefusedError, match="is there already"):
        seed_repository(target)
    assert target.is_file() or (target / "mine.txt").read_text() == "mine"


def test_an_empty_folder_is_taken_and_a_broken_path_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    assert (seed_repository(tmp_path / "empty").path / "package.json").is_file()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PermanentError, match="git is not installed"):
        seed_repository(tmp_path / "no-git")
    assert not (tmp_path / "no-git").exists()
