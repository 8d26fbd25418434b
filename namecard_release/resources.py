"""The pipeline as a Dagster resource. Building its adapters is `composition`'s."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import dagster as dg

from namecard_release.composition import build_pipeline
from namecard_release.settings import load_settings
from namecard_release.workflow.pipeline import Pipeline


@cache
def _shared_pipeline(path: str, _modified: float) -> Pipeline:
    return build_pipeline(load_settings(Path(path)))


class PipelineResource(dg.ConfigurableResource[Pipeline]):
    """The pipeline of one settings file; one process builds it once for as long as the file stays the same."""

    settings_file: str

    def create_resource(self, context: dg.InitResourceContext) -> Pipeline:
        """Give the plain object, so that tests can pass one made of fakes."""
        path = Path(self.settings_file)
        return _shared_pipeline(str(path), path.stat().st_mtime)
