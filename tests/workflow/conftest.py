"""The stage of the tests of mitigations, which are in two files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from namecard_release.playbook_settings import FlagSettings, PlaybookSettings
from tests.fakes.levers import FakeLevers, with_levers
from tests.fakes.mitigation_stage import Stage
from tests.fakes.signals import FakeSignals, with_signals
from tests.fakes.world import World

FLAGS = PlaybookSettings(
    flags={
        "fallback": FlagSettings(service="cards", variable="FALLBACK"),
        "lookups": FlagSettings(service="enrichment", variable="LOOKUPS", degrades="lookups"),
    }
)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    world, levers = World(tmp_path), FakeLevers()
    pipeline = with_levers(with_signals(world.pipeline(), FakeSignals()), levers)
    return Stage(world, levers, replace(pipeline, settings=pipeline.settings.model_copy(update={"playbooks": FLAGS})))
