"""The real run launcher with a trap before and after it asks the run server. Loaded by the instance of the ground."""

from __future__ import annotations

import os
from pathlib import Path

from dagster._core.launcher import LaunchRunContext

from assets.requests import KIND_TAG
from namecard_release.warm.launcher import WarmRunLauncher
from tests.journeys.crashing.traps import FOLDER_VARIABLE, Traps


class TrappedRunLauncher(WarmRunLauncher):
    """Launches as production does; the daemon, which launches, can be made to wait at a moment of it."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launch a run, with the moments `launch.<kind>.before`, `.asking` (nothing is asked yet) and `.after`."""
        traps = Traps(Path(os.environ[FOLDER_VARIABLE]))
        moment = f"launch.{context.dagster_run.tags.get(KIND_TAG, 'other')}"
        traps.come_to(f"{moment}.before")
        traps.come_to(f"{moment}.asking")
        super().launch_run(context)
        traps.come_to(f"{moment}.after")
