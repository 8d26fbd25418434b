"""The sandbox's PostgreSQL on real binaries: roles, a second start, a start after a kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from namecard_release.sandbox import postgres, processes
from namecard_release.sandbox.state import StateStore

MARKER = {"NAMECARD_SANDBOX_TEST": "postgres"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StateStore]:
    monkeypatch.delenv(postgres.URL_VARIABLE, raising=False)
    store = StateStore(tmp_path)
    yield store
    postgres.stop_postgres(store)
    postgres.remove_data(store.state.postgres)


def query(url: str, statement: str) -> object:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone() if cursor.description else None
    finally:
        connection.close()


@pytest.fixture(params=["found", "wheel"])
def binaries(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "wheel":
        monkeypatch.setattr(postgres, "find_system_folders", lambda program: ())
    return str(request.param)


def test_serves_again_after_a_kill(store: StateStore, tmp_path: Path, binaries: str) -> None:
    first = postgres.ensure_postgres(store, tmp_path / "log", MARKER)
    assert (first.binaries is not None) and (("embedded" in str(first.binaries)) == (binaries == "wheel"))
    for name in ("dev", "staging", "prod", "test"):
        assert query(store.state.database_url(name), "select current_user") == ("namecard_user",)
    query(store.state.database_url("test"), "create database trial_1")
    query(store.state.database_url("dev"), "create table kept as select 1 as one")
    entry = store.state.processes["postgres"]
    assert postgres.ensure_postgres(store, tmp_path / "log", MARKER) == first
    assert store.state.processes["postgres"] == entry
    psutil.Process(entry.pid).kill()
    again = postgres.ensure_postgres(store, tmp_path / "log", MARKER)
    assert again.port == first.port
    assert query(store.state.database_url("dev"), "select one from kept") == (1,)
    postgres.stop_postgres(store)
    assert not processes.is_running(entry) and store.state.processes == {}


def test_the_state_file_is_private(store: StateStore) -> None:
    store.update(ui_port=1)
    assert store.file.stat().st_mode & 0o777 == 0o600
