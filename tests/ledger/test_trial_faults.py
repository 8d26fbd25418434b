"""The trial of migrations on a server that refuses, drops, is silent or slow: UNKNOWN, and no file has failed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from namecard_release.adapters import measuring, migrator, postgres
from namecard_release.adapters.trial import PostgresTrial
from namecard_release.domain.gates import Verdict
from namecard_release.domain.migrations import MigrationFile, judge_trial
from namecard_release.time_limits import within
from tests.faults.tcp_proxy import Harm, Tap, tap_before

_SQL = "create table a_table_of_the_trial (id int);"
_NAME = "2026-01-01T0900__auth__first.sql"
FILE = MigrationFile(
    _NAME, "auth", hashlib.sha256(_SQL.encode()).hexdigest(), f"services/auth/migrations/{_NAME}", _SQL
)
# Where in a trial the harm is done, by a word of what is sent then.
POINTS = {
    "making its database": b"create database",
    "making the ledger in it": b"schema_migrations",
    "applying the file": b"a_table_of_the_trial",
}


@pytest.fixture(scope="module")
def tap(server: str) -> Iterator[Tap]:
    with tap_before(make_url(server).port or 5432) as tap:
        yield tap


@pytest.fixture
def trial(server: str, tap: Tap, monkeypatch: pytest.MonkeyPatch) -> PostgresTrial:
    """A trial whose server is reached through the proxy, and which waits for no file for long."""
    tap.heal()
    for module in (measuring, migrator):
        monkeypatch.setattr(module, "FILE_SECONDS", 0.3)
    monkeypatch.setattr(postgres, "_LAST_SECONDS", 0.3)
    url = make_url(server).set(drivername="postgresql", host="127.0.0.1", port=tap.port)
    return PostgresTrial(url.render_as_string(hide_password=False))


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("harm", [Harm.RESET_BEFORE, Harm.RESET_AFTER, Harm.SILENT])
def test_a_server_that_is_lost_makes_the_plan_unknown(
    trial: PostgresTrial, tap: Tap, server: str, harm: Harm, point: str
) -> None:
    tap.plan(harm, POINTS[point])
    started = time.monotonic()
    with within(1.5):
        told = trial.apply((), (FILE,))
    assert time.monotonic() - started < 10
    assert tap.met >= 1
    assert told.unread and told.failed is None, told
    assert judge_trial(told)[0] is Verdict.UNKNOWN
    assert (make_url(server).password or "no password") not in told.unread
    assert len(told.unread.splitlines()) == 1


def test_a_server_that_refuses_makes_the_plan_unknown(trial: PostgresTrial, tap: Tap) -> None:
    tap.plan(Harm.REFUSED)
    told = trial.apply((), (FILE,))
    assert told.unread and "cannot be reached" in told.unread and told.failed is None


def test_a_server_that_is_slow_is_waited_for(trial: PostgresTrial, tap: Tap) -> None:
    tap.plan(Harm.SLOW, POINTS["making its database"])
    told = trial.apply((), (FILE,))
    assert (told.unread, told.failed, told.applied) == (None, None, (FILE.name,))
    assert tap.met >= 1


def test_after_the_fault_the_trial_is_held_as_ever(trial: PostgresTrial, tap: Tap) -> None:
    tap.plan(Harm.RESET_BEFORE, POINTS["applying the file"])
    assert trial.apply((), (FILE,)).unread
    tap.heal()
    assert trial.apply((), (FILE,)).applied == (FILE.name,)
