"""The rollback job: the last good assembly deployed as it was built, verified, the release left held."""

import threading
from dataclasses import replace

import dagster as dg

from assets.deployment import describe_deployment
from assets.evidence import phase_table, told_plainly
from assets.requests import KIND_TAG, RETRY_TAGS, request_of
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.gates import GateResult, Phase, Verdict, combine_phases
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.release import short
from namecard_release.redaction import redact
from namecard_release.workflow.beating import keep_beating
from namecard_release.workflow.deploying import deploy_release
from namecard_release.workflow.fast_path import heal_traffic, verify_mended
from namecard_release.workflow.leasing import hold_lease
from namecard_release.workflow.paging import tell_rollback_begun
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.promoting import is_settled, open_promotion, stop
from namecard_release.workflow.recovering import judge_recovered
from namecard_release.workflow.rolling_back import (
    RollbackPlan,
    accepted_risk,
    find_interrupted,
    finish_rollback,
    load_target,
    plan_rollback,
    refuse_unsafe,
    wait_for_ends,
)
from namecard_release.workflow.verifying import Deployment, record_probes, verify_release

ROLLBACK_JOB = "rollback_job"


class RollbackConfig(dg.Config):
    """Which environment goes back, to which release (empty: the last good one), and why.

    `accept_schema_risk` is a person's word that the verdict is known not to be SAFE.
    """

    environment: str
    to: str = ""
    reason: str = "launched in the Dagster UI"
    accept_schema_risk: bool = False


@dg.op(out=dg.Out(dg.Nothing), description="Go back to a release that was verified here, as it was built.")
def rollback_deployment(
    context: dg.OpExecutionContext, config: RollbackConfig, pipeline: dg.ResourceParam[Pipeline]
) -> None:
    """Plan, deploy, verify and probe in one step: each further step would cost the outage its start."""
    with told_plainly(), keep_beating(pipeline, context.run.run_id):
        root_run = context.run.root_run_id or context.run.run_id
        plan = plan_rollback(pipeline, config.environment, config.to or None, root_run)
        refuse_unsafe(plan, config.accept_schema_risk)
        rollback = _open(context, pipeline, plan, config)
        if is_settled(rollback):
            context.log.info(f"{rollback.id} is {rollback.phase} already: nothing is left to do")
            return
        tell_rollback_begun(pipeline, rollback, plan.source)
        with hold_lease(pipeline, config.environment, rollback.id, force=True) as heartbeat:
            held = heartbeat.pipeline
            _end_interrupted(context, held, rollback)
            assembly = load_target(held, plan)
            rollback, healed = heal_traffic(heartbeat, rollback, plan, assembly, context.run.run_id)
            context.log.info(f"fast path {healed.verdict}: {healed.reason}")
            rollback, phase = deploy_release(held, rollback, assembly, heartbeat, context.log.debug)
            files = held.repository.migration_files(assembly.release)
            deployed = verify_release(held, rollback, assembly, files)
            deployed = verify_mended(heartbeat, deployed, assembly, files)
            _conclude(context, held, deployed, plan, config.reason)
        context.log_event(_event(deployed, plan, assembly, phase, healed))


def _open(context: dg.OpExecutionContext, pipeline: Pipeline, plan: RollbackPlan, config: RollbackConfig) -> Promotion:
    asked = request_of(context.run, config.environment, plan.target.release, PromotionKind.ROLLBACK)
    request = replace(asked, reason=redact(config.reason))
    promotion = open_promotion(pipeline, request)
    if promotion.phase is PromotionPhase.REQUESTED:
        now, why = pipeline.clock.now(), f"no gates for a rollback; {plan.safety.safety}: {plan.safety.reason}"
        events = accepted_risk(plan, promotion, now)
        return pipeline.ledger.move(promotion.id, PromotionPhase.GATED, now, why, events=events)
    return promotion


def _end_interrupted(context: dg.OpExecutionContext, pipeline: Pipeline, rollback: Promotion) -> None:
    # A rollback never waits on the deploy it undoes: the lease was taken from it, now its run is stopped, and ours
    # begins when its cdk is gone. One that does not end is fenced all the same, and notices within a heart-beat.
    stopped = []
    for other in find_interrupted(pipeline, rollback.environment, rollback.id):
        # What waits for people has no run any more.
        if other.waiting is None and other.run_id and context.instance.get_run_by_id(other.run_id) is not None:
            context.instance.run_launcher.terminate(other.run_id)
            stopped.append(other.run_id)
        why = f"stopped by {rollback.id}"
        pipeline.ledger.move(other.id, PromotionPhase.ABORTED, pipeline.clock.now(), why, by=rollback.actor)
    if not wait_for_ends(lambda: all(_has_ended(context.instance, one) for one in stopped), threading.Event().wait):
        context.log.warning(f"run {', '.join(stopped)} does not end: it may write and deploy nothing more")


def _has_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


def _conclude(
    context: dg.OpExecutionContext, pipeline: Pipeline, deployed: Deployment, plan: RollbackPlan, reason: str
) -> None:
    record_probes(pipeline, deployed, context.run.run_id)
    rollback = deployed.promotion
    verdict, why = combine_phases((*deployed.verification, *deployed.probes))
    if verdict is Verdict.PASSED:
        measured = judge_recovered(pipeline, rollback, plan.source, context.run.run_id, threading.Event().wait)
        verdict, why = combine_phases((*deployed.verification, *deployed.probes, *measured))
        context.log.info(f"{measured[-1].name}: {measured[-1].verdict}: {measured[-1].reason}")
    if verdict is not Verdict.PASSED:
        phase = PromotionPhase.FAILED if verdict is Verdict.FAILED else PromotionPhase.HELD
        stop(pipeline, rollback.id, phase, f"health was not restored: {why}")
    pipeline.ledger.move(
        rollback.id,
        rollback.phase,
        pipeline.clock.now(),
        "verified",
        verified=True,
        schema_version=deployed.schema,
    )
    finish_rollback(pipeline, rollback, plan.source, reason)


def _event(
    deployed: Deployment, plan: RollbackPlan, assembly: Assembly, phase: Phase | None, healed: GateResult
) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        asset_key=dg.AssetKey([plan.environment, "deployment"]),
        partition=assembly.release,
        description=f"rolled back to {short(assembly.release)}",
        metadata=describe_deployment(deployed.promotion, assembly, deployed, phase)
        | {"fast path": phase_table(healed.phases)},
    )


@dg.job(
    name=ROLLBACK_JOB,
    executor_def=dg.in_process_executor,
    tags={KIND_TAG: str(PromotionKind.ROLLBACK), "dagster/priority": "10", **RETRY_TAGS},
    description="Deploys the last good assembly as it was built and verifies it; waits for no gate and for nobody.",
)
def rollback_job() -> None:
    """Roll an environment back."""
    rollback_deployment()
