"""The main journey on the stores and the instance of production: `deploy/dagster.yaml`, all of it in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from namecard_release.sandbox import stack
from namecard_release.sandbox.driving import find_public_url
from namecard_release.sandbox.state import Stores
from namecard_release.sandbox.traffic import BackgroundTraffic, summarise
from namecard_release.settings import load_settings
from tests.journeys.conftest import Sandbox, wait_for

pytestmark = pytest.mark.journey
ENVIRONMENT = "dev"


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    root = tmp_path_factory.mktemp("production")
    state = stack.up(root, print, stores=Stores.POSTGRESQL)
    try:
        yield Sandbox(root, state)
    finally:
        stack.down(root, purge=True)


def test_a_release_that_breaks_goes_back_by_itself(production: Sandbox) -> None:
    good, bad = (production.state.releases[letter] for letter in ("A", "C"))
    first = production.call("promote", "--env", ENVIRONMENT, "--commit", good, "--wait")
    assert first.returncode == 0, first.stderr
    base, stage = find_public_url(load_settings(production.state.settings_file), ENVIRONMENT)
    assert production.call("promote", "--env", ENVIRONMENT, "--commit", bad).returncode == 0
    # Not before: each request that finds no idle process starts one, and the gates need the machine.
    wait_for(lambda: _story(production)[0]["phase"] in ("VERIFYING", "BAKING", "HELD", "FAILED") or None, 400)
    with BackgroundTraffic(base, stage, ("cards",), rate_per_second=2) as traffic:
        try:
            story = wait_for(lambda: _ended(production), 240)
        finally:
            print(production.call("history", "--env", ENVIRONMENT).stdout, summarise(traffic.outcomes()))
    assert [(one["kind"], one["phase"]) for one in story[:2]] == [
        ("rollback", "SUCCEEDED"),
        ("promotion", "ROLLED_BACK"),
    ], story
    told = production.read("status")
    assert told["environments"][ENVIRONMENT]["release"] == good
    assert bad in told["environments"][ENVIRONMENT]["held"]
    assert told["alarm_sensor"]["verdict"] == "PASSED"
    assert production.call("audit", "verify").returncode == 0
    # Nothing is kept in files: neither the ledger nor Dagster's runs.
    assert not (production.root / "ledger.sqlite").exists()
    assert not list((production.root / "dagster").rglob("*.db"))


def _story(sandbox: Sandbox) -> list[dict[str, Any]]:
    promotions: list[dict[str, Any]] = sandbox.read("history", "--env", ENVIRONMENT)["promotions"]
    return promotions


def _ended(sandbox: Sandbox) -> list[dict[str, Any]] | None:
    """Give the environment's story once its newest change is a rollback that has ended, however it did."""
    story = _story(sandbox)
    return story if story[0]["kind"] == "rollback" and story[0]["ended_at"] is not None else None
