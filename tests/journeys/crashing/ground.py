"""A sandbox on the shipped instance settings whose parts can be killed: where the crash matrix happens.

The ground plays systemd for Dagster's processes (`Restart=always`, `RestartSec=1`), and the network between pipeline
and AWS. It decides nothing about releases.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import psutil
from sqlalchemy import create_engine, make_url, text

from namecard_release.composition import build_pipeline
from namecard_release.domain.heartbeats import ALARM_SENSOR
from namecard_release.domain.promotion import Promotion
from namecard_release.errors import ReleaseError
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.sandbox import dagster_process, processes
from namecard_release.sandbox.dagster_process import DagsterPlan, query
from namecard_release.sandbox.production import read_instance
from namecard_release.sandbox.settings_file import aws_environment, content, to_toml
from namecard_release.sandbox.stack import MARKER
from namecard_release.sandbox.state import StateStore
from namecard_release.sandbox.toolchain import Toolchain, ensure_toolchain
from namecard_release.settings import SETTINGS_VARIABLE, Settings, load_settings
from namecard_release.warm.protocol import is_serving
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.verifying import find_base_url
from tests.journeys.conftest import Sandbox
from tests.journeys.crashing.proxy import CuttingProxy
from tests.journeys.crashing.traps import FOLDER_VARIABLE, Traps

_DEFINITIONS = "tests.journeys.crashing.trapped"
# The launcher of the shipped instance, and the one with traps in its place.
_LAUNCHER = "module: namecard_release.warm.launcher\n  class: WarmRunLauncher"
_TRAPPED_LAUNCHER = "module: tests.journeys.crashing.trapped_launcher\n  class: TrappedRunLauncher"
# systemd's own RestartSec.
_RESTART_SECONDS = 0.1
_BAKE_SECONDS = 3
_BEATS = "{ instance { daemonHealth { allDaemonStatuses { daemonType required lastHeartbeatTime } } } }"
_RUNS = """{ runsOrError(filter: {pipelineName: "%s"}, limit: 10) { ... on Runs { results { startTime } } } }"""
_UNDER_WAY = """{ runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED, CANCELING]}) {
  ... on Runs { results { runId } } } }"""

# What an alarm is put with again.
_ALARM_KEYS = (
    *("AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions"),
    *("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit"),
    *("EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData"),
)

# The daemon first, so that nothing new is launched while the others stop.
_PARTS = (
    dagster_process.DAEMON,
    dagster_process.WEB_SERVER,
    dagster_process.CODE_SERVER,
    dagster_process.RUN_SERVER,
)

T = TypeVar("T")


def wait_for(read: Callable[[], T | None], seconds: float, what: str) -> T:
    """Ask again and again until there is an answer; AssertionError with what was waited for when there is none."""
    pause, end = threading.Event(), time.monotonic() + seconds
    while time.monotonic() < end:
        found = read()
        if found is not None and found is not False:
            return found
        pause.wait(0.05)
    raise AssertionError(f"nothing came within {seconds:.0f} s: {what}")


class Supervisor:
    """Starts Dagster's processes again after they died, as systemd does with `Restart=always`.

    Runs that the run server started live on without it (`KillMode=process`).
    """

    def __init__(self, store: StateStore, plan: DagsterPlan) -> None:
        self._store, self._plan = store, plan
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Start nothing again any more."""
        self._stop.set()
        self._thread.join(timeout=60)

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            if self._is_dead(*_PARTS) and not self._stop.wait(_RESTART_SECONDS):
                if self._is_dead(dagster_process.RUN_SERVER):
                    # Forgotten, or what it left would be ended before the next one is started.
                    self._store.record(dagster_process.RUN_SERVER, None)
                with suppress(ReleaseError):
                    # What is killed while it starts is started again.
                    dagster_process.ensure_dagster(self._store, self._plan)

    def _is_dead(self, *parts: str) -> bool:
        known = self._store.state.processes
        return not all(processes.is_running(known.get(part)) for part in parts)


