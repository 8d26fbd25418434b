"""`logs endpoints` from the outside: files of both kinds together, log groups, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from namecard_release import composition
from namecard_release.cli.main import app
from namecard_release.domain.log_events import Access, Cut, Invocation
from tests.adapters.test_log_lines import AT, STANDARD, line
from tests.cli.test_triaging import SETTINGS
from tests.fakes.signals import FakeSignals


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder without settings."""
    monkeypatch.delenv("NAMECARD_RELEASE_SETTINGS", raising=False)
    monkeypatch.chdir(tmp_path)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["logs", "endpoints", *map(str, words)])


def write(folder: Path, name: str, *records: dict[str, Any] | bytes) -> Path:
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in records]
    (folder / name).write_bytes(b"\n".join(lines))
    return folder / name


def test_access_logs_without_a_latency_are_timed_by_the_functions_logs(tmp_path: Path) -> None:
    timed = {**STANDARD, "resourcePath": "ANY /v1/ocr", "responseLatency": "2100", "status": "503"}
    access = write(tmp_path, "access", STANDARD, STANDARD, timed)
    path = {"path": "/staging/v1/cards/17", "durationMs": 80.0}
    functions = write(tmp_path, "functions", line("lambda.invocation.completed", data=path), b"garbage")
    told = json.loads(run("--file", access, "--file", functions, "--json").stdout)
    assert told["complete"] is True
    assert [(one["route"], one["timed_by"], one["count"], one["failed"]) for one in told["endpoints"]] == [
        ("GET /v1/ocr", "access log", 1, 1),
        ("GET /v1/cards/{proxy+}", "function log", 2, 0),
    ]
    assert [one["dependencies"] for one in told["endpoints"]] == [["Textract", "RDS"], ["RDS"]]
    assert "GET /v1/ocr" in run("--file", access).stdout


def test_the_log_groups_of_an_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "namecard-release.toml").write_text(SETTINGS)
    slow = Invocation(AT, "ocr", "/v1/ocr", 9000.0)
    signals = FakeSignals(access=[Access(AT, "GET", "/v1/cards", 200, 12.0)], logs_of={"ocr": [slow]})
    monkeypatch.setattr(composition, "build_signals", lambda settings, name: signals)
    words = ("--env", "staging", "--since", "15m", "--json")
    done = run(*words)
    assert done.exit_code == 0 and [one["service"] for one in json.loads(done.stdout)["endpoints"]] == ["ocr", "cards"]
    signals.access = [*signals.access, Cut("there is more")]
    done = run(*words)
    assert done.exit_code == 3 and json.loads(done.stdout)["unread"] == "there is more"
    signals.unreachable |= {"access", *(f"logs of {one.service}" for one in signals.parts_read.functions)}
    done = run(*words)
    assert done.exit_code == 3 and "access did not answer" in done.stderr


@pytest.mark.parametrize("words", [(), ("--env", "staging"), ("--since", "15m")])
def test_what_is_missing_is_said(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.exit_code == 2 and "give --env and --since, or --file" in done.stderr
