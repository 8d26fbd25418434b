"""The sandbox's Dagster: its instance folder and its processes (code server, run server, web server, daemon).

There is never more than one daemon: two would launch the same rollback twice.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from namecard_release.errors import PermanentError
from namecard_release.sandbox import processes
from namecard_release.sandbox.processes import LOOPBACK, Launch, ProcessRecord
from namecard_release.sandbox.state import StateStore
from namecard_release.warm.names import KEEP_VARIABLE
from namecard_release.warm.protocol import is_serving

CODE_SERVER, WEB_SERVER, DAEMON = "code-server", "web-server", "daemon"
RUN_SERVER = "run-server"
LOCATION = "namecard_release"
DEFINITIONS = "namecard_release.definitions"
START_TIMEOUT_SECONDS = 90.0
# A code server whose definitions did not load does not heed SIGTERM.
STOP_TIMEOUT_SECONDS = 4.0

_INSTANCE = """\
# Written by 'namecard-release sandbox up'.
storage:
  sqlite:
    base_dir: {storage}
# Runs start at once, without a queue between an alarm and its rollback.
run_coordinator:
  module: dagster._core.run_coordinator
  class: DefaultRunCoordinator
run_launcher:
  module: namecard_release.warm.launcher
  class: WarmRunLauncher
sensors:
  use_threads: true
  num_workers: 8
schedules:
  use_threads: true
  num_workers: 4
# A run that was killed is resumed by a person here, to be seen; deploy/dagster.yaml has it resumed by itself.
run_retries:
  enabled: false
run_monitoring:
  enabled: true
  poll_interval_seconds: 15
# No invitation dialog over the first page.
nux:
  enabled: false
telemetry:
  enabled: false
retention:
  sensor:
    purge_after_days:
      skipped: 1
      failure: 7
      success: 7
  schedule:
    purge_after_days: 7
"""
_WORKSPACE = """\
# Written by 'namecard-release sandbox up'.
load_from:
  - grpc_server:
      host: {host}
      port: {port}
      location_name: {location}
"""
_LOCATION_QUERY = """{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus
  locationOrLoadError { __typename ... on PythonError { message errorChain { error { message } } } } } } } }"""
_RELOAD = """mutation { reloadWorkspace { __typename } }"""
_DAEMONS_QUERY = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"


@dataclass(frozen=True)
class DagsterPlan:
    """What the processes need: the sandbox's folder, the module with the definitions, the environment of runs.

    `instance` is the text of a dagster.yaml to use in place of the sandbox's own.
    """

    root: Path
    definitions: str
    environment: Mapping[str, str]
    folder: Path
    instance: str | None = None

    @property
    def home(self) -> Path:
        """The instance folder, DAGSTER_HOME."""
        return self.root / "dagster"

    @property
    def workspace(self) -> Path:
        """The workspace file, which names the code server's port."""
        return self.root / "workspace.yaml"

    def log(self, part: str) -> Path:
        """The log file of a part."""
        return self.root / "logs" / f"{part}.log"


def write_instance(plan: DagsterPlan, code_port: int) -> None:
    """Write dagster.yaml and workspace.yaml."""
    plan.home.mkdir(parents=True, exist_ok=True)
    storage = json.dumps(str(plan.home / "storage"))
    (plan.home / "dagster.yaml").write_text(plan.instance or _INSTANCE.format(storage=storage))
    plan.workspace.write_text(_WORKSPACE.format(host=LOOPBACK, port=code_port, location=LOCATION))


def ensure_dagster(store: StateStore, plan: DagsterPlan) -> str:
    """Start what does not run and wait until the definitions are loaded and the daemon beats; returns the UI's URL.

    Raises PermanentError with the definitions' own error when they do not load.
    """
    code_port, ui_port = settle_ports(store)
    write_instance(plan, code_port)
    workspace = ["--workspace", str(plan.workspace)]
    serve = ["code-server", "start", "--module-name", plan.definitions, "--host", LOOPBACK, "--port", str(code_port)]
    _ensure(store, plan, CODE_SERVER, ["dagster", *serve])
    _ensure(store, plan, RUN_SERVER, ["namecard_release.warm.server"])
    processes.wait_until(
        lambda: processes.accepts(code_port),
        "Dagster's code server",
        START_TIMEOUT_SECONDS,
        store.state.processes.get(CODE_SERVER),
        plan.log(CODE_SERVER),
    )
    web = ["--host", LOOPBACK, "--port", str(ui_port), *workspace]
    _ensure(store, plan, WEB_SERVER, ["dagster_webserver", *web])
    keeping = replace(plan, environment={**plan.environment, KEEP_VARIABLE: "1"})
    _ensure(store, keeping, DAEMON, ["dagster._daemon", "run", *workspace])
    _wait(store, plan, RUN_SERVER, lambda: is_serving(plan.home))
    url = f"http://{LOOPBACK}:{ui_port}"
    _wait(store, plan, WEB_SERVER, _Loading(url).is_done)
    _wait(store, plan, DAEMON, lambda: _daemon_beats(url))
    return url


