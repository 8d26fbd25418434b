"""The release's source: resolved, checked out, installed."""

import dagster as dg

from assets.evidence import Metadata, log_tail, phase_table, told_plainly
from assets.requests import ENVIRONMENT_TAG, RELEASES, opened_promotion
from namecard_release.domain.gates import Phase, Verdict
from namecard_release.settings import Settings
from namecard_release.workflow.gating import conclude
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.promoting import refuse_closed_entry
from namecard_release.workflow.sources import Source, ready_source


@dg.asset(partitions_def=RELEASES, group_name="release", kinds={"git", "nodejs"})
def source(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
    """One commit of the platform in a clean worktree, installed and generated once."""
    with told_plainly():
        environment = context.run.tags.get(ENVIRONMENT_TAG)
        if environment is not None:
            refuse_closed_entry(pipeline, opened_promotion(context, pipeline, environment))
        started = pipeline.clock.now()
        ready = ready_source(pipeline, context.partition_key, context.log.debug)
        phases = ready.phases or (Phase("checkout", Verdict.PASSED, "ready before", 0.0),)
        evidence = {"tree": ready.release.tree}
        conclude(pipeline, "source", ready.release.sha, phases, started, context.run.run_id, evidence)
    return dg.MaterializeResult(metadata=_describe(ready, pipeline.settings))


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
