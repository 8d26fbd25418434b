"""Files of a folder that holds the platform: what is there, what is not, what cannot be read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from namecard_release.adapters.checkout import FolderReader
from namecard_release.domain.launch import BUDGETS, CHECKLIST, RUNBOOK
from namecard_release.errors import MisuseError, TransientError


def write(folder: Path, path: str, content: str | bytes) -> Path:
    """Write a file of a checkout."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_documents_and_the_files_they_link_to(tmp_path: Path) -> None:
    write(tmp_path, BUDGETS, b"\xef\xbb\xbf[]")
    write(tmp_path, RUNBOOK, f"[a](docs/a.md) [b](docs/b.md) [c](docs) [d](../out.md) [e]({'x' * 300}.md) [f](%00.md)")
    write(tmp_path, "docs/a.md", "")
    write(tmp_path.parent, "out.md", "")
    read = FolderReader().launch_files(tmp_path)
    assert (read.texts[BUDGETS], read.texts[CHECKLIST]) == ("[]", None)
    assert read.there == {"docs/a.md", "docs"}
    assert read.unread == {}


def test_a_document_that_is_no_text_says_where(tmp_path: Path) -> None:
    write(tmp_path, RUNBOOK, b"abc\xff")
    read = FolderReader().launch_files(tmp_path)
    assert read.texts[RUNBOOK] is None
    assert read.unread == {RUNBOOK: "is not UTF-8 at byte 3: save it as UTF-8"}


def test_migrations_in_the_order_of_their_names(tmp_path: Path) -> None:
    write(tmp_path, "services/cards/migrations/2026-01-02T0000__cards__b.sql", "select 2;")
    write(tmp_path, "services/ocr/migrations/2026-01-01T0000__ocr__a.sql", "select 1;")
    write(tmp_path, "services/ocr/migrations/README.md", "no SQL")
    write(tmp_path, "services/ocr/migrations/old/2026-01-01T0000__ocr__c.sql", "deeper than the migrator looks")
    first, second = FolderReader().migrations(tmp_path)
    assert (first.service, first.path) == ("ocr", "services/ocr/migrations/2026-01-01T0000__ocr__a.sql")
    assert (second.sql, second.checksum) == ("select 2;", hashlib.sha256(b"select 2;").hexdigest())
    with pytest.raises(MisuseError, match="is no checkout of the platform"):
        FolderReader().migrations(tmp_path / "services")


def test_a_migration_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, "services/ocr/migrations/a.sql", b"\xfe")
    with pytest.raises(MisuseError, match=r"services/ocr/migrations/a\.sql is not UTF-8: byte 0"):
        FolderReader().migrations(tmp_path)


def test_a_file_that_may_not_be_read_is_transient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    write(tmp_path, RUNBOOK, "x")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(TransientError, match=r"RUNBOOK\.md cannot be read: Permission denied"):
        FolderReader().launch_files(tmp_path)
