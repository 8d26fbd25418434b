"""Migration files against a target's ledger: what is pending, what does not fit. Parsing SQL does not belong here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from namecard_release.domain.gates import Verdict

_MISSING = "missing from the migrator's bundle"
_EMPTY = "the migrator's bundle holds no migration, so that a deploy would be green and apply nothing; it lacks"
_NAME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{4})__([a-z0-9-]+)__([a-z0-9-]+)\.sql")


@dataclass(frozen=True)
class MigrationFile:
    """One SQL file of a release; `checksum` is the SHA-256 hex of its bytes, `path` is relative to the checkout."""

    name: str
    service: str
    checksum: str
    path: str
    sql: str


@dataclass(frozen=True)
class LedgerRow:
    """One row of `public.schema_migrations` in a target database."""

    name: str
    checksum: str
    applied_at: datetime
    app_version: str | None = None


@dataclass(frozen=True)
class TargetReading:
    """What one read-only transaction saw of a target database.

    `catalogue_digest` is the SHA-256 hex over every definition that is not PostgreSQL's own, empty while a migrator
    runs; `server_version` is PostgreSQL's number, 150018 for 15.18.
    """

    rows: tuple[LedgerRow, ...]
    migrator_running: bool = False
    catalogue_digest: str = ""
    server_version: int = 0


@dataclass(frozen=True)
class SchemaCopy:
    """A target's schema as SQL, never a row of its tables: what comes before rows (tables, types, functions), what
    comes after them (indexes, constraints, triggers), and the migration ledger.
    """

    before_rows: str
    after_rows: str
    ledger: tuple[LedgerRow, ...]


@dataclass(frozen=True)
class MigrationPlan:
    """What a deploy would do to a target's schema; each tuple holds file names in the order they run.

    `unexpected` are ledger rows without a file (drift for a promotion, normal for a rollback);
    `missing_from_bundle` is None when no bundle was looked at.
    """

    verdict: Verdict
    reason: str
    pending: tuple[str, ...]
    applied: tuple[str, ...]
    mismatched: tuple[str, ...]
    unexpected: tuple[str, ...]
    misnamed: tuple[str, ...] = ()
    missing_from_bundle: tuple[str, ...] | None = None


def explain_bad_name(file: MigrationFile) -> str | None:
    """Say what is wrong with a migration's file name, or None (platform contract, "Migrations")."""
    match = _NAME.fullmatch(file.name)
    if match is None:
        return "a name is YYYY-MM-DDThhmm__<service>__<description>.sql in lower case"
    try:
        datetime.strptime(match[1], "%Y-%m-%dT%H%M")
    except ValueError:
        return f"{match[1]} is not a minute that exists"
    if match[2] != file.service:
        return f"it names the service {match[2]} but lies in the folder of {file.service}"
    return None


def is_migration_name(name: str) -> bool:
    """Tell whether a file is named as migrations are: `YYYY-MM-DDThhmm__<service>__<description>.sql`."""
    return _NAME.fullmatch(name) is not None


def plan_migrations(
    files: Sequence[MigrationFile],
    rows: Sequence[LedgerRow],
    bundle: Sequence[str] | None = None,
    *,
    ledger_ahead_is_fine: bool = False,
) -> MigrationPlan:
    """Compare a release's files with a target's ledger rows and the names in the migrator's bundle."""
    ordered = sorted(files, key=lambda file: file.name)
    ledger = {row.name: row for row in rows}
    names = [file.name for file in ordered]
    mismatched = tuple(f.name for f in ordered if f.name in ledger and ledger[f.name].checksum != f.checksum)
    problems = {
        "bad or double file names": tuple(_misnamed(ordered)),
        "checksum changed after it was applied": mismatched,
    }
    unexpected = tuple(sorted(set(ledger) - set(names)))
    if not ledger_ahead_is_fine:
        problems["applied on the target but not in this release"] = unexpected
    carried = set(bundle or ())
    missing = None if bundle is None else tuple(name for name in names if name not in carried)
    problems[_MISSING if bundle else _EMPTY] = missing or ()
    pending = tuple(name for name in names if name not in ledger)
    verdict, reason = _conclude(problems, pending)
    return MigrationPlan(
        verdict=verdict,
        reason=reason,
        pending=pending,
        applied=tuple(name for name in names if name in ledger and name not in mismatched),
        mismatched=mismatched,
        unexpected=unexpected,
        misnamed=problems["bad or double file names"],
        missing_from_bundle=missing,
    )


def _misnamed(ordered: Sequence[MigrationFile]) -> Iterator[str]:
    before = None
    for file in ordered:
        if file.name == before or explain_bad_name(file):
            yield file.name
        before = file.name


def _conclude(problems: dict[str, tuple[str, ...]], pending: tuple[str, ...]) -> tuple[Verdict, str]:
    told = [f"{label}: {', '.join(names)}" for label, names in problems.items() if names]
    if told:
        return Verdict.FAILED, "; ".join(told)
    return Verdict.PASSED, f"{len(pending)} pending" if pending else "nothing pending"


@dataclass(frozen=True)
class StatementCost:
    """One statement of a pending file as it was measured: `line` is 1-based, `ms` wall-clock milliseconds.

    `locks` are those first taken by it in its file, "schema.table Mode" (PostgreSQL documentation, "Explicit
    Locking"); `rewrites` the tables whose storage it replaced, and "index schema.name" for an index rebuilt alone.
    """

    file: str
    line: int
    ms: float
    locks: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()


@dataclass(frozen=True)
class FailedStatement:
    """The statement that failed: its 1-based line in its file, and its text."""

    line: int
    text: str


@dataclass(frozen=True)
class TrialResult:
    """Pending files applied to a throw-away database exactly as the migrator does.

    `failed` names the file that failed, `error` PostgreSQL's words; `unread` says why there is no result; `basis` says
    what the files were applied to.
    """

    applied: tuple[str, ...] = ()
    failed: str | None = None
    error: str | None = None
    unread: str | None = None
    seconds: float = 0.0
    statements: tuple[StatementCost, ...] = ()
    failed_statement: FailedStatement | None = None
    basis: str = ""


def judge_trial(trial: TrialResult) -> tuple[Verdict, str]:
    """Give the trial's verdict: a failing file fails, a trial that could not be held is unknown."""
    if trial.failed is not None:
        return Verdict.FAILED, f"{trial.failed}{_tell_statement(trial)}: {trial.error or 'failed without a message'}"
    if trial.unread is not None:
        return Verdict.UNKNOWN, f"no trial: {trial.unread}"
    told = f"{len(trial.applied)} files applied to a throw-away database in {trial.seconds:.1f} s"
    return Verdict.PASSED, f"{told} ({trial.basis})" if trial.basis else told


def _tell_statement(trial: TrialResult) -> str:
    if trial.failed_statement is None:
        return ""
    text = " ".join(trial.failed_statement.text.split())
    return f" line {trial.failed_statement.line}, {text if len(text) <= 200 else text[:200] + '...'}"


def schema_version(rows: Sequence[LedgerRow]) -> str | None:
    """Name the schema by its newest applied migration, None for an empty ledger."""
    return max((row.name for row in rows), default=None)


def digest_ledger(rows: Sequence[LedgerRow]) -> str:
    """Give the SHA-256 hex over the names and checksums of ledger rows in name order."""
    lines = sorted(f"{row.name}\0{row.checksum}\n" for row in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
