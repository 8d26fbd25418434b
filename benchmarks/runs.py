"""Runs as Dagster tells them over its API. What their times mean is for the measurements."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from benchmarks.bench import Bench
from namecard_release.errors import PermanentError
from namecard_release.sandbox.dagster_process import query

_RUN = """{ runOrError(runId: "%s") { __typename ... on Run { creationTime stepStats { startTime }
  assetMaterializations { metadataEntries { label ... on TableMetadataEntry { table { records } } } } } } }"""


@dataclass(frozen=True)
class RunTimes:
    """When a run was made and its first step began (epoch seconds); `deploy_seconds` is what cdk took, None without."""

    created: float
    first_step: float
    deploy_seconds: float | None


def read_run(bench: Bench, run_id: str) -> RunTimes:
    """Read a run whose steps have begun. Raises PermanentError when Dagster does not know it."""
    told = query(bench.settings.dagster.url, _RUN % run_id).get("runOrError") or {}
    starts = [step["startTime"] for step in told.get("stepStats") or () if step["startTime"]]
    if not starts:
        raise PermanentError(f"Dagster tells no step of the run {run_id}")
    return RunTimes(told["creationTime"], min(starts), find_deploy_seconds(told["assetMaterializations"]))


def find_deploy_seconds(materialisations: list[dict[str, Any]]) -> float | None:
    """Find the seconds of `cdk deploy` in the table that a deployment's materialisation shows."""
    for made in materialisations:
        for entry in made["metadataEntries"]:
            for text in (entry.get("table") or {}).get("records", []) if entry["label"] == "deploy" else []:
                record = json.loads(text)
                if record["phase"] == "cdk deploy" and record["seconds"]:
                    return float(record["seconds"])
    return None