@dataclass
class Ground:
    """What the cells of the matrix are played on: one environment of one sandbox."""

    sandbox: Sandbox
    store: StateStore
    settings: Settings
    proxy: CuttingProxy
    traps: Traps
    environment: str = "staging"
    _migrator_lock: Any = None

    @cached_property
    def pipeline(self) -> Pipeline:
        """The pipeline, to look from outside of every run."""
        return build_pipeline(self.settings)

    @property
    def ledger(self) -> ReleaseLedger:
        """The ledger."""
        return self.pipeline.ledger

    @property
    def url(self) -> str:
        """The web server's address."""
        return self.settings.dagster.url

    def call(self, *words: str) -> None:
        """Run the command line as a person does; it has to succeed."""
        done = self.sandbox.call(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)

    def promotion(self, promotion_id: str) -> Promotion:
        """Read a promotion."""
        found = self.ledger.promotion(promotion_id)
        assert found is not None
        return found

    def pid_of(self, part: str) -> int:
        """Give the process of one of Dagster's parts."""
        return wait_for(lambda: entry.pid if (entry := self.store.state.processes.get(part)) else None, 60, part)

    def signal(self, part: str, number: signal.Signals) -> float:
        """Send a signal to one of Dagster's parts, to it alone, and give the moment."""
        os.kill(self.pid_of(part), number)
        return time.time()

    def kill_code_server(self) -> float:
        """Kill the code server with the process that it serves from, in which sensors run, and give the moment."""
        moment = time.time()
        processes.kill(self.store.state.processes.get(dagster_process.CODE_SERVER))
        return moment

    def kill_machine(self) -> float:
        """Kill all of Dagster's processes with the runs that they started, and give the moment."""
        moment = time.time()
        for part in _PARTS:
            processes.kill(self.store.state.processes.get(part))
        return moment

    def daemon_beat(self, since: float) -> float | None:
        """Give the first heart-beat of all of the daemon's parts after a moment, None when there is none yet."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = query(self.url, _BEATS)["instance"]["daemonHealth"]["allDaemonStatuses"]
            beats = [one["lastHeartbeatTime"] or 0.0 for one in told if one["required"]]
            if beats and min(beats) > since:
                return float(min(beats))
        return None

    def serves_runs(self, killed: int) -> float | None:
        """Give now when a run server listens that is not the killed one."""
        entry = self.store.state.processes.get(dagster_process.RUN_SERVER)
        is_new = entry is not None and entry.pid != killed
        return time.time() if is_new and is_serving(self.store.state.root / "dagster") else None

    def sensor_beat(self, since: float) -> float | None:
        """Give the alarm sensor's last sign of life when it is younger than a moment."""
        beat = self.ledger.last_beat(ALARM_SENSOR)
        return beat.timestamp() if beat is not None and beat.timestamp() > since else None

    def run_started(self, job: str, since: float) -> float | None:
        """Give when a run of a job started after a moment."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            runs = query(self.url, _RUNS % job)["runsOrError"]["results"]
            starts = [run["startTime"] for run in runs if run["startTime"] and run["startTime"] > since]
            return min(starts, default=None)
        return None

    def is_idle(self) -> bool:
        """Tell whether no run is queued or under way."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            return not query(self.url, _UNDER_WAY)["runsOrError"]["results"]
        return False

    def updates(self) -> dict[str, int]:
        """Count how often each stack of the environment began to be created or updated, as CloudFormation tells."""
        counts = {}
        for stack in self.settings.environment(self.environment).stack_names:
            pages = self.aws("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack)
            with suppress(self.aws("cloudformation").exceptions.ClientError):
                own = [e for page in pages for e in page["StackEvents"] if e["LogicalResourceId"] == stack]
                begun = [e for e in own if e["ResourceStatus"] in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")]
                counts[stack] = len(begun)
        return counts

    def aws(self, service: str) -> Any:
        """Make a client that reaches the emulator past the proxy."""
        import boto3

        aws = self.settings.aws
        make: Any = boto3.client
        return make(
            service,
            region_name=self.settings.environment(self.environment).region,
            endpoint_url=self.store.state.endpoint,
            aws_access_key_id=aws.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=aws.env["AWS_SECRET_ACCESS_KEY"],
        )

    def hold_migrator(self) -> None:
        """Make the migrator of the next deploy wait, so that its stack stays in progress: the platform's own lock."""
        import psycopg2

        self._migrator_lock = psycopg2.connect(self.store.state.database_url(self.environment))
        self._migrator_lock.autocommit = True
        with self._migrator_lock.cursor() as cursor:
            cursor.execute("select pg_advisory_lock(1867, 2401)")

    def let_migrator_go(self) -> None:
        """Let the migrator go on."""
        if self._migrator_lock is not None:
            self._migrator_lock.close()
            self._migrator_lock = None

    @contextmanager
    def alarm_firing(self, part: str) -> Iterator[None]:
        """Have the first alarm of the environment whose name has a part in it fire for a while.

        Its own threshold is what changes: a state that is only set lasts until the next evaluation.
        """
        site, cloudwatch = self.pipeline.site(self.environment), self.aws("cloudwatch")
        arn = next(a.arn for a in site.cloud.alarms(site.settings.stack_names) if part in a.name)
        name = arn.partition(":alarm:")[2]
        (told,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        usual = {key: told[key] for key in _ALARM_KEYS if key in told}
        cloudwatch.put_metric_alarm(**{**usual, "Threshold": 0.0, "TreatMissingData": "breaching"})
        try:
            yield
        finally:
            cloudwatch.put_metric_alarm(**usual)
            wait_for(lambda: self._is_calm(name) or None, 30, f"{name} is OK again")

    def _is_calm(self, alarm: str) -> bool:
        (told,) = self.aws("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
        return bool(told["StateValue"] == "OK")

    def served(self) -> set[str | None]:
        """Ask every service which release it is."""
        site = self.pipeline.site(self.environment)
        base = find_base_url(site, site.cloud.outputs(site.settings.stack_names))
        assert base is not None
        return {probe.version for probe in self.pipeline.prober.probe(base, self.settings.platform.services)}

    def newest(self, release: str) -> Promotion | None:
        """Give the newest change of the environment that is about a release."""
        return next((p for p in self.ledger.history(self.environment) if p.release == release), None)


def find_cdk(run: int) -> int | None:
    """Find the cdk that a run's process has deploying, past its guard."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(run).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                words = child.cmdline()
                if "deploy" in words and "cdk" in " ".join(words) and not any("guard.py" in word for word in words):
                    return int(child.pid)
    return None


@contextmanager
def crash_ground(sandbox: Sandbox, *, own_ledger: bool) -> Iterator[Ground]:
    """Put a sandbox's Dagster on the shipped settings, its PostgreSQL, trapped definitions and a proxy before AWS.

    With `own_ledger` the ledger is a new database of PostgreSQL too, else the sandbox's. All is taken down at the end.
    """
    store, tools = StateStore(sandbox.root), ensure_toolchain()
    for part in _PARTS:
        dagster_process.stop_part(store, part)
    proxy = CuttingProxy(store.state.emulator_port or 0)
    traps = Traps(sandbox.root / "traps")
    traps.clear()
    dagster_process.settle_ports(store)
    _write_settings(store, tools, proxy.port, _database(store, "crash_ledger") if own_ledger else None)
    plan = _plan(store, tools, proxy.port, traps_folder=sandbox.root / "traps")
    dagster_process.ensure_dagster(store, plan)
    supervisor = Supervisor(store, plan)
    settings = load_settings(store.state.settings_file)
    try:
        yield Ground(sandbox, store, settings, proxy, traps)
    finally:
        supervisor.close()
        traps.clear()
        for part in _PARTS:
            dagster_process.stop_part(store, part)
        proxy.close()


def _write_settings(store: StateStore, tools: Toolchain, port: int, ledger: str | None) -> None:
    written = content(store.state.model_copy(update={"emulator_port": port}), tools)
    direct = content(store.state, tools)["environments"]
    for name, environment in written["environments"].items():
        environment["bake_seconds"] = _BAKE_SECONDS
        # What goes into the assemblies stays, or the evidence of the gates would be about others; probes go past the
        # proxy by that, as people's requests do.
        environment["synth_context"] = direct[name]["synth_context"]
    if ledger is not None:
        written["paths"]["ledger_url"] = ledger
    store.state.settings_file.write_text(to_toml(written))


def _plan(store: StateStore, tools: Toolchain, port: int, traps_folder: Path) -> DagsterPlan:
    url = make_url(_database(store, "crash_dagster", anew=True))
    told = {"HOST": url.host, "PORT": url.port, "USER": url.username, "PASSWORD": url.password, "DB": url.database}
    environment = {
        **dagster_process.base_environment(tools.path),
        **aws_environment(store.state.model_copy(update={"emulator_port": port})),
        **{f"DAGSTER_PG_{name}": str(value or "") for name, value in told.items()},
        MARKER: str(store.state.root),
        SETTINGS_VARIABLE: str(store.state.settings_file),
        FOLDER_VARIABLE: str(traps_folder),
    }
    instance = read_instance()
    assert _LAUNCHER in instance
    instance = instance.replace(_LAUNCHER, _TRAPPED_LAUNCHER)
    return DagsterPlan(store.state.root, _DEFINITIONS, environment, Path.cwd(), instance)


def _database(store: StateStore, name: str, *, anew: bool = False) -> str:
    """Make a database of that name unless it is there, or `anew`, and give its URL."""
    assert store.state.postgres is not None
    url = make_url(store.state.postgres.admin_url).set(drivername="postgresql+psycopg2")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if anew:
            connection.execute(text(f"drop database if exists {name} with (force)"))
        if not connection.execute(text("select 1 from pg_database where datname = :name"), {"name": name}).all():
            connection.execute(text(f"create database {name}"))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)
