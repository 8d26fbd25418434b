"""The whole sandbox on real parts: up, up again, killed and up, down without a trace."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from namecard_release.errors import TransientError
from namecard_release.sandbox import postgres, processes, stack
from namecard_release.sandbox.bootstrap import is_bootstrapped
from namecard_release.sandbox.dagster_process import query
from namecard_release.settings import load_settings

DEFINITIONS = """
import dagster as dg

@dg.asset
def tiny() -> None: ...

defs = dg.Definitions(assets=[tiny])
"""


def seed(target: Path) -> Mapping[str, str]:
    subprocess.run(["git", "init", "--quiet", str(target)], check=True)
    return {"A": "a" * 40}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv(postgres.URL_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny_definitions.py").write_text(DEFINITIONS)
    root = tmp_path / ".sandbox"
    yield root
    stack.down(root, purge=True)


def marked(root: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(stack.MARKER) == str(root):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def pids(root: Path) -> dict[str, int | None]:
    return {part.name: part.pid for part in stack.status(root)}


def test_survives_everything_killed(root: Path) -> None:
    told: list[str] = []
    state = stack.up(root, told.append, definitions="tiny_definitions", seed=seed)
    print("\n".join(told))
    assert all(part.running for part in stack.status(root))
    assert state.endpoint is not None and is_bootstrapped(state.endpoint)
    settings = load_settings(state.settings_file)
    assert settings.aws.endpoint_url == state.endpoint
    assert set(settings.environments) == {"dev", "staging", "prod"}
    assert settings.environments["staging"].synth_context["dbName"] == "namecard_staging"
    assert state.postgres is not None
    assert settings.platform.synth.env["NAMECARD_DB_PASSWORD"] == state.postgres.password
    assert state.settings_file.stat().st_mode & 0o777 == 0o600
    assert state.ui_url is not None
    assert json.dumps(query(state.ui_url, "{ assetNodes { assetKey { path } } }")).count("tiny") == 1

    before = pids(root)
    again = stack.up(root, told.append, definitions="tiny_definitions", seed=seed)
    assert pids(root) == before and again == state

    for pid in marked(root):
        psutil.Process(pid).kill()
    told.clear()
    third = stack.up(root, told.append, definitions="tiny_definitions", seed=seed)
    print("\n".join(told))
    assert third.ui_url == state.ui_url and third.endpoint == state.endpoint
    assert all(part.running for part in stack.status(root))

    stack.down(root)
    assert not any(part.running for part in stack.status(root))
    assert marked(root) == []


def test_two_commands_at_once_are_refused(root: Path) -> None:
    with stack._exclusively(root), pytest.raises(TransientError, match="Another command works on the sandbox"):
        stack.up(root, seed=seed)


def test_a_recycled_pid_is_not_touched() -> None:
    mine = psutil.Process()
    stale = processes.ProcessRecord(pid=mine.pid, started=mine.create_time() - 100)
    processes.stop(stale)
    assert not processes.is_running(stale)
    assert mine.is_running()
