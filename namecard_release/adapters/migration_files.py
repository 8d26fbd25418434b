"""Migration files read from this machine's disk, with no git. Reading them from a repository is in `git`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from namecard_release.adapters.sql.reading import read_text
from namecard_release.domain.migrations import MigrationFile
from namecard_release.errors import MisuseError

_FOLDERS = "services/*/migrations"


def read_checkout(folder: Path) -> tuple[MigrationFile, ...]:
    """Read `services/*/migrations/*.sql` of a folder, in name order; links are followed as long as they stay in it.

    Raises MisuseError, in one line, for a folder that is not there or is no checkout, and for a file that is not
    UTF-8, not a regular file, or outside the folder.
    """
    if not folder.is_dir():
        raise MisuseError(f"no folder {_tell(folder)}")
    folders = sorted(path for path in folder.glob(_FOLDERS) if path.is_dir())
    # A folder that is the wrong one must not pass for a release without migrations.
    if not folders:
        raise MisuseError(f"{_tell(folder)} is no checkout of the platform: it has no {_FOLDERS}")
    root = folder.resolve()
    files = [_read_in_checkout(entry, one.parent.name) for one in folders for entry in _entries(one, root)]
    return tuple(sorted(files, key=lambda file: (file.name, file.path)))


def find_migration_files(paths: Sequence[Path]) -> tuple[MigrationFile, ...]:
    """Read the files that paths name, as `find_files` finds them; `path` is as a file was reached.

    Raises MisuseError as `find_files` does, and for a file that is not there or not UTF-8.
    """
    found = find_files(paths)
    return tuple(_read(path, path.name, path.resolve().parent.parent.name, str(path)) for path in found)


def find_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Find the files that paths name: a file itself, a folder's .sql files, or a checkout's migrations; each once.

    Raises MisuseError for a folder without any, and for what is called .sql in one and is not a regular file.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for file in _expand(path):
            found.setdefault(file.resolve(), file)
    return tuple(found.values())


def _expand(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    for pattern in (f"{_FOLDERS}/*", "*"):
        files = sorted(file for file in path.glob(pattern) if file.suffix.lower() == ".sql")
        for file in files:
            if not file.is_file():
                raise _not_regular(file)
        if files:
            return files
    raise MisuseError(f"{_tell(path)} holds no .sql file, nor is it a checkout with {_FOLDERS}/*.sql")


def _entries(folder: Path, root: Path) -> Iterator[os.DirEntry[str]]:
    _need_inside(folder, root)
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.endswith(".sql"):
                continue
            # Only a link can lead out; asking that of every file costs more than reading it.
            if entry.is_symlink():
                _need_inside(Path(entry.path), root)
            if not entry.is_file():
                raise _not_regular(entry.path)
            yield entry


def _need_inside(path: Path, root: Path) -> None:
    try:
        inside = path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError) as error:
        raise MisuseError(f"{_tell(path)} is a link that leads nowhere") from error
    if not inside:
        raise MisuseError(f"{_tell(path)} is a link that leads out of the checkout")


def _not_regular(path: Path | str) -> MisuseError:
    return MisuseError(f"{_tell(path)} is not a regular file")


def _read_in_checkout(entry: os.DirEntry[str], folder: str) -> MigrationFile:
    service, name = _tell(folder), _tell(entry.name)
    return _read(Path(entry.path), name, service, f"services/{service}/migrations/{name}")


def _read(path: Path, name: str, service: str, told: str) -> MigrationFile:
    text = read_text(path)
    return MigrationFile(name, service, hashlib.sha256(text.encode()).hexdigest(), told, text)


def _tell(path: Path | str) -> str:
    # A name may hold bytes that are no text, or a line's end.
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
