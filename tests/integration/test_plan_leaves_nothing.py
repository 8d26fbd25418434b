"""What a plan leaves on the trial server: nothing, also when it is ended in the middle or a file would change roles."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest

from namecard_release.sandbox.state import StateStore

_WORDS = ("migrations", "plan", "--json")


def ask(url: str, sql: str) -> list[str]:
    link = psycopg2.connect(url)
    try:
        with link.cursor() as session:
            session.execute(sql)
            return [str(row[0]) for row in session.fetchall()]
    finally:
        link.close()


def command(checkout: Path, url: str, sql: str) -> list[str]:
    folder = checkout / "services" / "cards" / "migrations"
    folder.mkdir(parents=True)
    (folder / "2026-01-01T0001__cards__first.sql").write_text(sql)
    program = "from namecard_release.cli.main import app; app()"
    return [sys.executable, "-c", program, *_WORDS, "--checkout", str(checkout), "--trial-url", url]


def admin(database: StateStore) -> str:
    assert database.state.postgres is not None
    return str(database.state.postgres.admin_url)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_plan_ended_in_the_middle_drops_its_databases(database: StateStore, tmp_path: Path, number: int) -> None:
    url = admin(database)
    # The statement waits far longer than the test does.
    with subprocess.Popen(
        command(tmp_path, url, "select pg_sleep(50)"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        sleeping = "select pid from pg_stat_activity where query = 'select pg_sleep(50)' and state = 'active'"
        deadline = time.monotonic() + 20
        while not ask(url, sleeping):
            assert time.monotonic() < deadline and running.poll() is None
            time.sleep(0.05)
        running.send_signal(number)
        assert running.wait(10) != 0
    assert ask(url, "select datname from pg_database where datname like 'namecard\\_trial%'") == []
    assert ask(url, sleeping) == []


@pytest.mark.parametrize(
    "sql",
    [
        "create role left_behind; create table t (i integer)",
        "do $$ begin create role left_behind; end $$",
        "-- lint-ignore:server-wide\nalter role current_user set work_mem = '5MB'",
        "alter database postgres set work_mem = '5MB'",
        "grant pg_monitor to current_user",
    ],
)
def test_a_file_that_changes_the_whole_server_is_not_tried(database: StateStore, tmp_path: Path, sql: str) -> None:
    url = admin(database)
    kept = "select rolname from pg_roles union select setconfig::text from pg_db_role_setting order by 1"
    before = ask(url, kept)
    ran = subprocess.run(command(tmp_path, url, sql), capture_output=True, text=True, check=False)
    told = json.loads(ran.stdout)
    assert (ran.returncode, told["verdict"]) == (3, "UNKNOWN"), told["reason"]
    assert "changes the whole server" in told["trial"]["unread"]
    assert ask(url, kept) == before