def stop_part(store: StateStore, part: str) -> None:
    """Stop one of the four processes; the daemon goes first, so that nothing new is launched."""
    processes.stop(store.state.processes.get(part), timeout=STOP_TIMEOUT_SECONDS)
    store.record(part, None)


def query(url: str, text: str, timeout: float = 10.0) -> Mapping[str, Any]:
    """Ask the web server's GraphQL; returns `data`. Raises OSError when it does not answer."""
    request = urllib.request.Request(
        f"{url}/graphql",
        data=json.dumps({"query": text}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        body: dict[str, Any] = json.load(answer)
    data: Mapping[str, Any] = body.get("data") or {}
    return data


def settle_ports(store: StateStore) -> tuple[int, int]:
    """Settle on the ports of the code server and the web server, the ones before where they are free."""
    state = store.state
    known = {CODE_SERVER: state.code_port, WEB_SERVER: state.ui_port}
    ports = {
        part: port if port and processes.is_running(state.processes.get(part)) else processes.reuse_port(port)
        for part, port in known.items()
    }
    store.update(code_port=ports[CODE_SERVER], ui_port=ports[WEB_SERVER])
    return ports[CODE_SERVER], ports[WEB_SERVER]


def _ensure(store: StateStore, plan: DagsterPlan, part: str, module: Sequence[str]) -> None:
    entry = store.state.processes.get(part)
    if processes.is_running(entry):
        return
    processes.stop(entry)
    environment = {**plan.environment, "DAGSTER_HOME": str(plan.home)}
    started = processes.start(Launch([sys.executable, "-m", *module], environment, plan.log(part), plan.folder))
    store.record(part, started)


def _wait(store: StateStore, plan: DagsterPlan, part: str, ready: Callable[[], bool]) -> None:
    entry: ProcessRecord | None = store.state.processes.get(part)
    processes.wait_until(ready, f"Dagster's {part}", START_TIMEOUT_SECONDS, entry, plan.log(part))


class _Loading:
    """Whether the web server has the definitions; an error counts only after the code server was told to reload."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._reloaded = False

    def is_done(self) -> bool:
        """Look once. Raises PermanentError when the definitions do not load."""
        try:
            found = query(self._url, _LOCATION_QUERY).get("workspaceOrError") or {}
            entries = found.get("locationEntries") or []
            if not entries or any(entry["loadStatus"] != "LOADED" for entry in entries):
                return False
            failed = [entry["locationOrLoadError"] or {} for entry in entries]
            messages = [_cause(error) for error in failed if "message" in error]
            return not messages or self._retry(messages[0])
        except (OSError, ValueError):
            return False

    def _retry(self, message: str) -> bool:
        unreachable = "UNAVAILABLE" in message or "Could not reach" in message
        if self._reloaded and not unreachable:
            raise PermanentError(f"The definitions do not load: {message}")
        query(self._url, _RELOAD, timeout=60)
        self._reloaded = not unreachable
        return False


def _cause(error: Mapping[str, Any]) -> str:
    """The first line of the error at the bottom of the chain."""
    chain = [str(link["error"]["message"]) for link in error.get("errorChain") or []]
    message = (chain or [str(error["message"])])[-1]
    return next((line.strip() for line in message.splitlines() if line.strip()), "no message")


def _daemon_beats(url: str) -> bool:
    try:
        data = query(url, _DAEMONS_QUERY)
    except (OSError, ValueError):
        return False
    statuses = ((data.get("instance") or {}).get("daemonHealth") or {}).get("allDaemonStatuses") or []
    required = [status for status in statuses if status["required"]]
    return bool(required) and all(status["healthy"] for status in required)


def base_environment(path: str) -> dict[str, str]:
    """Return the minimal environment of the processes: PATH, HOME and language, and no setting of Python's."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return {**kept, "PATH": path, "PYTHONUNBUFFERED": "1"}
