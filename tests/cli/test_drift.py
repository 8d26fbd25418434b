"""`drift` without a cloud: what is unknown before there is a release, and an environment that nobody declared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from namecard_release import composition
from namecard_release.cli.main import app
from namecard_release.workflow.pipeline import Pipeline
from tests.cli.test_status import _SETTINGS
from tests.fakes.switch import NAMES
from tests.fakes.world import A, World
from tests.workflow.test_promotion import Stage


def call(file: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["drift", "--settings", str(file), *words])
    return done.exit_code, done.output


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "settings.toml"
    made.write_text(_SETTINGS, encoding="utf-8")
    return made


def test_without_a_release_nothing_is_known(file: Path) -> None:
    code, told = call(file, "--env", "staging")
    assert code == 3 and "the ledger knows of no release in staging" in told
    code, told = call(file, "--env", "nowhere")
    assert code == 2 and "unknown environment 'nowhere'" in told


@pytest.mark.parametrize(
    ("change", "code", "verdict"),
    [
        (lambda _: None, 0, "PASSED"),
        (lambda world: world.switch.running.update({NAMES[0]: "by hand"}), 1, "FAILED"),
        (lambda world: world.unreachable.add("queue"), 3, "UNKNOWN"),
    ],
)
def test_the_exit_code_and_the_json_say_it(
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[World], object],
    code: int,
    verdict: str,
) -> None:
    world = World(tmp_path)
    stage = Stage(world, world.pipeline())
    stage.promote(A)
    change(world)

    def build(_: object) -> Pipeline:
        return stage.pipeline

    monkeypatch.setattr(composition, "build_pipeline", build)
    assert call(file, "--env", "staging")[0] == code
    ended, told = call(file, "--env", "staging", "--no-detect", "--json")
    plain = json.loads(told)
    assert (ended, plain["verdict"], plain["release"], plain["environment"]) == (code, verdict, A, "staging")
    assert [phase["name"] for phase in plain["phases"]][-1] == "dashboard"
    assert [item["found"] for item in plain["items"]] == (["by hand"] if code == 1 else [])
