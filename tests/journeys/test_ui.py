"""A person in the Dagster UI: finds the release graph, launches a promotion, sees it succeed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browser import open_page
from tests.journeys.conftest import Sandbox, ended, newest, wait_for

pytestmark = pytest.mark.journey
# Where to keep the pictures for the README; by default they go to the test's own folder.
PICTURES = "NAMECARD_PICTURES"


def test_a_promotion_launched_in_the_ui_succeeds(sandbox: Sandbox, tmp_path: Path) -> None:
    pictures = Path(os.environ.get(PICTURES, tmp_path))
    release = sandbox.state.releases["A"]
    with open_page() as page:
        page.set_default_timeout(60_000)
        _find_graph(page, sandbox, pictures)
        _launch(page, sandbox, release)
        _see_success(page, sandbox, pictures)
    dev = wait_for(lambda: ended(sandbox, "dev"), 60)
    assert dev["phase"] == "SUCCEEDED", dev
    assert dev["release"] == release
    assert dev["actor"] == "dagster-ui"
    assert sandbox.read("status")["environments"]["dev"]["release"] == release


def _find_graph(page: Page, sandbox: Sandbox, pictures: Path) -> None:
    page.goto(f"{sandbox.state.ui_url}/locations/namecard_release/jobs/promote_dev_job")
    # One after the other: the graph moves while a group opens.
    for group, asset in (("release", "source"), ("dev", "deployment")):
        page.get_by_text(group, exact=True).last.dblclick()
        expect(page.get_by_text(asset, exact=True).first).to_be_visible()
    for asset in (
        "source",
        "quality",
        "launch_readiness",
        "synthetic_monitor",
        "migration_plan",
        "assembly",
        "deployment",
    ):
        expect(page.get_by_text(asset, exact=True).first).to_be_visible()
    page.screenshot(path=pictures / "release-graph.png")


def _launch(page: Page, sandbox: Sandbox, release: str) -> None:
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_text("Select a partition or create one").click()
    page.keyboard.type(release[:12])
    page.get_by_text("Select all (1)").click()
    # The list of partitions opens downwards or upwards; this button is beside it both ways.
    page.get_by_role("button", name="Launch 1 run").click()


def _see_success(page: Page, sandbox: Sandbox, pictures: Path) -> None:
    run = wait_for(lambda: newest(sandbox, "dev"), 60)["run_id"]
    page.goto(f"{sandbox.state.ui_url}/runs/{run}")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=180_000)
    page.screenshot(path=pictures / "promotion-run.png")
