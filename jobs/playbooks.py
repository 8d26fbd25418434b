"""Playbooks in the UI: a plan, one mitigation, its undo. Each only plans unless told otherwise."""

import dagster as dg

from assets.evidence import row_table, told_plainly
from assets.requests import actor_of, root_of
from namecard_release.domain.mitigation_bounds import Apply, Refused
from namecard_release.domain.mitigations import Mitigation, MitigationKind, Request, describe_change
from namecard_release.errors import MisuseError
from namecard_release.redaction import redact
from namecard_release.workflow.mitigating import (
    Done,
    Plan,
    Undo,
    plan_mitigation,
    plan_undo,
    run_mitigation,
    settle_all,
    undo_mitigation,
)
from namecard_release.workflow.mitigation_targets import find_playbook, refusal
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.playbooks import PlaybookPlan, find_incident, plan_playbook

_RETRY = "dagster/retry_number"
_RELEASES = "rollback_job rolls back, the environment's promotion job rolls forward: launch it"


class PlaybookConfig(dg.Config):
    """Which playbook, such as `throttles`, in which environment; the open incident of its kind unless one is named."""

    playbook: str
    environment: str
    service: str = ""
    incident: str = ""


class MitigateConfig(PlaybookConfig):
    """What is changed: the mitigation, such as `reserved-concurrency`, to which value; acted on without `plan_only`.

    `alias`, `flag` and `confirm_writer` are for those that need them. To act a reason is needed, and a name: a tag's
    goes before `actor`.
    """

    mitigation: str
    to: str = ""
    alias: str = ""
    flag: str = ""
    confirm_writer: str = ""
    reason: str = ""
    actor: str = ""
    plan_only: bool = True
    despite_hold: bool = False


class UndoConfig(dg.Config):
    """Which mitigation is undone, by its number; `force` restores its value although somebody changed it since."""

    number: int
    reason: str = ""
    actor: str = ""
    force: bool = False
    confirm_writer: str = ""
    plan_only: bool = True
    despite_hold: bool = False


@dg.op(out=dg.Out(int), description="Diagnose now, and say which mitigations that suggests; nothing is changed.")
def playbook_plan(
    context: dg.OpExecutionContext, config: PlaybookConfig, pipeline: dg.ResourceParam[Pipeline]
) -> dg.Output[int]:
    """Plan a playbook; the output is how many mitigations it suggests."""
    with told_plainly():
        incident = config.incident.strip() or None
        plan = plan_playbook(pipeline, config.playbook, config.environment, config.service.strip(), incident)
    cause = plan.evidence.cause
    context.log.info(redact(f"{plan.playbook.title}: {cause.cause}: {cause.reason}"))
    return dg.Output(len(plan.advice.suggested), metadata=describe_plan(plan))


@dg.op(out=dg.Out(int), description="Change one setting within its bounds, or plan it; it can be undone.")
def mitigate(
    context: dg.OpExecutionContext, config: MitigateConfig, pipeline: dg.ResourceParam[Pipeline]
) -> dg.Output[int]:
    """Make one mitigation; the output is its number, 0 for none."""
    with told_plainly():
        request = _request(context, config, pipeline)
        if config.plan_only:
            return _planned(context, plan_mitigation(pipeline, request))
        if request.kind is MitigationKind.FAILOVER and _RETRY in context.run.tags:
            # Confirmed for the run that died, and not for one that Dagster begins by itself.
            settled = settle_all(pipeline, request.environment)
            return _told(context, Done(next(iter(settled), None), "a failover is launched anew by a person alone"))
        done = run_mitigation(pipeline, request)
    return _told(context, done)


@dg.op(out=dg.Out(int), description="Restore exactly the value from before a mitigation, or plan it.")
def undo(context: dg.OpExecutionContext, config: UndoConfig, pipeline: dg.ResourceParam[Pipeline]) -> dg.Output[int]:
    """Undo one; the output is its number."""
    with told_plainly():
        actor, reason = actor_of(context.run, config.actor), redact(config.reason.strip())
        wanted = Undo(
            number=config.number,
            actor=actor,
            reason=reason,
            forced=config.force,
            confirm=config.confirm_writer.strip(),
            despite_hold=config.despite_hold,
            run_id=root_of(context.run),
        )
        if config.plan_only:
            return _planned(context, plan_undo(pipeline, wanted))
        done = undo_mitigation(pipeline, wanted)
    return _told(context, done)


