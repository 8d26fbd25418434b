"""The rollback's plan as a job of its own: what a rollback would mean, for people in the UI; nothing is deployed."""

import dagster as dg

from assets.evidence import reason_table, roll_forward_steps, told_plainly
from namecard_release.domain.release import short
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.rolling_back import RollbackPlan, plan_rollback

ROLLBACK_PLAN_JOB = "rollback_plan_job"


class RollbackPlanConfig(dg.Config):
    """Which environment, and to which release it would go back (empty: the last good one)."""

    environment: str
    to: str = ""


@dg.op(out=dg.Out(str), description="Judge a rollback without doing it: verdict, migrations between, what else to do.")
def rollback_plan(
    context: dg.OpExecutionContext, config: RollbackPlanConfig, pipeline: dg.ResourceParam[Pipeline]
) -> dg.Output[str]:
    """Plan and show; the output is the verdict."""
    with told_plainly():
        to = pipeline.repository.resolve(config.to).sha if config.to else None
        plan = plan_rollback(pipeline, config.environment, to)
    safety = plan.safety
    context.log.info(
        f"rollback of {plan.environment} to {short(plan.target.release)} is {safety.safety}: {safety.reason}"
    )
    return dg.Output(str(safety.safety), metadata=describe_plan(plan))


def describe_plan(plan: RollbackPlan) -> dict[str, dg.MetadataValue]:
    """Show a rollback's plan as metadata."""
    shown = {
        "verdict": dg.MetadataValue.text(str(plan.safety.safety)),
        "reason": dg.MetadataValue.text(plan.safety.reason),
        "to": dg.MetadataValue.text(plan.target.release),
        "from": dg.MetadataValue.text(plan.source.release if plan.source else "nothing"),
        "migrations between": dg.MetadataValue.text(", ".join(plan.safety.between) or "none"),
        "reasons": reason_table(plan.safety.reasons),
    }
    if plan.safety.roll_forward is not None:
        shown["roll forward"] = roll_forward_steps(plan.safety.roll_forward)
    return shown


@dg.job(
    name=ROLLBACK_PLAN_JOB,
    executor_def=dg.in_process_executor,
    description="Tells what a rollback of an environment would mean; deploys and writes nothing.",
)
def rollback_plan_job() -> None:
    """Plan a rollback."""
    rollback_plan()
