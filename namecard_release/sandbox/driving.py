"""A sandbox driven from outside as a user would: the command line, the public address, waiting. No decision here."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from namecard_release.composition import build_pipeline
from namecard_release.domain.promotion import Promotion
from namecard_release.errors import PermanentError, RefusedError
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.settings import SETTINGS_VARIABLE, Settings
from namecard_release.workflow.verifying import find_base_url


def call_program(settings_file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `namecard-release` with a settings file and give what it printed, whatever its exit code."""
    program = Path(sys.executable).with_name("namecard-release")
    environment = {**os.environ, SETTINGS_VARIABLE: str(settings_file)}
    return subprocess.run([str(program), *words], env=environment, capture_output=True, text=True, check=False)


def wait_for(ready: Callable[[], bool], seconds: float, every: float = 0.2) -> bool:
    """Ask again and again until it is so; False when it is not after `seconds`."""
    pause, end = threading.Event(), time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return True
        pause.wait(every)
    return ready()


def find_public_url(settings: Settings, environment: str) -> tuple[str, str]:
    """Find an environment's public address without its stage, and the stage. Raises RefusedError before a deploy."""
    site = build_pipeline(settings).site(environment)
    address = find_base_url(site, site.cloud.outputs(site.settings.stack_names))
    if address is None:
        raise RefusedError(f"{environment} has no public address yet: promote a release to it first")
    base, _, stage = address.rpartition("/")
    return base, stage


def newest_promotion(ledger: ReleaseLedger, environment: str, release: str) -> Promotion:
    """Find the newest promotion of a release to an environment. Raises PermanentError when the ledger knows none."""
    found = [p for p in ledger.history(environment) if p.release == release]
    if not found:
        raise PermanentError(f"the ledger knows no promotion of {release[:8]} to {environment}")
    return found[0]


def last_line(text: str) -> str:
    """Give the last line that a program printed."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no output"
