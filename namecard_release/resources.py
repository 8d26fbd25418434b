"""The pipeline as a Dagster resource. Building its adapters is `composition`'s."""

from __future__ import annotations

import multiprocessing
import os
import threading
from functools import cache
from multiprocessing.connection import wait
from pathlib import Path

import dagster as dg

from namecard_release.composition import build_pipeline
from namecard_release.redaction import install_redaction
from namecard_release.settings import load_settings
from namecard_release.warm.names import is_step_process
from namecard_release.workflow.pipeline import Pipeline


@cache
def _shared_pipeline(path: str, _modified: float) -> Pipeline:
    _end_with_run()
    # Dagster keeps what its loggers are told: it is freed of secrets as it is told.
    install_redaction()
    return build_pipeline(load_settings(Path(path)))


class PipelineResource(dg.ConfigurableResource[Pipeline]):
    """The pipeline of one settings file; one process builds it once for as long as the file stays the same."""

    settings_file: str

    def create_resource(self, context: dg.InitResourceContext) -> Pipeline:
        """Give the plain object, so that tests can pass one made of fakes."""
        return self.open()

    def open(self) -> Pipeline:
        """Give this process's pipeline, also outside of a step."""
        path = Path(self.settings_file)
        return _shared_pipeline(str(path), path.stat().st_mtime)


def _end_with_run() -> None:
    """End this step's process when its run's process is gone, or a killed run would go on deploying."""
    # A step is forked for its run; a run itself outlives the server that started it.
    run = multiprocessing.parent_process()
    if run is not None and is_step_process():
        threading.Thread(target=_wait_and_exit, args=(run.sentinel,), name="run-watch", daemon=True).start()


def _wait_and_exit(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
