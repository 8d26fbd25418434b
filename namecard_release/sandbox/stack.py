"""The sandbox as a whole: bring it up, take it down, tell how it is. Every part runs on loopback, detached.

What runs stays, what died is started again, so `up` may be called at any time, also after everything was killed.
"""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from namecard_release.dlq_settings import DeadLetters
from namecard_release.errors import TransientError
from namecard_release.sandbox import dagster_process, postgres, processes
from namecard_release.sandbox.alarm_queues import ensure_alarm_queues
from namecard_release.sandbox.bootstrap import bootstrap, is_bootstrapped
from namecard_release.sandbox.buckets import ensure_bucket
from namecard_release.sandbox.emulator_process import start_emulator
from namecard_release.sandbox.production import read_instance, storage_environment
from namecard_release.sandbox.settings_file import aws_environment, write_settings
from namecard_release.sandbox.state import ENVIRONMENTS, SandboxState, StateStore, Stores, read_state
from namecard_release.sandbox.toolchain import Toolchain, ensure_toolchain
from namecard_release.settings import SETTINGS_VARIABLE

MARKER = "NAMECARD_SANDBOX"
EMULATOR = "emulator"
PARTS = (
    postgres.PART,
    EMULATOR,
    dagster_process.CODE_SERVER,
    dagster_process.RUN_SERVER,
    dagster_process.WEB_SERVER,
    dagster_process.DAEMON,
)

Progress = Callable[[str], None]
Seed = Callable[[Path], Mapping[str, str]]


@dataclass(frozen=True)
class PartStatus:
    """One part of the sandbox: whether it runs, as which process and on which port (None when it has none)."""

    name: str
    running: bool
    pid: int | None
    port: int | None


@dataclass(frozen=True)
class _Building:
    """One `up` at work: where it keeps its state and whom it tells."""

    store: StateStore
    progress: Progress
    begun: float = field(default_factory=time.monotonic)

    @property
    def root(self) -> Path:
        """The sandbox's folder."""
        return self.store.state.root

    @property
    def marker(self) -> dict[str, str]:
        """The variable by which a process of this sandbox is known, whatever became of the state file."""
        return {MARKER: str(self.root)}

    def log(self, part: str) -> Path:
        """The log file of a part."""
        return self.root / "logs" / f"{part}.log"

    def tell(self, text: str) -> None:
        """Report progress with the seconds since the start."""
        self.progress(f"{time.monotonic() - self.begun:5.1f} s  {text}")


def up(
    root: Path,
    progress: Progress = lambda _: None,
    *,
    dagster: bool = True,
    definitions: str = dagster_process.DEFINITIONS,
    seed: Seed | None = None,
    stores: Stores | None = None,
) -> SandboxState:
    """Bring the sandbox in folder `root` up and return its state; without `dagster`, all but its four processes.

    `seed` fills the platform's repository and returns letter -> SHA; default: the sample platform's. `stores` is
    remembered; what was kept in other stores is not seen any more.
    Raises TransientError when another command works on the same sandbox, PermanentError when a part does not start.
    """
    root = root.resolve()
    with _exclusively(root):
        building = _Building(StateStore(root), progress)
        if stores is not None:
            building.store.update(stores=stores)
        _reap(building)
        _settle_ports(building.store)
        with ThreadPoolExecutor(4, thread_name_prefix="sandbox") as pool:
            seeding = pool.submit(_ensure_repository, building, seed)
            database = pool.submit(_ensure_database, building)
            tools = _ensure_tools(building)
            account = pool.submit(_ensure_account, building, tools)
            database.result()
            seeding.result()
            write_settings(building.store.state, tools)
            if dagster:
                _ensure_dagster(building, tools, definitions)
            account.result()
        building.tell("the sandbox is up")
        return building.store.state


def down(root: Path, *, purge: bool = False) -> None:
    """Stop every part, keeping what they stored; with `purge`, remove the whole sandbox folder as well."""
    root = root.resolve()
    if not root.is_dir():
        return
    with _exclusively(root):
        store = StateStore(root)
        dagster_process.stop_part(store, dagster_process.DAEMON)
        with ThreadPoolExecutor(5, thread_name_prefix="sandbox") as pool:
            stopping = [
                pool.submit(dagster_process.stop_part, store, dagster_process.WEB_SERVER),
                pool.submit(dagster_process.stop_part, store, dagster_process.CODE_SERVER),
                pool.submit(dagster_process.stop_part, store, dagster_process.RUN_SERVER),
                pool.submit(_stop_emulator, store),
                pool.submit(postgres.stop_postgres, store),
            ]
        for part in stopping:
            part.result()
        processes.stop_strays((MARKER, str(root)), keep=())
        if purge:
            postgres.remove_data(store.state.postgres)
            shutil.rmtree(root, ignore_errors=True)


