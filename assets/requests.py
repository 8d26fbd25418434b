"""Who asks for what, read from a run: its tags, partition and chain of re-executions."""

from __future__ import annotations

import dagster as dg

from namecard_release.domain.approvals import NOBODY
from namecard_release.domain.promotion import Promotion, PromotionKind
from namecard_release.redaction import redact
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.promoting import Request, open_promotion

RELEASES = dg.DynamicPartitionsDefinition(name="releases")
ENVIRONMENT_TAG = "namecard/environment"
ACTOR_TAG = "namecard/actor"
REASON_TAG = "namecard/reason"
PROMOTION_TAG = "namecard/promotion"
ALARM_TAG = "namecard/alarm"
KIND_TAG = "namecard/kind"
# On promotions alone, so that a queue may limit them by environment without ever holding a rollback back.
PROMOTES_TAG = "namecard/promotes"
# Set by Dagster on a run that it retries by itself; a re-execution that a person asks for has none.
_RETRY_NUMBER = "dagster/retry_number"
# A run whose process died is resumed by Dagster itself from the step that it was in; one whose step ended by its own
# word (refused, held, failed) is a person's to resume.
RETRY_TAGS = {
    "dagster/max_retries": "3",
    "dagster/retry_strategy": "FROM_FAILURE",
    "dagster/retry_on_asset_or_op_failure": "false",
}
# Why a freeze is not to stop this run, in the words of who launched it.
OVERRIDE_TAG = "namecard/override-freeze"
# The first run of the promotion that this run continues; one that the approvals sensor launched is no re-execution.
CONTINUES_TAG = "namecard/continues"
_AUTOMATIC = ("dagster/sensor_name", "dagster/schedule_name")


def actor_of(run: dg.DagsterRun, told: str = "") -> str:
    """Tell who launched a run: its tags, else the name given in its configuration, else nobody."""
    return redact(run.tags.get(ACTOR_TAG) or run.tags.get("user") or told).strip() or NOBODY


def root_of(run: dg.DagsterRun) -> str:
    """Give the run that began what this one goes on with."""
    return run.tags.get(CONTINUES_TAG) or run.root_run_id or run.run_id


def request_of(run: dg.DagsterRun, environment: str, release: str, kind: PromotionKind) -> Request:
    """Read a request from a run; one that a person launched in the UI has no actor tag but its `user`."""
    return Request(
        environment=environment,
        release=release,
        kind=kind,
        actor=actor_of(run),
        reason=redact(run.tags.get(REASON_TAG) or "launched in the Dagster UI"),
        run_id=run.run_id,
        root_run=root_of(run),
        automatic=is_automatic(run),
        retried=_RETRY_NUMBER in run.tags,
        freeze_override=redact(run.tags.get(OVERRIDE_TAG, "").strip()) or None,
    )


def is_automatic(run: dg.DagsterRun) -> bool:
    """Tell whether a sensor or a schedule launched a run."""
    return any(tag in run.tags for tag in _AUTOMATIC)


def opened_promotion(context: dg.AssetExecutionContext, pipeline: Pipeline, environment: str) -> Promotion:
    """Open or resume the promotion that this run of an environment's assets stands for."""
    return open_promotion(
        pipeline, request_of(context.run, environment, context.partition_key, PromotionKind.PROMOTION)
    )
