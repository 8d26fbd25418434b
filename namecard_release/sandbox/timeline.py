"""When what happened around a rollback, read from the traffic, CloudWatch, Dagster and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from namecard_release.composition import build_pipeline
from namecard_release.domain.promotion import Promotion
from namecard_release.sandbox.dagster_process import query
from namecard_release.sandbox.traffic import Outcome, summarise
from namecard_release.settings import Settings

_RUNS = """{ runsOrError(filter: {tags: [{key: "namecard/promotion", value: "%s"}]}) { ... on Runs { results {
  runId creationTime startTime endTime tags { key value } stepStats { stepKey startTime endTime } } } } }"""


@dataclass(frozen=True)
class Moment:
    """Something that happened; `at` is in seconds since the epoch."""

    at: float
    what: str


@dataclass(frozen=True)
class RollbackRun:
    """The rollback's run: its tags, when it was made and when its first step began (seconds since the epoch)."""

    run_id: str
    tags: dict[str, str]
    created: float
    first_step: float | None


def find_rollback_run(settings: Settings, promotion_id: str) -> RollbackRun | None:
    """Find the run that rolled a promotion back, by its tag."""
    data = query(settings.dagster.url, _RUNS % promotion_id)
    results: list[dict[str, Any]] = data["runsOrError"]["results"]
    if not results:
        return None
    run = results[-1]
    starts = [step["startTime"] for step in run["stepStats"] if step["startTime"]]
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    return RollbackRun(run["runId"], tags, run["creationTime"], min(starts, default=None))


def collect_timeline(
    settings: Settings, environment: str, promotion: Promotion, outcomes: Sequence[Outcome]
) -> tuple[list[Moment], dict[str, str]]:
    """Put the moments of a rollback in order; gives them and the tags of the rollback's run."""
    pipeline = build_pipeline(settings)
    moments = [
        Moment(at.timestamp(), f"{phase}  {why}".strip()) for at, phase, why in pipeline.ledger.moves(promotion.id)
    ]
    traffic = summarise([o for o in outcomes if promotion.deploy_started_at is None or _during(o, promotion)])
    if traffic.first_failure is not None:
        moments.append(Moment(traffic.first_failure, "first failing request"))
    if traffic.first_success_after_failure is not None:
        moments.append(Moment(traffic.first_success_after_failure, "first good answer after the last failing one"))
    run = find_rollback_run(settings, promotion.id)
    tags = run.tags if run else {}
    site = pipeline.site(environment)
    for reading in site.cloud.alarms(site.settings.stack_names):
        if reading.arn in tags.get("namecard/alarm", ""):
            moments.append(Moment(reading.since.timestamp(), f"ALARM {reading.name}"))
    if run is not None and run.first_step is not None:
        moments.append(Moment(run.created, f"rollback run {run.run_id[:8]} made by {tags.get('dagster/sensor_name')}"))
        moments.append(Moment(run.first_step, "first step of the rollback"))
    return sorted(moments, key=lambda moment: moment.at), tags


def _during(outcome: Outcome, promotion: Promotion) -> bool:
    begun = promotion.deploy_started_at
    return begun is not None and outcome.at >= begun.timestamp()


def print_timeline(moments: Sequence[Moment], status: str) -> None:
    """Print the timeline in seconds since the first failing request, and what runs where."""
    zero = next((m.at for m in moments if m.what == "first failing request"), moments[0].at if moments else 0.0)
    print("\n  WHEN (UTC)    SECONDS  WHAT")
    for moment in moments:
        clock = datetime.fromtimestamp(moment.at, UTC)
        print(f"  {clock:%H:%M:%S.%f}"[:-3] + f"  {moment.at - zero:+7.1f}  {moment.what[:110]}")
    print(f"\n{status}", flush=True)
