"""A ledger on SQLite and on a real PostgreSQL, with a clock that a test moves, and processes that race."""

from __future__ import annotations

import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from namecard_release.ledger.open import make_engine, open_ledger
from namecard_release.ledger.sql_ledger import SqlLedger
from namecard_release.sandbox import postgres
from namecard_release.sandbox.state import StateStore

_RACER = Path(__file__).with_name("racer.py")


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    time: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def pass_time(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL; gives its administrator's URL."""
    folder = tmp_path_factory.mktemp("postgres")
    store = StateStore(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(postgres.URL_VARIABLE, raising=False)
        state = postgres.ensure_postgres(store, folder / "log", {"NAMECARD_SANDBOX_TEST": "ledger"})
    yield state.admin_url
    postgres.stop_postgres(store)
    postgres.remove_data(store.state.postgres)


def _new_database(server: str, template: str = "template1") -> str:
    name = f"ledger_{uuid.uuid4().hex[:12]}"
    url = make_url(server).set(drivername="postgresql+psycopg2")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"create database {name} template {template}"))
    engine.dispose()
    return url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def migrated_database(server: str) -> str:
    """The name of a PostgreSQL database at the newest schema, to be copied."""
    url = _new_database(server)
    open_ledger(url).close()
    return make_url(url).database or ""


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at the newest schema, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "ledger.sqlite"
    open_ledger(f"sqlite:///{file}").close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/ledger.sqlite"
    return _new_database(request.getfixturevalue("server"))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty ledger at the newest schema."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "ledger.sqlite")
        return f"sqlite:///{tmp_path}/ledger.sqlite"
    return _new_database(request.getfixturevalue("server"), request.getfixturevalue("migrated_database"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(url: str, clock: Clock) -> Iterator[SqlLedger]:
    ledger = SqlLedger(make_engine(url), clock.now)
    yield ledger
    ledger.close()


# What to do, at which ledger, one list of words a process; gives what each printed.
Race = Callable[[str, Sequence[Sequence[str]]], list[str]]


@pytest.fixture
def race() -> Iterator[Race]:
    """Run `racer.py` in several processes at once: all are started first, then told to go together."""
    started: list[subprocess.Popen[str]] = []

    def run(url: str, jobs: Sequence[Sequence[str]]) -> list[str]:
        pipe = subprocess.PIPE
        racers = [
            subprocess.Popen([sys.executable, str(_RACER), url, *words], stdin=pipe, stdout=pipe, text=True)
            for words in jobs
        ]
        started.extend(racers)
        for racer in racers:
            assert racer.stdout is not None and racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        told = [racer.communicate(timeout=60)[0].strip() for racer in racers]
        assert [racer.returncode for racer in racers] == [0] * len(racers)
        return told

    yield run
    for racer in started:
        if racer.poll() is None:
            racer.kill()
            racer.wait()
