"""The rollback verdict: what lies between a schema and an earlier release, and what follows. No SQL is parsed here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from namecard_release.domain.compatibility import Compatibility, Reason, Safety

if TYPE_CHECKING:
    # Named in annotations alone: the roll-forward plan loads the whole SQL model.
    from namecard_release.domain.migrations import LedgerRow, MigrationFile
    from namecard_release.domain.roll_forward import RollForward


@dataclass(frozen=True)
class SafetyVerdict:
    """The verdict with its reason; `between` are the migrations on the schema that the earlier release does not have.

    `unread` is True when something did not answer just now, so that asking again may give another verdict. `schema`
    digests the migrations that the verdict is about; `provable` is True where only the reading of the statements is
    in doubt, so that a rehearsal may decide. `roll_forward` is what to do instead, where there is something to do.
    """

    safety: Safety
    reason: str
    between: tuple[str, ...] = ()
    unread: bool = False
    reasons: tuple[Reason, ...] = ()
    schema: str = ""
    provable: bool = False
    roll_forward: RollForward | None = None


@dataclass(frozen=True)
class SchemaEntry:
    """A migration that the schema has or will have; `version` is what its deploy called itself, None where unknown."""

    name: str
    checksum: str
    version: str | None = None


def expect_schema(rows: Sequence[LedgerRow], coming: Sequence[MigrationFile] = ()) -> tuple[SchemaEntry, ...]:
    """Give the migrations of a schema, in name order, once the files that are still to come are applied."""
    there = {row.name: SchemaEntry(row.name, row.checksum, row.app_version) for row in rows}
    added = {file.name: SchemaEntry(file.name, file.checksum) for file in coming if file.name not in there}
    return tuple(sorted((there | added).values(), key=lambda entry: entry.name))


def digest_schema(migrations: Iterable[SchemaEntry | MigrationFile]) -> str:
    """Digest a set of migrations by names and checksums, in whatever order they come."""
    pairs = sorted(f"{one.name} {one.checksum}\n" for one in migrations)
    return hashlib.sha256("".join(pairs).encode()).hexdigest()


def find_between(schema: Sequence[SchemaEntry], known: Sequence[str]) -> tuple[SchemaEntry, ...]:
    """Give the migrations of a schema that a release does not know, in name order."""
    return tuple(entry for entry in schema if entry.name not in set(known))


def judge_known(schema: Sequence[SchemaEntry], known: Sequence[str]) -> SafetyVerdict | None:
    """Judge a release that knows `known` on a schema where that needs no reading of statements; None where it does.

    With nothing between, the schema is the release's own: safe. A schema that lacks what the release knows is
    another one than it was made for: unknown.
    """
    between = tuple(entry.name for entry in find_between(schema, known))
    lacking = sorted(set(known) - {entry.name for entry in schema})
    if lacking:
        told = f"the schema lacks what the earlier release knows: {', '.join(lacking)}"
        return SafetyVerdict(Safety.UNKNOWN, told, between, schema=digest_schema(schema))
    if between:
        return None
    told = "the schema is the earlier release's own: no migration lies between"
    return SafetyVerdict(Safety.SAFE, told, schema=digest_schema(schema))


def choose_text(entry: SchemaEntry, found: Sequence[MigrationFile]) -> MigrationFile | Reason:
    """Choose the file that was applied among those of its name, by the ledger's checksum; else say why there's none."""
    for file in found:
        if file.checksum == entry.checksum:
            return file
    if found:
        told = f"its text in the repository is another than the one applied (checksum {entry.checksum[:12]})"
        return Reason(entry.name, 1, "checksum-differs", told)
    return Reason(entry.name, 1, "text-not-found", "no release that the ledger or the history names has this file")


def judge_between(
    schema: Sequence[SchemaEntry], between: Sequence[str], changes: Compatibility, obstacles: Sequence[Reason] = ()
) -> SafetyVerdict:
    """Conclude from the statements between; `obstacles` tell of texts that could not be had, each makes it UNKNOWN.

    What is unsafe in one file stays so, whatever is not known of another.
    """
    safety = changes.safety
    if obstacles and safety is Safety.SAFE:
        safety = Safety.UNKNOWN
    verdict = SafetyVerdict(safety, "", tuple(between), schema=digest_schema(schema))
    if safety is Safety.SAFE:
        told = f"the earlier release can live with what lies between: {', '.join(between)}"
        return replace(verdict, reason=told, reasons=changes.reasons)
    first, second = (changes.reasons, obstacles) if changes.safety is Safety.UNSAFE else (obstacles, changes.reasons)
    reasons = (*first, *second)
    provable = safety is Safety.UNKNOWN and not obstacles
    return replace(verdict, reason=tell_reasons(reasons), reasons=reasons, provable=provable)


def tell_reasons(reasons: Sequence[Reason]) -> str:
    """Tell the first reason with its file and line, and how many more there are."""
    if not reasons:
        return "no statement explains it"
    first = reasons[0]
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{first.file}:{first.line} {first.rule}: {first.why}{more}"
