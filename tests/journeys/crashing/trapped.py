"""The real definitions over the real adapters, with a trap before and after every call of a port.

Loaded by the code server in place of `namecard_release.definitions`. Nothing is changed but the waiting: a process that
meets no armed trap does what it does in production.
"""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg

from assets.requests import KIND_TAG
from namecard_release.definitions import build_defs
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.domain.readiness import StackStatus
from namecard_release.ledger.leases import SqlLease
from namecard_release.ledger.sql_ledger import SqlLedger
from namecard_release.resources import PipelineResource
from namecard_release.settings import find_settings, load_settings
from namecard_release.workflow.pipeline import Pipeline, Site
from tests.journeys.crashing.traps import FOLDER_VARIABLE, Traps

_PORTS = ("repository", "ledger", "prober", "store")
_SITE_PORTS = ("cloud", "target", "deployer", "switch")


class Trapped:
    """A port with a trap before and after every call, named `role.port.method[.detail].before` and `.after`."""

    def __init__(self, inner: Any, name: str, traps: Traps) -> None:
        self._inner, self._name, self._traps = inner, name, traps

    def __getattr__(self, method: str) -> Any:
        value = getattr(self._inner, method)
        if not callable(value):
            return value

        def _call(*words: Any, **named: Any) -> Any:
            moment = ".".join([self._name, method, *_detail(method, words)])
            self._traps.come_to(f"{moment}.before")
            made = value(*words, **named)
            for seen in _seen(moment, made):
                self._traps.come_to(seen)
            self._traps.come_to(f"{moment}.after")
            return Trapped(made, self._name, self._traps) if isinstance(made, SqlLease | SqlLedger) else made

        return _call


def _detail(method: str, words: Sequence[Any]) -> Iterator[str]:
    """Tell the calls apart that mean different steps: what a move leads to, whose gate is recorded, what is decided."""
    if method == "move" and len(words) > 1:
        yield PromotionPhase(words[1]).value
        # A rollback notes that it is verified without leaving its phase.
        yield from ("verified",) if len(words) > 3 and words[3] == "verified" else ()
    elif method == "record_gate":
        yield str(words[0].gate)
    elif method == "record_decision":
        yield str(words[1].action)


def _seen(moment: str, made: Any) -> Iterator[str]:
    """Name what CloudFormation was seen doing: `...stack_statuses.NameCardDb.UPDATE_IN_PROGRESS`."""
    if isinstance(made, tuple) and made and isinstance(made[0], StackStatus):
        for stack in made:
            yield f"{moment}.{stack.name.partition('-')[0]}.{stack.status}"


def trap(pipeline: Pipeline, traps: Traps, role: str) -> Pipeline:
    """Give the pipeline with its ports trapped, each moment named by the role of who comes to it."""

    def _site(name: str) -> Site:
        own = pipeline.site(name)
        return replace(own, **{port: Trapped(getattr(own, port), f"{role}.{port}", traps) for port in _SITE_PORTS})

    ports = {port: Trapped(getattr(pipeline, port), f"{role}.{port}", traps) for port in _PORTS}
    return replace(pipeline, site=_site, **ports)


class TrappedResource(PipelineResource):
    """The pipeline's resource with traps in it; `run` is who changes an environment, `watch` a sensor."""

    def create_resource(self, context: dg.InitResourceContext) -> Pipeline:
        """Give a run's or a sensor's pipeline; readiness and others that change nothing meet no trap."""
        changes = context.run is not None and KIND_TAG in context.run.tags
        return self._trapped("run" if changes else "other" if context.run is not None else "watch")

    def open(self) -> Pipeline:
        """Give this process's pipeline outside of steps."""
        return self._trapped("watch" if multiprocessing.parent_process() is None else "other")

    def _trapped(self, role: str) -> Pipeline:
        return trap(super().open(), Traps(Path(os.environ[FOLDER_VARIABLE])), role)


@dg.definitions
def defs() -> dg.Definitions:
    """Load the code location as the real one does."""
    path = find_settings(None).resolve()
    resource = TrappedResource(settings_file=str(path))
    return build_defs(load_settings(path), resource, resource.open)
