"""`gates run` on folders: what is refused, what runs, what is printed, and that Ctrl-C leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from namecard_release.cli.main import app
from namecard_release.domain.launch import DOCUMENTS
from tests.fakes.processes import PidPipe, all_gone
from tests.fakes.world import read_launch

PNPM = """#!/bin/sh
echo "$@" >> {log}
echo "told by pnpm $2"
case "$*" in
  {failing}) printf 'src/a.ts(1,2): error TS1: Odd.\\n'; exit 1;;
  install*) mkdir -p node_modules;;
esac
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a checkout with launch documents and one migration, a pnpm that succeeds, and no settings."""
    checkout = tmp_path / "checkout"
    texts = {**read_launch(), "services/ocr/migrations/2026-01-01T0000__ocr__a.sql": "select 1;", "package.json": "{}"}
    for path, text in texts.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(text or "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAMECARD_RELEASE_SETTINGS", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    set_pnpm(tmp_path)
    return checkout


def set_pnpm(folder: Path, failing: str = "nothing") -> None:
    """Make the pnpm whose commands that match a pattern fail."""
    file = folder / "bin" / "pnpm"
    file.parent.mkdir(exist_ok=True)
    file.write_text(PNPM.format(log=folder / "pnpm.log", failing=failing))
    file.chmod(0o755)


def run(*words: str) -> Result:
    """Run the command line."""
    return CliRunner().invoke(app, ["gates", "run", *words])


def read(result: Result) -> dict[str, Any]:
    """Read what was printed on standard output, which is JSON and nothing else."""
    told: dict[str, Any] = json.loads(result.stdout)
    return told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--checkout", "nowhere"), "error: nowhere is not a folder"),
        (("--checkout", "bin"), "error: bin is not a checkout of the platform: it has no package.json"),
        (
            ("--checkout", "checkout", "--gate", "lint"),
            "error: no such gate: lint; there are quality, ",
        ),
        (("--checkout", "checkout", "--settings", "no.toml"), "error: settings file no.toml cannot be read"),
    ],
)
def test_misuse_is_one_line_and_runs_nothing(place: Path, words: tuple[str, ...], told: str) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert result.stderr.startswith(told)
    assert not (place.parent / "pnpm.log").exists()


def test_every_gate_by_the_platforms_scripts_after_an_install(place: Path) -> None:
    result = run("--checkout", "checkout", "--json")
    told = read(result)
    assert (result.exit_code, told["verdict"]) == (0, "PASSED")
    assert [(one["gate"], one["verdict"], len(one["phases"])) for one in told["gates"]] == [
        ("quality", "PASSED", 4),
        ("launch_readiness", "PASSED", 2),
        ("synthetic_monitor", "PASSED", 1),
        ("migration_lint", "PASSED", 2),
    ]
    assert set(told["gates"][0]) == {"gate", "verdict", "reason", "seconds", "phases"}
    assert set(told["gates"][0]["phases"][0]) == {"name", "verdict", "reason", "seconds", "failures"}
    first, second, *rest = (place.parent / "pnpm.log").read_text().splitlines()
    assert (first, second) == ("install --frozen-lockfile", "--filter @namecard/shared run prisma:generate")
    assert len(rest) == 7
    assert "no node_modules in" in result.stderr and "told by pnpm lint:all" in result.stderr


def test_an_installed_checkout_is_not_installed_again(place: Path) -> None:
    (place / "node_modules").mkdir()
    result = run("--checkout", "checkout", "--gate", "synthetic_monitor", "--gate", "synthetic_monitor", "--json")
    assert [one["gate"] for one in read(result)["gates"]] == ["synthetic_monitor"]
    assert (place.parent / "pnpm.log").read_text() == "exec node test_monitoring.js\n"


def test_a_failure_is_named_and_the_exit_code_tells_it(place: Path) -> None:
    set_pnpm(place.parent, failing="*type-check*")
    result = run("--checkout", "checkout", "--gate", "quality", "--gate", "migration_lint", "--json")
    told = read(result)
    assert (result.exit_code, told["verdict"]) == (1, "FAILED")
    assert [(p["name"], p["verdict"]) for p in told["gates"][0]["phases"]] == [
        ("lint", "PASSED"),
        ("type_check", "FAILED"),
        ("test", "UNKNOWN"),
        ("build", "UNKNOWN"),
    ]
    failed = told["gates"][0]["phases"][1]
    assert failed["failures"] == [{"package": "", "place": "src/a.ts:1:2", "what": "TS1: Odd."}]
    assert failed["reason"] == "exit 1: src/a.ts:1:2 TS1: Odd."
    assert told["gates"][1]["verdict"] == "PASSED"


def test_our_own_reading_fails_what_the_platform_passes(place: Path) -> None:
    (place / DOCUMENTS[0]).write_text("[\n3\n]")
    (place / "services/ocr/migrations/2026-01-01T0000__ocr__a.sql").write_text("create tabel x();")
    result = run("--checkout", "checkout", "--gate", "launch_readiness", "--gate", "migration_lint")
    assert result.exit_code == 1
    assert "launch/budgets.json:2" in result.stdout and "error: an entry must be an object" in result.stdout
    assert "services/ocr/migrations/2026-01-01T0000__ocr__a.sql:1" in result.stdout


@pytest.mark.parametrize("failing", ["install*", "*prisma*"])
def test_gates_of_a_checkout_that_cannot_be_installed_are_not_run(place: Path, failing: str) -> None:
    set_pnpm(place.parent, failing=failing)
    result = run("--checkout", "checkout", "--json")
    told = read(result)
    assert (result.exit_code, told["verdict"]) == (1, "FAILED")
    assert {phase["name"] for one in told["gates"] for phase in one["phases"]} == {"install", "documents", "statements"}
    assert "lint:all" not in (place.parent / "pnpm.log").read_text()


def test_what_we_read_ourselves_needs_no_installation(place: Path) -> None:
    (place.parent / "bin" / "pnpm").unlink()
    (place / DOCUMENTS[0]).write_text("[\n3\n]")
    result = run("--checkout", "checkout", "--gate", "launch_readiness", "--json")
    told = read(result)
    assert (result.exit_code, told["verdict"]) == (1, "FAILED")
    assert {phase["name"]: phase["verdict"] for phase in told["gates"][0]["phases"]} == {
        "install": "UNKNOWN",
        "documents": "FAILED",
    }


def test_without_pnpm_nothing_is_known(place: Path) -> None:
    (place.parent / "bin" / "pnpm").unlink()
    result = run("--checkout", "checkout", "--gate", "quality", "--json")
    told = read(result)
    assert (result.exit_code, told["verdict"]) == (3, "UNKNOWN")
    assert "no program 'pnpm' on the path" in told["gates"][0]["reason"]


SETTINGS = """
[platform]
repository = "."
install = {{ argv = ["true"] }}
prepare = []