def _request(context: dg.OpExecutionContext, config: MitigateConfig, pipeline: Pipeline) -> Request:
    known = ", ".join(MitigationKind)
    if config.mitigation not in set(MitigationKind):
        raise MisuseError(f"unknown mitigation {config.mitigation!r}: there are {known}")
    kind = MitigationKind(config.mitigation)
    if kind in (MitigationKind.ROLLBACK, MitigationKind.ROLL_FORWARD):
        raise MisuseError(f"{kind}: {_RELEASES}")
    pipeline.settings.environment(config.environment)
    service, named = config.service.strip(), config.incident.strip() or None
    incident = find_incident(pipeline, find_playbook(config.playbook), config.environment, service, named)
    return Request(
        environment=config.environment,
        kind=kind,
        playbook=config.playbook,
        actor=actor_of(context.run, config.actor),
        reason=redact(config.reason.strip()),
        service=service,
        to=config.to.strip(),
        alias=config.alias.strip(),
        flag=config.flag.strip(),
        confirm=config.confirm_writer.strip(),
        incident=None if incident is None else incident.id,
        run_id=root_of(context.run),
        despite_hold=config.despite_hold,
    )


def _planned(context: dg.OpExecutionContext, plan: Plan) -> dg.Output[int]:
    decision = plan.decision
    if isinstance(decision, Refused):
        raise refusal(decision)
    would = decision.reason
    if isinstance(decision, Apply):
        would = f"would change {describe_change(plan.target, decision.before, decision.after)}: {decision.reason}"
    context.log.info(would)
    begun = "" if plan.unsettled is None else f"mitigation {plan.unsettled.number} is {plan.unsettled.state}"
    shown = {"would": dg.MetadataValue.text(would), "begun and not ended": dg.MetadataValue.text(begun or "nothing")}
    return dg.Output(0, metadata=shown)


def _told(context: dg.OpExecutionContext, done: Done) -> dg.Output[int]:
    one = done.mitigation
    if one is None:
        context.log.info(f"nothing to do: {done.reason}")
        return dg.Output(0, metadata={"nothing to do": dg.MetadataValue.text(done.reason)})
    context.log.info(f"mitigation {one.number} {one.state}: {describe_change(one.target, one.before, one.after)}")
    return dg.Output(one.number, metadata=describe_one(one))


def describe_one(one: Mitigation) -> dict[str, dg.MetadataValue]:
    """Show a mitigation as metadata."""
    return {
        "mitigation": dg.MetadataValue.int(one.number),
        "state": dg.MetadataValue.text(str(one.state)),
        "setting": dg.MetadataValue.text(str(one.target)),
        "before": dg.MetadataValue.text(one.before),
        "after": dg.MetadataValue.text(one.after),
        "outcome": dg.MetadataValue.text(one.outcome),
        "incident": dg.MetadataValue.text(one.incident or "none"),
    }


def describe_plan(plan: PlaybookPlan) -> dict[str, dg.MetadataValue]:
    """Show a playbook's plan as metadata: the cause, what is suggested and what not, and what is unknown."""
    cause, advice = plan.evidence.cause, plan.advice
    suggested = [(str(s.kind), s.service, s.to, s.flag or s.alias, redact(s.why)) for s in advice.suggested]
    passed = [(str(kind), redact(why)) for kind, why in advice.passed_over]
    findings = [(redact(fact),) for fact in plan.evidence.findings]
    return {
        "likely cause": dg.MetadataValue.text(redact(f"{cause.cause}: {cause.reason}")),
        "service": dg.MetadataValue.text(plan.evidence.service or "UNKNOWN"),
        "incident": dg.MetadataValue.text("none" if plan.incident is None else plan.incident.id),
        "suggested": row_table(("mitigation", "service", "to", "flag or alias", "why"), suggested),
        "not suggested": row_table(("mitigation", "why"), passed),
        "findings": row_table(("fact",), findings),
        "UNKNOWN": row_table(("part", "why"), [(part, redact(why)) for part, why in advice.unknown]),
        "in force": row_table(("mitigation", "change"), [_row(one) for one in plan.in_force]),
    }


def _row(one: Mitigation) -> tuple[str, str]:
    return str(one.number), describe_change(one.target, one.before, one.after)


# Dagster runs a killed one again: what it began is read first, and not made twice.
_TAGS = {"dagster/max_retries": "3", "dagster/retry_on_asset_or_op_failure": "false"}


def _build_job(name: str, op: dg.OpDefinition, tags: dict[str, str]) -> dg.JobDefinition:
    @dg.job(name=name, executor_def=dg.in_process_executor, description=op.description, tags=tags)
    def _job() -> None:
        op()

    return _job


PLAYBOOK_JOBS = (
    _build_job("playbook_plan_job", playbook_plan, {}),
    _build_job("mitigate_job", mitigate, _TAGS),
    _build_job("undo_mitigation_job", undo, _TAGS),
)
