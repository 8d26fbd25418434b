"""How the steps of a promotion are executed: side by side in processes, or one after another in the run's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import dagster as dg

from namecard_release.errors import ReleaseError
from namecard_release.workflow.beating import keep_beating
from namecard_release.workflow.foreseeing import is_remembered
from namecard_release.workflow.pipeline import Pipeline

if TYPE_CHECKING:
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan
    from dagster._core.execution.retries import RetryMode

# Gates run side by side, so each is a process; a fork server with these modules loaded starts one in a third of a
# second, where a fresh interpreter takes two (docs/adr/0006).
_PRELOAD = ["dagster", "sqlalchemy", "namecard_release.definitions", "namecard_release.adapters.git"]
_SIDE_BY_SIDE = {"max_concurrent": 3, "start_method": {"forkserver": {"preload_modules": _PRELOAD}}}
PARTITION_TAG = "dagster/partition"


class RememberingExecutor(dg.Executor):
    """Executes a run in its own process when hardly anything is left to check, else its steps side by side.

    `remembers` says of a release (its full SHA) whether earlier checks stand for its gates; `beating` has a run, by its
    id, give signs of life while it executes.
    """

    def __init__(
        self,
        side_by_side: dg.Executor,
        in_process: dg.Executor,
        remembers: Callable[[str], bool],
        beating: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._side_by_side = side_by_side
        self._in_process = in_process
        self._remembers = remembers
        self._beating = beating

    @property
    def retries(self) -> RetryMode:
        """Give the retries that both executors were made with."""
        return self._side_by_side.retries

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        """Execute the plan; which way makes a difference in time alone."""
        release = plan_context.dagster_run.tags.get(PARTITION_TAG)
        remembered = release is not None and self._remembers(release)
        chosen = self._in_process if remembered else self._side_by_side
        with self._beating(plan_context.dagster_run.run_id):
            yield from chosen.execute(plan_context, execution_plan)


def build_executor(environment: str, open_pipeline: Callable[[], Pipeline]) -> dg.ExecutorDefinition:
    """Build the executor of an environment's promotions."""
    configured = dg.multiprocess_executor.configured(_SIDE_BY_SIDE)

    def _create(context: dg.InitExecutorContext) -> dg.Executor:
        ways = [definition.executor_creation_fn for definition in (configured, dg.in_process_executor)]
        side_by_side, in_process = [way(context) for way in ways if way is not None]
        return RememberingExecutor(
            side_by_side,
            in_process,
            lambda sha: remembers(open_pipeline, environment, sha),
            lambda run_id: beat(open_pipeline, run_id),
        )

    # A definition's own schema is taken as well as a user's, which the annotation does not say.
    schema: Any = configured.config_schema
    return dg.ExecutorDefinition(
        name="remembering",
        config_schema=schema,
        requirements=configured.get_requirements({}),
        executor_creation_fn=_create,
    )


def beat(open_pipeline: Callable[[], Pipeline], run_id: str) -> AbstractContextManager[None]:
    """Have a run give signs of life; where there is no ledger, the steps will tell why."""
    try:
        return keep_beating(open_pipeline(), run_id)
    except ReleaseError:
        return nullcontext()


def remembers(open_pipeline: Callable[[], Pipeline], environment: str, sha: str) -> bool:
    """Tell whether a release's gates are remembered; where that cannot be told, the steps will tell why."""
    try:
        return is_remembered(open_pipeline(), environment, sha)
    except ReleaseError:
        return False
