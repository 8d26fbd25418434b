"""The migrator's bundle, a folder or an archive with `migrations/` in it: which files it carries. No judgement here."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

from namecard_release.errors import MisuseError

_FOLDER = "migrations/"


def list_migrations(bundle: Path) -> list[str]:
    """List the names of the SQL files right in a bundle's `migrations/`; none where it has no such folder."""
    if bundle.is_file() and zipfile.is_zipfile(bundle):
        with zipfile.ZipFile(bundle) as archive:
            return _names(archive.namelist())
    return _names(_FOLDER + path.name for path in (bundle / _FOLDER).glob("*.sql") if path.is_file())


def read_bundle(path: Path) -> tuple[str, ...]:
    """List what a person points to as the migrator's bundle: its folder, its archive, or the migrations' own folder.

    Raises MisuseError for what is not there or is neither a folder nor an archive.
    """
    if path.is_dir() and not (path / _FOLDER).is_dir():
        return tuple(sorted(file.name for file in path.glob("*.sql") if file.is_file()))
    if not path.is_dir() and not (path.is_file() and zipfile.is_zipfile(path)):
        raise MisuseError(f"{path} is no bundle: give its folder, its zip archive, or the folder of its migrations")
    return tuple(sorted(list_migrations(path)))


def _names(entries: Iterable[str]) -> list[str]:
    inside = (entry.removeprefix(_FOLDER) for entry in entries if entry.startswith(_FOLDER))
    return [name for name in inside if name.endswith(".sql") and "/" not in name]
