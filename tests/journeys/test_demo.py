"""The main journey: promote, break, roll back by itself, refuse what must be refused."""

from __future__ import annotations

import pytest

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
    again = sandbox.call("promote", "--env", "staging", "--commit", releases["C"])
    assert again.returncode == 1 and "held in staging" in again.stderr
