"""Which way the steps of a promotion are executed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import pytest

from jobs.executing import PARTITION_TAG, RememberingExecutor, beat, build_executor, remembers
from namecard_release.errors import PermanentError
from namecard_release.workflow.pipeline import Pipeline
from tests.fakes.world import A, World


class _Told(dg.Executor):
    """An executor that only tells its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def retries(self) -> Any:
        return f"retries of {self.name}"

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        yield self.name


@pytest.mark.parametrize(
    ("tags", "way"),
    [({PARTITION_TAG: A}, "in process"), ({PARTITION_TAG: "b" * 40}, "side by side"), ({}, "side by side")],
)
def test_a_remembered_release_is_executed_in_the_runs_process(tags: dict[str, str], way: str) -> None:
    alive: list[str] = []

    @contextmanager
    def beating(run_id: str) -> Iterator[None]:
        alive.append(run_id)
        yield
        alive.append("over")

    executor = RememberingExecutor(_Told("side by side"), _Told("in process"), lambda sha: sha == A, beating)
    context = cast(Any, SimpleNamespace(dagster_run=SimpleNamespace(tags=tags, run_id="run-1")))
    assert list(executor.execute(context, cast(Any, None))) == [way]
    assert alive == ["run-1", "over"]
    assert cast(Any, executor.retries) == "retries of side by side"


def test_what_cannot_be_told_is_not_remembered(tmp_path: Path) -> None:
    def unreachable() -> Pipeline:
        raise PermanentError("no ledger")

    assert not remembers(unreachable, "staging", A)
    with beat(unreachable, "run-1"):
        pass
    # The world knows no such commit, and says so with an error of its own.
    assert not remembers(World(tmp_path).pipeline, "staging", "f" * 40)


def test_a_job_takes_the_executor_with_the_requirements_of_processes(tmp_path: Path) -> None:
    definition = build_executor("staging", World(tmp_path).pipeline)

    @dg.op
    def nothing() -> None:
        """Do nothing."""

    @dg.job(executor_def=definition)
    def job() -> None:
        nothing()

    assert definition.get_requirements({}) == dg.multiprocess_executor.get_requirements({})
    assert job.executor_def is definition
