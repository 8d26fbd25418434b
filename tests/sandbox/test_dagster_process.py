"""The sandbox's instance of Dagster as it is written."""

from __future__ import annotations

from pathlib import Path

import yaml

from namecard_release.sandbox.dagster_process import DagsterPlan, write_instance


def test_a_killed_run_is_left_to_a_person_in_the_sandbox(tmp_path: Path) -> None:
    plan = DagsterPlan(tmp_path, "namecard_release.definitions", {}, tmp_path)
    write_instance(plan, 4000)
    told = yaml.safe_load((plan.home / "dagster.yaml").read_text())
    # Runs carry dagster/max_retries, which means something only where the instance enables it.
    assert told["run_retries"] == {"enabled": False}
