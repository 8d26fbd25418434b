"""`status`, `history` and `audit verify` over a ledger of 10,000 promotions of 100 releases, on SQLite and PostgreSQL.

Every promotion carries what a real one does: the baseline of 22 alarms, six moves, two entries of the audit trail. Then
one byte of one entry is changed, and `audit verify` must find it.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select, update

from benchmarks.bench import Spread, spread, tell
from benchmarks.many_promotions import ENVIRONMENTS, new_database
from benchmarks.report import Target, at_most, describe_machine
from benchmarks.status import timed
from namecard_release.domain.alarms import PER_SERVICE, SHARED, AlarmReading, AlarmState
from namecard_release.domain.audit import AuditEvent, Head, seal_entry
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.ledger.audit import HEAD_ID
from namecard_release.ledger.open import make_engine, open_ledger
from namecard_release.ledger.rows import PROMOTION_FIELDS, promotion_row
from namecard_release.ledger.schema import audit, audit_head, promotion_moves, promotions
from namecard_release.sandbox import postgres
from namecard_release.sandbox.state import StateStore
from namecard_release.settings import SETTINGS_VARIABLE

PROMOTIONS, RELEASES = 10_000, 100
_TIMES = 7
_LIMIT_SECONDS = 1.0
_BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
_SERVICES = ("Auth", "Cards", "Ocr", "Enrichment", "Uploads", "Search")
_ENDS = (PromotionPhase.SUCCEEDED, PromotionPhase.FAILED, PromotionPhase.ROLLED_BACK)
_WAY = (PromotionPhase.REQUESTED, PromotionPhase.GATED, PromotionPhase.DEPLOYING, PromotionPhase.VERIFYING)
_ENVIRONMENT = """
[environments.{name}]
account = "000000000000"
stack_suffix = "{name}"
context = "{name}"
key = "{name}"
database_url = "postgresql://x"
"""
_COMMANDS: Mapping[str, Sequence[str]] = {
    "status": ("status", "--json"),
    "history": ("history", "--env", "staging", "--json"),
    "history of everything": ("history", "--env", "staging", "--json", "--limit", str(PROMOTIONS)),
    "audit verify": ("audit", "verify", "--json"),
}


@dataclass(frozen=True)
class Report:
    """One database: seconds of each command, and whether the changed byte was found."""

    database: str
    seconds: Mapping[str, Spread]
    python_alone: Spread
    targets: Mapping[str, Target]
    changed_byte: str
    load: float


def fill(url: str, count: int, releases: int) -> None:
    """Fill an empty ledger; the audit trail is sealed as the ledger itself seals it."""
    open_ledger(url).close()
    engine = make_engine(url)
    made = list(make_promotions(count, releases))
    rows = [promotion_row({name: getattr(one, name) for name in PROMOTION_FIELDS}) for one in made]
    with engine.begin() as connection:
        row = connection.execute(select(audit_head)).one()
        head, entries, moves = Head(row.n, row.hash), [], []
        for one in made:
            for action, at in (("requested", one.requested_at), (one.phase.value, one.updated_at)):
                told = AuditEvent(at, one.actor, action, one.id, one.environment, one.reason)
                entry = seal_entry(told, head)
                head = Head(entry.n, entry.hash)
                entries.append(asdict(entry))
            moves += [
                {"promotion_id": one.id, "at": one.updated_at, "phase": phase.value, "reason": "as it went", "audit": a}
                for phase, a in (*((step, None) for step in _WAY), (one.phase, entries[-1]["hash"]))
            ]
        for table, values in ((promotions, rows), (audit, entries), (promotion_moves, moves)):
            connection.execute(insert(table), values)
        connection.execute(update(audit_head).where(audit_head.c.id == HEAD_ID).values(n=head.n, hash=head.hash))
    engine.dispose()


def make_promotions(count: int, releases: int) -> Iterator[Promotion]:
    """Make promotions, an hour apart, over the environments; of three that ended one succeeded."""
    names = [f"{service}{kind}Alarm" for service in _SERVICES for kind in PER_SERVICE] + list(SHARED)
    baseline = tuple(AlarmReading(name, f"arn:aws:{name}", AlarmState.OK, _BEGUN, "as before") for name in names)
    for number in range(count):
        at = _BEGUN + timedelta(hours=number)
        phase = _ENDS[number % len(_ENDS)]
        yield Promotion(
            id=f"promotion-{number:05}",
            environment=ENVIRONMENTS[number // len(_ENDS) % len(ENVIRONMENTS)],
            release=f"{number * releases // count:040x}",
            kind=PromotionKind.PROMOTION,
            phase=phase,
            actor="somebody",
            reason="a reason as long as reasons are",
            requested_at=at,
            updated_at=at + timedelta(minutes=20),
            deploy_started_at=at,
            deployed_at=at,
            code_changed=phase is not PromotionPhase.FAILED,
            verified=phase is PromotionPhase.SUCCEEDED,
            baseline=baseline,
        )


def write_settings(folder: Path, url: str) -> Path:
    """Write the settings of three environments over a ledger."""
    file = folder / "namecard-release.toml"
    paths = f'[paths]\nledger_url = "{url}"\n'
    own = "".join(_ENVIRONMENT.format(name=name) for name in ENVIRONMENTS)
    file.write_text(f'[platform]\nrepository = "repository"\n{paths}{own}', encoding="utf-8")
    return file


def call(settings: Path, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    program = Path(sys.executable).with_name("namecard-release")
    environment = {**os.environ, SETTINGS_VARIABLE: str(settings)}
    return subprocess.run([program, *words], env=environment, capture_output=True, text=True, check=False)


def change_one_byte(url: str, n: int) -> str:
    """Change one byte of an entry's reason as only somebody with the database's own rights can, and tell which."""
    engine = make_engine(url)
    sqlite = url.startswith("sqlite")
    off = "drop trigger audit_no_update" if sqlite else "alter table audit disable trigger user"
    with closing(engine.raw_connection()) as link, closing(link.cursor()) as cursor:
        cursor.execute(off)
        cursor.execute(f"update audit set reason = 'A' || substr(reason, 2) where n = {n}")
        link.commit()
    engine.dispose()
    return f"entry {n}"


def measure(url: str, folder: Path) -> Report:
    """Measure on an empty ledger."""
    fill(url, PROMOTIONS, RELEASES)
    settings = write_settings(folder, url)
    seconds = {name: spread([_timed(settings, words) for _ in range(_TIMES)]) for name, words in _COMMANDS.items()}
    alone = spread([timed(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)) for _ in range(_TIMES)])
    targets = {name: at_most(seconds[name].median, _LIMIT_SECONDS) for name in ("status", "history")}
    changed = change_one_byte(url, random.Random(7).randrange(1, 2 * PROMOTIONS))
    found = call(settings, _COMMANDS["audit verify"])
    told = f"{changed} changed: exit code {found.returncode}, {json.loads(found.stdout)['reason']}"
    if found.returncode != 1:
        raise RuntimeError(f"the changed byte was not found: {told}")
    return Report(url.partition(":")[0], seconds, alone, targets, told, round(os.getloadavg()[0], 2))


def _timed(settings: Path, words: Sequence[str]) -> float:
    def _run() -> None:
        done = call(settings, words)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)} ended as {done.returncode}: {done.stderr.strip()}")

    return timed(_run)


def main() -> int:
    """Measure and print one JSON object. Exit codes: 0 when measured (whatever the figures say)."""
    reports: list[Report] = []
    with tempfile.TemporaryDirectory(prefix="namecard-bench-") as name:
        folder = Path(name)
        store = StateStore(folder)
        try:
            state = postgres.ensure_postgres(store, folder / "postgres.log", {})
            for url in (f"sqlite:///{folder}/ledger.sqlite", new_database(state.admin_url, PROMOTIONS)):
                tell(f"{PROMOTIONS} promotions on {url.partition(':')[0]}")
                reports.append(measure(url, folder))
        finally:
            postgres.stop_postgres(store)
            postgres.remove_data(store.state.postgres)
    print(json.dumps({"ledgers": [asdict(one) for one in reports], "machine": describe_machine()}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
