"""Migration files found on disk, for the command line. Those of a release come from git, not from here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from namecard_release.adapters.sql.reading import read_text
from namecard_release.domain.migrations import MigrationFile
from namecard_release.errors import MisuseError

_IN_CHECKOUT = "services/*/migrations/*"


def find_migration_files(paths: Sequence[Path]) -> tuple[MigrationFile, ...]:
    """Read the files that paths name: a file itself, a folder's .sql files, or a checkout's migrations.

    A file named twice is read once; `path` is as it was reached. Raises MisuseError for what is not there or not UTF-8,
    and for a folder without any.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for file in _expand(path):
            found.setdefault(file.resolve(), file)
    return tuple(_read(file) for file in found.values())


def _expand(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    for pattern in (_IN_CHECKOUT, "*"):
        files = sorted(f for f in path.glob(pattern) if f.suffix.lower() == ".sql" and f.is_file())
        if files:
            return files
    raise MisuseError(f"{path} holds no .sql file, nor is it a checkout with services/*/migrations/*.sql")


def _read(path: Path) -> MigrationFile:
    text = read_text(path)
    service = path.resolve().parent.parent.name
    return MigrationFile(path.name, service, hashlib.sha256(text.encode()).hexdigest(), str(path), text)
