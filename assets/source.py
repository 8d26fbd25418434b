"""The release's source: resolved, checked out, installed."""

from collections.abc import Iterator

import dagster as dg

from assets.evidence import Metadata, log_tail, phase_table, told_plainly
from assets.requests import ENVIRONMENT_TAG, RELEASES, is_automatic, opened_promotion
from namecard_release.domain.gates import Phase, Verdict
from namecard_release.settings import Settings
from namecard_release.workflow.gating import conclude
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.promoting import refuse_closed_entry
from namecard_release.workflow.sources import Source, ready_source
from namecard_release.workflow.waiting import wait_for_people


@dg.asset(partitions_def=RELEASES, group_name="release", kinds={"git", "nodejs"}, output_required=False)
def source(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> Iterator[dg.MaterializeResult]:
    """One commit of the platform in a clean worktree, installed and generated once."""
    with told_plainly():
        if _waits(context, pipeline):
            # Nothing is made, so every step after this one is skipped and the run is over (docs/adr/0021).
            return
        started = pipeline.clock.now()
        ready = ready_source(pipeline, context.partition_key, context.log.debug)
        phases = ready.phases or (Phase("checkout", Verdict.PASSED, "ready before", 0.0),)
        evidence = {"tree": ready.release.tree}
        conclude(pipeline, "source", ready.release.sha, phases, started, context.run.run_id, evidence)
    yield dg.MaterializeResult(metadata=_describe(ready, pipeline.settings))


def _waits(context: dg.AssetExecutionContext, pipeline: Pipeline) -> bool:
    """Open the run's promotion and tell whether it waits for people, which the environment's deployment shows."""
    environment = context.run.tags.get(ENVIRONMENT_TAG)
    if environment is None:
        return False
    promotion = opened_promotion(context, pipeline, environment)
    refuse_closed_entry(pipeline, promotion)
    why = wait_for_people(pipeline, promotion, is_automatic(context.run))
    if why is None:
        return False
    context.log.warning(why)
    key = dg.AssetKey([environment, "deployment"])
    shown = {"waits": dg.MetadataValue.text(why), "promotion": dg.MetadataValue.text(promotion.id)}
    context.log_event(dg.AssetObservation(key, description=why, metadata=shown, partition=promotion.release))
    return True


def _describe(ready: Source, settings: Settings) -> Metadata:
    release = ready.release
    shown: Metadata = {
        "commit": dg.MetadataValue.text(release.sha),
        "subject": dg.MetadataValue.text(release.subject),
        "author": dg.MetadataValue.text(release.author),
        "committed_at": dg.MetadataValue.timestamp(release.committed_at),
        "tree": dg.MetadataValue.text(release.tree),
        "signature": dg.MetadataValue.text(release.signature),
        "commands": phase_table(ready.phases),
        "log": log_tail(ready.phases),
    }
    if settings.platform.commit_url is not None:
        shown["link"] = dg.MetadataValue.url(settings.platform.commit_url.replace("{sha}", release.sha))
    return shown
