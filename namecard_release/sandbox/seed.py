"""The sample platform as a git repository with a known history.

What belongs here: turning the files of `platform/` and `releases/` into commits that are the same on every
machine. What the platform is belongs in those files; who checks it out belongs to the callers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from namecard_release.errors import PermanentError, RefusedError

__all__ = ["RELEASES", "Release", "SeededRepository", "seed_repository"]

_HERE = Path(__file__).parent
_GIT_SECONDS = 60
# In git's own repository the ignore file would hide the platform's files from ours.
_STORED_NAMES = {"gitignore": ".gitignore"}


@dataclass(frozen=True)
class Release:
    """One commit of the history: its letter, the letter of its parent, its branch and its message."""

    letter: str
    parent: str | None
    branch: str
    message: str
    day: int


RELEASES = (
    Release("A", None, "main", "Serve six services behind one API", 1),
    Release("B", "A", "main", "Add the job title to cards", 2),
    Release("C", "B", "main", "Give every page query one list of values", 3),
    Release("D", "B", "release-d", "Drop the job title of cards", 4),
    Release("E", "B", "release-e", "Remember when search started", 5),
    Release("F", "B", "release-f", "Keep one card for each company", 6),
)


@dataclass(frozen=True)
class SeededRepository:
    """Where the repository lies and the full SHA of each release by its letter."""

    path: Path
    shas: dict[str, str]

    def __getitem__(self, letter: str) -> str:
        """The full SHA of one release; KeyError for a letter that is none."""
        return self.shas[letter]


def seed_repository(target: Path) -> SeededRepository:
    """Build the platform's repository at `target`, or find it there from an earlier call.

    The commits have fixed authors and dates, so the SHAs are the same everywhere. Raises RefusedError when
    `target` holds anything else than this history, PermanentError when git fails or is not there.
    """
    if target.exists() and any(target.iterdir() if target.is_dir() else [target]):
        return _existing(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Built aside and moved in one step: an interrupted call leaves no half history behind.
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        shas = _build(building)
        if target.exists():
            target.rmdir()
        building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return SeededRepository(target, shas)


def _existing(target: Path) -> SeededRepository:
    with tempfile.TemporaryDirectory(prefix="namecard-seed-") as scratch:
        expected = _build(Path(scratch) / "expected", create=True)
    refused = f"{target} is there already and is not the repository of this sample platform"
    if not (target / ".git").is_dir():
        raise RefusedError(refused)
    tips = {r.branch: expected[r.letter] for r in RELEASES}
    wanted = {f"refs/tags/{letter}": sha for letter, sha in expected.items()}
    wanted |= {f"refs/heads/{branch}": sha for branch, sha in tips.items()}
    lines = _git(target, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    found = dict(line.split(" ", 1) for line in lines)
    if any(found.get(name) != sha for name, sha in wanted.items()):
        raise RefusedError(refused)
    return SeededRepository(target, expected)


def _build(folder: Path, *, create: bool = False) -> dict[str, str]:
    if create:
        folder.mkdir(parents=True)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    shas: dict[str, str] = {}
    for release in RELEASES:
        if release.parent is None:
            _copy(_HERE / "platform", folder)
        else:
            if release.branch != "main":
                _git(folder, "checkout", "--quiet", "-b", release.branch, shas[release.parent])
            _copy(_HERE / "releases" / release.letter.lower(), folder)
        # Forced: whatever the platform's own ignore file says, the seed holds exactly its files.
        _git(folder, "add", "--all")
        _git(folder, "commit", "--quiet", "--message", release.message, day=release.day)
        shas[release.letter] = _git(folder, "rev-parse", "HEAD")
        _git(folder, "tag", release.letter)
    _git(folder, "checkout", "--quiet", "main")
    return shas


def _copy(source: Path, target: Path) -> None:
    """Copy a tree of plain data with the same file mode everywhere, whatever the installer left behind."""
    if not source.is_dir():
        raise PermanentError(f"the files of the sample platform are missing: {source}")
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if not path.is_file() or "node_modules" in inside.parts or "__pycache__" in inside.parts:
            continue
        copied = target / inside.with_name(_STORED_NAMES.get(inside.name, inside.name))
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(path.read_bytes())
        copied.chmod(0o644)


def _git(folder: Path, *arguments: str, day: int = 1) -> str:
    """Run git with nothing of the caller's configuration and return its output, stripped."""
    moment = f"2026-03-{day:02d}T09:00:00+00:00"
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "NameCard Sample",
        "GIT_AUTHOR_EMAIL": "sample@namecard.example",
        "GIT_AUTHOR_DATE": moment,
        "GIT_COMMITTER_NAME": "NameCard Sample",
        "GIT_COMMITTER_EMAIL": "sample@namecard.example",
        "GIT_COMMITTER_DATE": moment,
    }
    command = ["git", "-c", "core.autocrlf=false", "-c", "core.fileMode=true", "-c", "gc.auto=0", *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_GIT_SECONDS, check=True
        )
    except FileNotFoundError as error:
        raise PermanentError("git is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise PermanentError(f"git {arguments[0]} took longer than {_GIT_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        raise PermanentError(f"git {arguments[0]} failed: {error.stderr.strip()}") from error
    return done.stdout.strip()
