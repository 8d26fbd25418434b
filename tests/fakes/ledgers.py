"""A new ledger on SQLite without the wait for its migrations: a copy of one at the newest schema."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from namecard_release.ledger.open import open_ledger


def lay_ledger(file: Path) -> str:
    """Put an empty ledger at a path, unless there is one, and give its URL."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_migrated())
    return f"sqlite:///{file}"


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory(prefix="namecard-test-") as folder:
        file = Path(folder) / "ledger.sqlite"
        open_ledger(f"sqlite:///{file}").close()
        return file.read_bytes()