[[gates.quality]]
name = "slow"
argv = ["/bin/sh", "-c", "{script}"]
timeout_seconds = {seconds}

[environments.dev]
account = "000000000000"
stack_suffix = "dev"
context = "dev"
key = "dev"
database_url = "postgresql://x"
"""


def test_the_settings_say_what_runs_and_how_long(place: Path) -> None:
    settings = place.parent / "namecard-release.toml"
    settings.write_text(SETTINGS.format(script="echo begun; sleep 60", seconds=0.3))
    result = run("--checkout", "checkout", "--gate", "quality", "--json")
    told = read(result)
    assert result.exit_code == 3
    assert told["gates"][0]["reason"] == "slow: gave no result within 0 s"


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_children_end_with_the_command(place: Path, ending: signal.Signals) -> None:
    settings = place.parent / "namecard-release.toml"
    script = "sleep 300 & echo $! > pids; setsid sleep 300 & echo $! > pids; wait"
    settings.write_text(SETTINGS.format(script=script, seconds=99))
    pipe = PidPipe(place / "pids")
    words = [sys.executable, "-c", "from namecard_release.cli.entry import run; run()"]
    words += ["gates", "run", "--checkout", str(place), "--gate", "quality", "--settings", str(settings)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as command:
        try:
            pids = pipe.read(2, 60)
            assert not all_gone(pids, 0)
            command.send_signal(ending)
            assert all_gone(pids, 10)
            assert command.wait(20) == (130 if ending is signal.SIGINT else -ending)
        finally:
            command.kill()
            pipe.close()
