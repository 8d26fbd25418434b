"""The migration plan against a ledger of 10,000 rows on a PostgreSQL of its own: one JSON object on stdout.

`python -m benchmarks.plan`. Exit codes: 0 when all was measured and within the target, 1 otherwise.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import psycopg2
from psycopg2.extras import execute_values

from benchmarks.bench import spread, tell
from namecard_release.adapters.migration_files import read_checkout
from namecard_release.adapters.migrator import LEDGER_TABLE
from namecard_release.adapters.sql.linter import PostgresLinter
from namecard_release.adapters.target_database import PostgresTarget
from namecard_release.adapters.trial import PostgresTrial
from namecard_release.domain.gates import Verdict
from namecard_release.domain.migrations import MigrationFile
from namecard_release.errors import PermanentError
from namecard_release.sandbox import postgres
from namecard_release.sandbox.state import StateStore
from namecard_release.workflow.planning import PlanPorts, plan_files

ROWS = 10_000
TARGET_SECONDS = 2.0
_TIMES = 5
_SERVICES = ("auth", "cards", "ocr", "enrichment", "uploads", "search")
_ROW = "insert into public.schema_migrations (name, checksum, execution_ms) values %s"
_PENDING = 10


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="namecard-bench-") as folder, _server(Path(folder)) as store:
        measured = measure(store, Path(folder) / "checkout")
    print(json.dumps(measured, indent=2))
    return 0 if measured["within"] else 1


def measure(store: StateStore, checkout: Path) -> dict[str, object]:
    """Plan a checkout of as many files as the ledger has rows, ten of them pending, without a trial."""
    tell(f"write {ROWS} files and as many ledger rows")
    files = _write(checkout)
    url = store.state.database_url("dev")
    _fill(url, files[:-_PENDING])
    target = PostgresTarget(url)
    ports = PlanPorts(PostgresLinter(), PostgresTrial(None), target)
    read = _timed(target.read)
    # Whole: files read from disk, linted, the target read, compared.
    whole = _timed(lambda: _check(ports, read_checkout(checkout)))
    return {
        "rows": ROWS,
        "files": len(files),
        "target_read_seconds": asdict(spread(read)),
        "plan_seconds": asdict(spread(whole)),
        "target_seconds": TARGET_SECONDS,
        "within": spread(whole).median <= TARGET_SECONDS,
    }


def _check(ports: PlanPorts, files: Sequence[MigrationFile]) -> None:
    plan = plan_files(ports, files)
    # Nothing but the trial may be left open, else something else was measured.
    open_phases = [phase.name for phase in plan.phases if phase.verdict is not Verdict.PASSED]
    if open_phases != ["trial"] or len(plan.ledger.pending) != _PENDING:
        raise PermanentError(f"the plan to be measured is another one: {plan.reason}")


def _timed(work: Callable[[], object]) -> list[float]:
    seconds: list[float] = []
    for _ in range(_TIMES):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return seconds


def _write(checkout: Path) -> tuple[MigrationFile, ...]:
    for service in _SERVICES:
        (checkout / "services" / service / "migrations").mkdir(parents=True)
    for number in range(ROWS):
        service = _SERVICES[number % len(_SERVICES)]
        day, minute = divmod(number, 1440)
        name = f"2026-01-{day + 1:02}T{minute // 60:02}{minute % 60:02}__{service}__column-{number}.sql"
        sql = f'-- Column {number}.\nalter table {service}."Thing" add column if not exists "c{number}" text;\n'
        (checkout / "services" / service / "migrations" / name).write_text(sql, encoding="utf-8")
    return read_checkout(checkout)


def _fill(url: str, files: Sequence[MigrationFile]) -> None:
    with closing(psycopg2.connect(url)) as link, link, link.cursor() as session:
        session.execute(LEDGER_TABLE)
        execute_values(session, _ROW, [(f.name, hashlib.sha256(f.sql.encode()).hexdigest(), 1) for f in files])


@contextmanager
def _server(folder: Path) -> Iterator[StateStore]:
    store = StateStore(folder)
    try:
        postgres.ensure_postgres(store, folder / "log", {"NAMECARD_BENCH": "plan"})
        yield store
    finally:
        postgres.stop_postgres(store)
        postgres.remove_data(store.state.postgres)


if __name__ == "__main__":
    sys.exit(main())
