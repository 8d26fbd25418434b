"""Dagster's run launcher that hands runs to the run server, and starts them the usual way where none listens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import DefaultRunLauncher
from dagster._core.errors import DagsterLaunchFailedError
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import serialize_value

from namecard_release.warm.protocol import WORKERS_FOLDER, NoRunServerError, RunServerError, StartRun, ask
from namecard_release.warm.workers import Workers, interrupt, is_alive

if TYPE_CHECKING:
    from dagster import DagsterRun
    from dagster._serdes.config_class import ConfigurableClassData

WARM_TAG = "namecard/warm"


class WarmRunLauncher(DefaultRunLauncher):
    """Starts a run from a process that has everything loaded (docs/adr/0014).

    Without a run server a run starts the usual way, in two seconds instead of a tenth of one, and the run says so.
    A worker that died is found by run monitoring, also when the server died with it.
    """

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> WarmRunLauncher:
        """Make the launcher; it has no configuration."""
        return cls(inst_data=inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a run. Raises DagsterLaunchFailedError when the server was asked and did not say that it did."""
        run, origin = context.dagster_run, context.job_code_origin
        if origin is None:
            super().launch_run(context)
            return
        arguments = ExecuteRunArgs(job_origin=origin, run_id=run.run_id, instance_ref=self._instance.get_ref())
        # Before it is started: whoever looks at the run must know whose it is.
        self._instance.add_run_tags(run.run_id, {WARM_TAG: "true"})
        try:
            ask(self._home, StartRun(run.run_id, serialize_value(arguments)))
        except NoRunServerError as why:
            self._instance.add_run_tags(run.run_id, {WARM_TAG: "false"})
            self._instance.report_engine_event(f"Started in the usual, slower way: {why}", run, cls=self.__class__)
            super().launch_run(context)
        except RunServerError as why:
            raise DagsterLaunchFailedError(str(why)) from None  # type: ignore[no-untyped-call]

    def terminate(self, run_id: str) -> bool:
        """Interrupt a run's process; False when there is none."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if not _is_warm(run):
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        worker = self._workers.find(run_id)
        return worker is not None and interrupt(worker)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Say that a worker's death can be told."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Tell whether a run's process runs; of one started the usual way, its code server tells."""
        if not _is_warm(run):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        worker = self._workers.find(run.run_id)
        if worker is None:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "no process of this run is noted")
        if is_alive(worker):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, f"the run's process {worker.pid} is gone")

    @property
    def _home(self) -> Path:
        return Path(self._instance.root_directory)

    @property
    def _workers(self) -> Workers:
        return Workers(self._home / WORKERS_FOLDER)


def _is_warm(run: DagsterRun) -> bool:
    return run.tags.get(WARM_TAG) == "true"
