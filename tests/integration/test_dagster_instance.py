"""The production instance of Dagster (deploy/dagster.yaml) on a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import RunFailureReason
from dagster._core.execution.retries import auto_reexecution_should_retry_run
from dagster._core.run_coordinator import QueuedRunCoordinator
from sqlalchemy import Engine, create_engine, make_url, text

from assets.requests import KIND_TAG, PROMOTES_TAG
from jobs.rollback import rollback_job
from namecard_release.sandbox import processes
from namecard_release.sandbox.state import StateStore
from namecard_release.warm.names import KEEP_VARIABLE

_FILE = Path(__file__).parents[2] / "deploy" / "dagster.yaml"
_RUN = """
import dagster as dg

@dg.op
def say() -> int:
    return 7

@dg.job(tags={"told": "yes"})
def trivial():
    say()

with dg.DagsterInstance.get() as instance:
    result = trivial.execute_in_process(instance=instance)
    assert result.success
    print(result.run_id)
"""


@pytest.fixture
def administrator(database: StateStore) -> Iterator[Engine]:
    """The server's administrator."""
    assert database.state.postgres is not None
    url = make_url(database.state.postgres.admin_url).set(drivername="postgresql+psycopg2")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@pytest.fixture
def home(administrator: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """DAGSTER_HOME with the shipped file, over a database of its own."""
    with administrator.connect() as connection:
        connection.execute(text("create database dagster_production"))
    url = administrator.url
    told = {"HOST": url.host, "PORT": url.port, "USER": url.username, "PASSWORD": url.password or ""}
    for name, value in {**told, "DB": "dagster_production"}.items():
        monkeypatch.setenv(f"DAGSTER_PG_{name}", str(value))
    shutil.copy(_FILE, tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    yield tmp_path
    with administrator.connect() as connection:
        connection.execute(text("drop database dagster_production with (force)"))


def test_the_shipped_instance_loads_and_keeps_a_run(home: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _RUN], env=dict(os.environ), cwd=home, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(ran.stdout.strip())
        assert run is not None and run.is_success and run.tags["told"] == "yes"
        assert any(record.message for record in instance.all_logs(run.run_id))
        for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
            assert type(storage).__module__.startswith("dagster_postgres")


def _connected(administrator: Engine) -> set[int]:
    with administrator.connect() as connection:
        told = "select pid from pg_stat_activity where datname = 'dagster_production'"
        return set(connection.execute(text(told)).scalars())


@pytest.mark.parametrize("keeps", [True, False])
def test_the_daemon_keeps_its_connections_and_nobody_else_does(
    home: Path, administrator: Engine, monkeypatch: pytest.MonkeyPatch, keeps: bool
) -> None:
    monkeypatch.setenv(KEEP_VARIABLE, "1" if keeps else "0")
    with dg.DagsterInstance.get() as instance:
        instance.all_instigator_state()
        # PostgreSQL takes a moment to see that a connection was closed.
        processes.wait_until(lambda: bool(_connected(administrator)) is keeps, "the connection", 5, None, home)
        kept = _connected(administrator)
        instance.all_instigator_state()
        processes.wait_until(lambda: _connected(administrator) == kept, "the same connection", 5, None, home)
        with administrator.connect() as connection:
            for pid in kept:
                connection.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
        # One that PostgreSQL closed meanwhile is noticed before it is used.
        assert instance.all_instigator_state() == []


def test_the_shipped_settings_are_those_that_are_told(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.run_coordinator, QueuedRunCoordinator)
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None and queue.max_concurrent_runs == -1
        limited = {(limit["key"], str(limit.get("value"))) for limit in queue.tag_concurrency_limits}
        assert {key for key, _ in limited} == {PROMOTES_TAG, KIND_TAG}
        # No limit may ever hold a rollback back.
        assert PROMOTES_TAG not in rollback_job.tags
        assert (KIND_TAG, rollback_job.tags[KIND_TAG]) not in limited
        assert int(rollback_job.tags["dagster/priority"]) > 0
        assert instance.run_monitoring_enabled and instance.run_retries_enabled
        assert instance.run_retries_max_retries == 0 and not instance.run_retries_retry_on_asset_or_op_failure
        monitoring = instance.get_settings("run_monitoring")
        # What a daemon took from the queue and did not launch is resumed within a minute, its own restart included.
        assert monitoring["start_timeout_seconds"] + monitoring["poll_interval_seconds"] <= 40
        assert instance.get_settings("sensors")["use_threads"] is True


@pytest.mark.parametrize(
    ("reason", "retried"),
    [
        (None, True),
        (RunFailureReason.RUN_EXCEPTION, True),
        (RunFailureReason.START_TIMEOUT, True),
        (RunFailureReason.STEP_FAILURE, False),
    ],
)
def test_a_run_whose_process_died_is_retried_and_one_whose_step_said_no_is_not(
    home: Path, reason: RunFailureReason | None, retried: bool
) -> None:
    config = {"ops": {"rollback_deployment": {"config": {"environment": "staging"}}}}
    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(rollback_job, run_config=config, tags=dict(rollback_job.tags))
        instance.report_run_failed(run)
        failed = instance.get_run_by_id(run.run_id)
        assert failed is not None
        assert auto_reexecution_should_retry_run(instance, failed, reason) is retried
