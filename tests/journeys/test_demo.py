"""The main journey: promote, break, roll back by itself, refuse what must be refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from namecard_release.sandbox.emulator_process import REGION
from tests.journeys.conftest import Sandbox

pytestmark = pytest.mark.journey


def test_the_demo_rolls_back_by_itself_and_tells_the_truth(sandbox: Sandbox) -> None:
    done = sandbox.call("sandbox", "demo", "--keep", "--root", str(sandbox.root))
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    releases = sandbox.state.releases
    staging = sandbox.read("status")["environments"]["staging"]
    assert staging["release"] == releases["B"]
    assert staging["actor"] == "alarm_rollback_sensor"
    assert staging["schema_version"].endswith(".sql")
    assert staging["since"]
    assert releases["C"] in staging["held"]
    history = sandbox.read("history", "--env", "staging")["promotions"]
    (broken,) = [p for p in history if p["release"] == releases["C"]]
    assert broken["phase"] == "ROLLED_BACK"
    assert "ErrorsAlarm" in broken["reason"]
    assert sandbox.read("drift", "--env", "staging", "--no-detect")["verdict"] == "PASSED"
    with _without_dashboard(sandbox):
        drifted = sandbox.call("drift", "--env", "staging", "--no-detect", "--json")
    assert drifted.returncode == 1 and [one["section"] for one in json.loads(drifted.stdout)["items"]] == ["dashboard"]
    assert sandbox.read("status")["alarm_sensor"]["verdict"] == "PASSED"
    assert sandbox.call("audit", "verify").returncode == 0
    # Nothing is kept in files: neither the ledger nor Dagster's runs.
    assert not (sandbox.root / "ledger.sqlite").exists() and not list((sandbox.root / "dagster").rglob("*.db"))
    again = sandbox.call("promote", "--env", "staging", "--commit", releases["C"])
    assert again.returncode == 1 and "held in staging" in again.stderr


@contextmanager
def _without_dashboard(sandbox: Sandbox) -> Iterator[None]:
    """Take staging's dashboard away past every release, as a hand in the console does, and put it back."""
    login = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
    watch: Any = boto3.client("cloudwatch", endpoint_url=sandbox.state.endpoint, **login)  # type: ignore[call-overload]
    name = "namecard-staging-observability"
    body = watch.get_dashboard(DashboardName=name)["DashboardBody"]
    watch.delete_dashboards(DashboardNames=[name])
    yield
    watch.put_dashboard(DashboardName=name, DashboardBody=body)