def status(root: Path) -> tuple[PartStatus, ...]:
    """Tell of each part whether it runs; empty when there is no sandbox in that folder."""
    state = read_state(root.resolve())
    if state is None:
        return ()
    ports = {
        postgres.PART: state.postgres.port if state.postgres else None,
        EMULATOR: state.emulator_port,
        dagster_process.CODE_SERVER: state.code_port,
        dagster_process.WEB_SERVER: state.ui_port,
    }
    return tuple(_part(state, name, ports.get(name)) for name in PARTS)


def _stop_emulator(store: StateStore) -> None:
    processes.stop(store.state.processes.get(EMULATOR), timeout=20)
    store.record(EMULATOR, None)


def _part(state: SandboxState, name: str, port: int | None) -> PartStatus:
    entry = state.processes.get(name)
    running = processes.is_running(entry)
    return PartStatus(name, running, entry.pid if entry and running else None, port)


def _reap(building: _Building) -> None:
    """End what a killed start or a killed server left behind."""
    known = building.store.state.processes.values()
    keep = [entry for entry in known if processes.is_running(entry)]
    ended = processes.stop_strays((MARKER, str(building.root)), keep)
    if ended:
        building.tell(f"ended {ended} process(es) that a killed sandbox left behind")


def _settle_ports(store: StateStore) -> None:
    """Choose every address before anything starts, the one of last time where it is free."""
    if not processes.is_running(store.state.processes.get(EMULATOR)):
        store.update(emulator_port=processes.reuse_port(store.state.emulator_port))
    dagster_process.settle_ports(store)


def _ensure_tools(building: _Building) -> Toolchain:
    tools = ensure_toolchain()
    building.tell(f"node, pnpm and cdk are ready ({tools.node})")
    return tools


def _ensure_database(building: _Building) -> None:
    reached = postgres.ensure_postgres(building.store, building.log(postgres.PART), building.marker)
    building.tell(f"PostgreSQL is ready (port {reached.port or 'of the configured server'})")


def _ensure_repository(building: _Building, seed: Seed | None) -> None:
    state = building.store.state
    target = building.root / "platform"
    if not (state.releases and target.is_dir()):
        shutil.rmtree(target, ignore_errors=True)
        releases = (seed or _sample_platform)(target)
        building.store.update(repository=target, releases=dict(releases))
    building.tell("the platform's repository is ready")


def _sample_platform(target: Path) -> Mapping[str, str]:
    from namecard_release.sandbox.seed import seed_repository

    return seed_repository(target).shas


def _ensure_account(building: _Building, tools: Toolchain) -> None:
    store = building.store
    if not processes.is_running(store.state.processes.get(EMULATOR)):
        port = store.state.emulator_port or processes.free_port()
        folder, log = building.root / "emulator", building.log(EMULATOR)
        store.record(EMULATOR, start_emulator(folder, port, log, tools.path, marker=building.marker))
    building.tell(f"the AWS emulator is ready ({store.state.endpoint})")
    endpoint = store.state.endpoint
    if endpoint is not None and not is_bootstrapped(endpoint):
        environment = {**aws_environment(store.state), **building.marker, "HOME": str(building.root / "cdk")}
        bootstrap(tools, environment, building.root, building.log("cdk-bootstrap"))
    if endpoint is not None:
        ensure_bucket(endpoint, DeadLetters().archive_bucket)
        ensure_alarm_queues(endpoint, store.state.emulator_port or 0, ENVIRONMENTS)
    building.tell("the emulated account is ready for CDK")


def _ensure_dagster(building: _Building, tools: Toolchain, definitions: str) -> None:
    building.tell("starting Dagster")
    root = building.root
    environment = {
        **dagster_process.base_environment(tools.path),
        **aws_environment(building.store.state),
        **building.marker,
        SETTINGS_VARIABLE: str(building.store.state.settings_file),
    }
    instance = None
    if building.store.state.stores is Stores.POSTGRESQL:
        instance = read_instance()
        environment |= storage_environment(building.store.state)
    plan = dagster_process.DagsterPlan(root, definitions, environment, Path.cwd(), instance)
    url = dagster_process.ensure_dagster(building.store, plan)
    building.tell(f"Dagster is ready ({url})")


@contextmanager
def _exclusively(root: Path) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TransientError(f"Another command works on the sandbox in {root}: wait for it to end") from None
        yield
