"""Files of a checkout on this machine: launch documents and migrations. What they must say is the domain's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from namecard_release.adapters.migration_files import read_checkout
from namecard_release.domain.launch import BUDGETS, DOCUMENTS, LaunchFiles, find_links
from namecard_release.domain.migrations import MigrationFile
from namecard_release.errors import TransientError


class FolderReader:
    """Reads any folder that holds the platform, be it a git worktree or not. Keeps the port `CheckoutReader`."""

    def launch_files(self, folder: Path) -> LaunchFiles:
        """Read the launch documents, and which of the files exist that they link to.

        Raises TransientError for a document that is there and cannot be read.
        """
        texts: dict[str, str | None] = {}
        unread: dict[str, str] = {}
        for path in DOCUMENTS:
            try:
                texts[path] = _read(folder / path)
            except UnicodeDecodeError as error:
                texts[path] = None
                unread[path] = f"is not UTF-8 at byte {error.start}: save it as UTF-8"
        return LaunchFiles(texts, _existing(folder, _linked(texts)), unread)

    def migrations(self, folder: Path) -> tuple[MigrationFile, ...]:
        """Read `services/*/migrations/*.sql` in name order. Raises as `read_checkout` does."""
        return read_checkout(folder)


def _read(path: Path) -> str | None:
    # utf-8-sig: an editor's byte order mark is no part of the text.
    return _bytes(path).decode("utf-8-sig") if path.is_file() else None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TransientError(f"{path} cannot be read: {error.strerror}") from error


def _linked(texts: dict[str, str | None]) -> set[str]:
    prose = ((path, text) for path, text in texts.items() if text is not None and path != BUDGETS)
    return {link.path for path, text in prose for link in find_links(path, text)}


def _existing(folder: Path, paths: Iterable[str]) -> frozenset[str]:
    # A name too long, or with a zero byte in it, is no file either.
    return frozenset(path for path in paths if not path.startswith("..") and _exists(folder / path))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
