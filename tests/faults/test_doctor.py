"""`doctor` with each of its reads failing, and with everything silent: a line each, and none hides another."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from namecard_release import composition
from namecard_release.adapters.dagster_api import LocationState
from namecard_release.cli import checking
from namecard_release.cli.checking import diagnose
from namecard_release.domain.gates import CommandOutcome, Verdict
from namecard_release.errors import PermanentError, TransientError
from namecard_release.settings import Settings
from namecard_release.workflow.pipeline import Pipeline, Site
from tests.fakes.world import World

WORDS = "it did not answer"
LINES = (
    *("node", "pnpm", "cdk", "repository", "ledger", "dagster"),
    *(f"{env} {what}" for env in ("dev", "staging", "prod") for what in ("aws", "database")),
)


@dataclass
class Failing:
    """A port of which one call fails."""

    inner: Any
    method: str
    kind: type[Exception]

    def __getattr__(self, name: str) -> Any:
        if name != self.method:
            return getattr(self.inner, name)

        def _fail(*_: object, **__: object) -> object:
            raise self.kind(WORDS)

        return _fail


class Control:
    """A Dagster that is well."""

    def loaded(self) -> tuple[LocationState, ...]:
        return (LocationState("here"),)


def in_one_environment(pipeline: Pipeline, port: str, failing: Callable[[Any], Failing]) -> Pipeline:
    """Let a port of staging fail."""

    def _site(name: str) -> Site:
        own = pipeline.site(name)
        return replace(own, **{port: failing(getattr(own, port))}) if name == "staging" else own

    return replace(pipeline, site=_site)


CASES = {
    "repository": "repository.heads",
    "staging aws": "cloud.stack_statuses",
    "staging database": "target.rows",
    "alarm sensor": "ledger.last_beat",
}


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [(TransientError, Verdict.UNKNOWN), (PermanentError, Verdict.FAILED)],
    ids=["silent", "refused"],
)
@pytest.mark.parametrize("line", [*CASES, "dagster", "ledger"])
def test_a_read_that_fails_is_one_line_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, kind: type[Exception], verdict: Verdict
) -> None:
    world = World(tmp_path)
    pipeline, control = world.pipeline(), Control()
    pipeline.ledger.beat("alarm sensor", world.time)
    port, _, method = CASES.get(line, "").partition(".")
    if line.startswith("staging"):
        pipeline = in_one_environment(pipeline, port, lambda inner: Failing(inner, method, kind))
    elif port:
        pipeline = replace(pipeline, **{port: Failing(getattr(pipeline, port), method, kind)})
    monkeypatch.setattr(composition, "build_pipeline", lambda *_: pipeline)
    broken: Any = Failing(control, "loaded", kind) if line == "dagster" else control
    monkeypatch.setattr(composition, "build_control", lambda _: broken)
    if line == "ledger":
        monkeypatch.setattr(checking, "read_ledger", lambda _: Failing(pipeline.ledger, "history", kind))
    told = {phase.name: phase for phase in diagnose(pipeline.settings)}
    assert tuple(told) == (*LINES, "alarm sensor")
    assert (told[line].verdict, told[line].reason) == (verdict, WORDS)
    assert [name for name, phase in told.items() if phase.verdict is not Verdict.PASSED] == [line]


@pytest.mark.parametrize("program", ["node", "pnpm", "cdk"])
def test_a_tool_that_is_not_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    world = World(tmp_path)
    world.failing[program] = CommandOutcome((program,), None, 0.0, not_started="no program on the path")
    pipeline = world.pipeline()
    pipeline.ledger.beat("alarm sensor", world.time)
    monkeypatch.setattr(composition, "build_pipeline", lambda *_: pipeline)
    monkeypatch.setattr(composition, "build_control", lambda _: Control())
    bad = [phase for phase in diagnose(pipeline.settings) if phase.verdict is not Verdict.PASSED]
    assert [phase.name for phase in bad] == [program] and "no program" in bad[0].reason


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def test_with_everything_silent_each_line_says_so_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent: int
) -> None:
    monkeypatch.setattr(checking, "_SECONDS", 0.5)
    environment = {"account": "000000000000", "stack_suffix": "x", "context": "x", "key": "x"}
    environment |= {"database_url": f"postgresql://u:hunter2@127.0.0.1:{silent}/d"}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    settings = Settings.model_validate(
        {
            "platform": {"repository": str(tmp_path / "none")},
            "environments": {"dev": environment, "staging": environment},
            "paths": {
                "work": tmp_path,
                "store": tmp_path,
                "ledger_url": f"postgresql://u:hunter2@127.0.0.1:{silent}/l?connect_timeout=2",
            },
            "aws": {"endpoint_url": f"http://127.0.0.1:{silent}", "env": keys},
            "dagster": {"url": f"http://127.0.0.1:{silent}"},
        }
    )
    started = time.monotonic()
    told = {phase.name: phase for phase in diagnose(settings)}
    assert time.monotonic() - started < 12
    wanted = ("ledger", "dagster", "dev aws", "dev database", "staging aws", "staging database", "alarm sensor")
    assert {name: told[name].verdict for name in wanted} == dict.fromkeys(wanted, Verdict.UNKNOWN), told
    assert all(told[name].reason for name in wanted) and "hunter2" not in str(told)
    assert told["repository"].verdict is Verdict.FAILED
