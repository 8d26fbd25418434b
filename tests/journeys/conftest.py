"""One sandbox for all journeys: the real daemon, web server, code server, emulator, PostgreSQL and cdk.

It is on the stores and the instance of production: `deploy/dagster.yaml`, all of it in PostgreSQL. What `make demo`
keeps in files instead has the tests of the ledger, which run on both.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from namecard_release.sandbox import stack
from namecard_release.sandbox.driving import call_program
from namecard_release.sandbox.state import SandboxState, Stores


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that is up, and the command line pointed at it."""

    root: Path
    state: SandboxState

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command line as a user does."""
        return call_program(self.state.settings_file, *words)

    def read(self, *words: str) -> dict[str, Any]:
        """Run a command that prints JSON."""
        done = self.call(*words, "--json")
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told


T = TypeVar("T")
# A folder whose sandbox is used and kept, to go on where a play of journeys was cut short.
KEPT_VARIABLE = "NAMECARD_JOURNEY_SANDBOX"


def wait_for(read: Callable[[], T | None], seconds: float) -> T:
    """Ask again and again until there is an answer; fails when there is none in time."""
    pause, end = threading.Event(), time.monotonic() + seconds
    while time.monotonic() < end:
        found = read()
        if found is not None:
            return found
        # Whoever asks by the command line takes a core while it does.
        pause.wait(0.5)
    pytest.fail(f"nothing came within {seconds:.0f} s")


def newest(sandbox: Sandbox, environment: str) -> dict[str, Any] | None:
    """Give an environment's newest promotion."""
    promotions = sandbox.read("history", "--env", environment)["promotions"]
    return promotions[0] if promotions else None


def ended(sandbox: Sandbox, environment: str) -> dict[str, Any] | None:
    """Give an environment's newest promotion once it has ended."""
    found = newest(sandbox, environment)
    return found if found is not None and found["ended_at"] is not None else None


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Bring a sandbox up in a folder of its own and take it down; one in a folder that is named is kept."""
    kept = os.environ.get(KEPT_VARIABLE)
    root = Path(kept) if kept else tmp_path_factory.mktemp("sandbox")
    state = stack.up(root, print, stores=Stores.POSTGRESQL)
    try:
        yield Sandbox(root, state)
    finally:
        stack.down(root, purge=not kept)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what goes wrong in an environment go wrong last: its alarms stay in ALARM for minutes."""
    items.sort(key=lambda item: item.path.name == "test_incidents.py")
