"""A platform's migration files read from a folder, with no git. Reading them from a repository is in `git`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from namecard_release.adapters.sql.reading import read_text
from namecard_release.domain.migrations import MigrationFile
from namecard_release.errors import MisuseError


def read_checkout(folder: Path) -> tuple[MigrationFile, ...]:
    """Read `services/*/migrations/*.sql` of a folder, in name order; links are followed as long as they stay in it.

    Raises MisuseError, in one line, for a folder that is not there or is no checkout, and for a file that is not
    UTF-8, not a regular file, or outside the folder.
    """
    if not folder.is_dir():
        raise MisuseError(f"no folder {_tell(folder)}")
    folders = sorted(path for path in folder.glob("services/*/migrations") if path.is_dir())
    # A folder that is the wrong one must not pass for a release without migrations.
    if not folders:
        raise MisuseError(f"{_tell(folder)} is no checkout of the platform: it has no services/*/migrations")
    root = folder.resolve()
    files = [_read(entry, one.parent.name) for one in folders for entry in _entries(one, root)]
    return tuple(sorted(files, key=lambda file: (file.name, file.path)))


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
                raise MisuseError(f"{_tell(entry.path)} is not a regular file")
            yield entry


def _need_inside(path: Path, root: Path) -> None:
    try:
        inside = path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError) as error:
        raise MisuseError(f"{_tell(path)} is a link that leads nowhere") from error
    if not inside:
        raise MisuseError(f"{_tell(path)} is a link that leads out of the checkout")


def _read(entry: os.DirEntry[str], folder: str) -> MigrationFile:
    text = read_text(Path(entry.path))
    service, name = _tell(folder), _tell(entry.name)
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return MigrationFile(name, service, checksum, f"services/{service}/migrations/{name}", text)


def _tell(path: Path | str) -> str:
    # A name may hold bytes that are no text, or a line's end.
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
