"""The evidence of an incident, gathered in a run of its own: neither its opening nor its page ever waits for it."""

import dagster as dg

from assets.evidence import told_plainly
from namecard_release.workflow.incident_evidence import gather_for_incident
from namecard_release.workflow.pipeline import Pipeline

EVIDENCE_JOB = "incident_evidence_job"
EVIDENCE_OP = "incident_evidence"


class EvidenceConfig(dg.Config):
    """Which incident, such as INC-7."""

    incident: str


@dg.op(
    name=EVIDENCE_OP,
    out=dg.Out(str),
    retry_policy=dg.RetryPolicy(max_retries=2, delay=10),
    description="Gather what is to be known about an incident's alarm and keep it with the incident.",
)
def incident_evidence(
    context: dg.OpExecutionContext, config: EvidenceConfig, pipeline: dg.ResourceParam[Pipeline]
) -> dg.Output[str]:
    """Gather it; what cannot be read is in it as UNKNOWN with its reason."""
    with told_plainly():
        evidence = gather_for_incident(pipeline, config.incident)
    context.log.info(f"{config.incident}: {evidence.headline}")
    shown = {
        "headline": dg.MetadataValue.text(evidence.headline),
        "failed_requests": dg.MetadataValue.text(_or_unknown(evidence.failed_requests)),
        "customers": dg.MetadataValue.text(_or_unknown(evidence.customers)),
        "details": dg.MetadataValue.json(dict(evidence.details)),
    }
    return dg.Output(evidence.headline, metadata=shown)


def _or_unknown(count: int | None) -> str:
    return "unknown" if count is None else str(count)


@dg.job(name=EVIDENCE_JOB, executor_def=dg.in_process_executor, description="Gathers the evidence of one incident.")
def incident_evidence_job() -> None:
    """Gather it."""
    incident_evidence()


def evidence_request(incident: str) -> dg.RunRequest:
    """Ask for an incident's first evidence; the key makes Dagster launch it once."""
    config = {"ops": {EVIDENCE_OP: {"config": {"incident": incident}}}}
    return dg.RunRequest(run_key=f"evidence-{incident}", run_config=config, job_name=EVIDENCE_JOB)
