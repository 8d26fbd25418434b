"""A hundred promotions asked for at once in each of three environments, in processes that race on the real ledger.

In the first round all are of one commit and each has its turn; in the second each is of its own commit, and the newest
supersedes those that wait. Printed is how often two were inside one environment, which must be never, and the rest.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.bench import tell
from benchmarks.crowd import Order, Told, make_promotion, release_of
from benchmarks.report import describe_machine
from namecard_release.ledger.open import open_ledger
from namecard_release.sandbox import postgres
from namecard_release.sandbox.state import StateStore

ENVIRONMENTS = ("dev", "staging", "prod")
_PROMOTIONS = 100
_PROCESSES = 2
_DIES = 50
_LEASE_SECONDS = 8.0
_START_SECONDS = 6.0


@dataclass(frozen=True)
class Size:
    """How large a crowd is: promotions of an environment, processes they are in, which of them die, their lease."""

    promotions: int = _PROMOTIONS
    processes: int = _PROCESSES
    dies: int = _DIES
    lease_seconds: float = _LEASE_SECONDS
    start_seconds: float = _START_SECONDS


@dataclass(frozen=True)
class Round:
    """One round on one database: its seconds, and what the promotions of all environments told, together."""

    database: str
    releases: int
    seconds: float
    told: Told

    @property
    def holds(self) -> bool:
        """Tell whether nothing happened that must not, and everybody came to an end."""
        told = self.told
        return not (told.two_inside or told.late_writes_kept or told.gave_up) and told.died == told.late_writes_refused


def measure(url: str, releases: int, size: Size) -> Round:
    """Let the crowd loose on an empty ledger; `releases` commits are asked for in each environment."""
    _ask_for_all(url, releases, size)
    with tempfile.TemporaryDirectory(prefix="namecard-crowd-") as folder:
        begun = time.time() + size.start_seconds
        each = size.promotions // size.processes
        orders = [
            Order(url, folder, name, first, each, size.dies, size.lease_seconds, begun)
            for name in ENVIRONMENTS
            for first in range(0, size.promotions, each)
        ]
        told = run_all(orders)
    return Round(url.partition(":")[0], releases, round(time.time() - begun, 1), told)


def _ask_for_all(url: str, releases: int, size: Size) -> None:
    ledger = open_ledger(url)
    now = datetime.now(UTC)
    for name in ENVIRONMENTS:
        for number in range(size.promotions):
            moment = now + timedelta(milliseconds=number)
            ledger.open_promotion(make_promotion(name, number, release_of(number, releases, size.promotions), moment))
    ledger.close()


def run_all(orders: Sequence[Order]) -> Told:
    """Run each order in a process of its own and add up what they tell. Raises RuntimeError when one fails."""
    pipe = subprocess.PIPE
    words = [sys.executable, "-m", "benchmarks.crowd"]
    started = [subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) for _ in orders]
    for process, order in zip(started, orders, strict=True):
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(order)))
        process.stdin.close()
    whole = Told()
    for process in started:
        with process:
            told = process.stdout.read() if process.stdout is not None else ""
        if process.returncode != 0:
            raise RuntimeError(f"a process of the crowd ended as {process.returncode}")
        _add(whole, Told(**json.loads(told)))
    return whole


def _add(whole: Told, part: Told) -> None:
    whole.longest_wait = max(whole.longest_wait, part.longest_wait)
    for field in fields(Told):
        if field.name != "longest_wait":
            setattr(whole, field.name, getattr(whole, field.name) + getattr(part, field.name))


def main() -> int:
    """Measure and print one JSON object. Exit codes: 0 when everything held, 1 otherwise."""
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory(prefix="namecard-bench-") as folder:
        store = StateStore(Path(folder))
        try:
            state = postgres.ensure_postgres(store, Path(folder) / "postgres.log", {})
            for releases in (1, _PROMOTIONS):
                for url in (f"sqlite:///{folder}/ledger-{releases}.sqlite", new_database(state.admin_url, releases)):
                    tell(f"{url.partition(':')[0]}: {_PROMOTIONS} promotions of {releases} commit(s)")
                    rounds.append(measure(url, releases, Size()))
        finally:
            postgres.stop_postgres(store)
            postgres.remove_data(store.state.postgres)
    told = [{**asdict(one), "holds": one.holds} for one in rounds]
    print(json.dumps({"rounds": told, "machine": describe_machine()}, indent=2))
    return 0 if all(one.holds for one in rounds) else 1


def new_database(admin_url: str, number: int) -> str:
    """Make an empty database on a server and give its URL."""
    from sqlalchemy import create_engine, make_url, text

    url = make_url(admin_url).set(drivername="postgresql+psycopg2")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"create database crowd_{number}"))
    engine.dispose()
    return url.set(drivername="postgresql", database=f"crowd_{number}").render_as_string(hide_password=False)


if __name__ == "__main__":
    sys.exit(main())
