"""What the sandbox remembers between commands: ports, processes, addresses and secrets, in one private file."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from namecard_release.errors import PermanentError
from namecard_release.sandbox.processes import LOOPBACK, ProcessRecord

ENVIRONMENTS = ("dev", "staging", "prod")


class Stores(StrEnum):
    """Where Dagster and the ledger keep what they know: in files, or in PostgreSQL with the instance of production."""

    EMBEDDED = "embedded"
    POSTGRESQL = "postgresql"


class PostgresState(BaseModel):
    """The database server: its administrator's URL, the platform's password, and what is ours of it.

    `data` and `port` are None for a server that was configured and is not started by the sandbox.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    admin_url: str
    password: str
    data: Path | None = None
    port: int | None = None
    binaries: Path | None = None


class SandboxState(BaseModel):
    """Everything known about one sandbox; a value that is not known yet is None or empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: Path
    emulator_port: int | None = None
    code_port: int | None = None
    ui_port: int | None = None
    postgres: PostgresState | None = None
    stores: Stores = Stores.EMBEDDED
    repository: Path | None = None
    releases: Mapping[str, str] = {}
    processes: Mapping[str, ProcessRecord] = {}

    @property
    def endpoint(self) -> str | None:
        """The AWS endpoint, for instance http://127.0.0.1:4566."""
        return None if self.emulator_port is None else f"http://{LOOPBACK}:{self.emulator_port}"

    @property
    def ui_url(self) -> str | None:
        """The address of the Dagster UI."""
        return None if self.ui_port is None else f"http://{LOOPBACK}:{self.ui_port}"

    @property
    def ledger_url(self) -> str:
        """The URL of the pipeline's ledger."""
        if self.stores is Stores.POSTGRESQL:
            return self.database_url("ledger")
        return f"sqlite:///{self.root / 'ledger.sqlite'}"

    @property
    def settings_file(self) -> Path:
        """The pipeline's settings file of this sandbox."""
        return self.root / "namecard-release.toml"

    def database_url(self, name: str) -> str:
        """The URL of an environment's database, or of the throw-away one for `test`, as the platform's role.

        Raises PermanentError when the database server was never started.
        """
        if self.postgres is None:
            raise PermanentError("The sandbox has no database yet: run 'namecard-release sandbox up'")
        server = urlsplit(self.postgres.admin_url)
        port = f":{server.port}" if server.port else ""
        login = f"namecard_user:{self.postgres.password}"
        return f"postgresql://{login}@{server.hostname or LOOPBACK}{port}/namecard_{name}"


class StateStore:
    """The state file: read once, changed by any thread, written atomically at each change, mode 0600."""

    def __init__(self, root: Path) -> None:
        self.file = root / "state.json"
        self._lock = threading.Lock()
        self._state = read_state(root) or SandboxState(root=root)

    @property
    def state(self) -> SandboxState:
        """The state as it is now."""
        return self._state

    def update(self, **changes: Any) -> SandboxState:
        """Change some values and write the file."""
        with self._lock:
            return self._write(self._state.model_copy(update=changes))

    def record(self, part: str, entry: ProcessRecord | None) -> SandboxState:
        """Remember the process of a part, or forget it."""
        with self._lock:
            others = {name: known for name, known in self._state.processes.items() if name != part}
            processes = others if entry is None else {**others, part: entry}
            return self._write(self._state.model_copy(update={"processes": processes}))

    def _write(self, state: SandboxState) -> SandboxState:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        # A temporary file is 0600 from its first byte.
        handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=".state-")
        with os.fdopen(handle, "w", encoding="utf-8") as text:
            text.write(state.model_dump_json(indent=2))
        Path(name).replace(self.file)
        self._state = state
        return state


def read_state(root: Path) -> SandboxState | None:
    """Read a sandbox's state, None when there is none. Raises PermanentError when the file is not one."""
    file = root / "state.json"
    try:
        return SandboxState.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise PermanentError(f"{file} is not a sandbox state ({type(error).__name__}): remove {root}") from error
