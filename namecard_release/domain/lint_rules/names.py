"""The contract's rules on migration files' names (platform contract, "Migrations"). What is in a file is elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

from namecard_release.domain.lint_rules.rule import Hit
from namecard_release.domain.migrations import MigrationFile, explain_bad_name

_PLACE = re.compile(r"(?:.*/)?services/[^/]+/migrations/[^/]+")


def find_bad_names(files: Sequence[MigrationFile]) -> dict[str, tuple[Hit, ...]]:
    """Give what is wrong with the names of files in `services/<service>/migrations/`, by path."""
    placed = [file for file in files if _PLACE.fullmatch(file.path.replace("\\", "/"))]
    first: dict[str, str] = {}
    found: dict[str, tuple[Hit, ...]] = {}
    for file in placed:
        told = [why] if (why := explain_bad_name(file)) else []
        if first.setdefault(file.name, file.path) != file.path:
            told.append(f"the name is also used by {first[file.name]}, and the ledger knows a file by its name")
        if told:
            found[file.path] = tuple(Hit("file-name", 1, why) for why in told)
    return found
