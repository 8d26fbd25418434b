"""What people say, from the UI: approvals, holds, pauses. One short op each; none of them touches an environment."""

import dagster as dg

from assets.evidence import told_plainly
from assets.requests import actor_of
from namecard_release.domain.release import short
from namecard_release.redaction import redact
from namecard_release.workflow.people import (
    Word,
    approve_release,
    pause_automation,
    place_hold,
    release_hold,
    resume_automation,
    revoke_approval,
)
from namecard_release.workflow.pipeline import Pipeline


class WordConfig(dg.Config):
    """About which environment, why, and who says it; a name in the run's tags goes before `actor`."""

    environment: str
    reason: str
    actor: str = ""


class ReleaseConfig(WordConfig):
    """The same about one release: a commit, branch or tag."""

    commit: str


class RevokeConfig(ReleaseConfig):
    """The same about one person's approval; empty is one's own."""

    approver: str = ""


class HoldConfig(WordConfig):
    """The same about one release, or about the whole environment when `commit` is empty."""

    commit: str = ""


class PauseConfig(WordConfig):
    """The same until a moment in ISO 8601 with its zone; empty is until a person resumes it."""

    until: str = ""


def _word(context: dg.OpExecutionContext, config: WordConfig, pipeline: Pipeline) -> Word:
    actor = actor_of(context.run, config.actor)
    return Word(config.environment, actor, redact(config.reason.strip()), pipeline.clock.now())


def _release(pipeline: Pipeline, commit: str) -> str | None:
    return pipeline.repository.resolve(commit).sha if commit else None


@dg.op(out=dg.Out(dg.Nothing), description="Approve one release for one environment.")
def approve(context: dg.OpExecutionContext, config: ReleaseConfig, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Keep the approval; the approvals sensor launches what waits for it."""
    with told_plainly():
        release = pipeline.repository.resolve(config.commit).sha
        state = approve_release(pipeline.settings, pipeline.ledger, _word(context, config, pipeline), release)
        context.log.info(f"{short(release)}: {state.reason}")


@dg.op(out=dg.Out(dg.Nothing), description="Revoke an approval.")
def revoke(context: dg.OpExecutionContext, config: RevokeConfig, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Revoke it; what deploys already goes on."""
    with told_plainly():
        release = pipeline.repository.resolve(config.commit).sha
        word = _word(context, config, pipeline)
        revoked = revoke_approval(pipeline.settings, pipeline.ledger, word, release, config.approver)
        context.log.info(f"{len(revoked)} approvals of {short(release)} by {revoked[0].actor} revoked")


@dg.op(out=dg.Out(dg.Nothing), description="Hold a release, or a whole environment.")
def place(context: dg.OpExecutionContext, config: HoldConfig, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Hold it."""
    with told_plainly():
        word, release = _word(context, config, pipeline), _release(pipeline, config.commit)
        hold = place_hold(pipeline.settings, pipeline.ledger, word, release)
        context.log.info(f"{short(hold.release)} is held in {hold.environment} by {hold.actor}")


@dg.op(out=dg.Out(dg.Nothing), description="Release a hold.")
def release(context: dg.OpExecutionContext, config: HoldConfig, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Release it."""
    with told_plainly():
        word, held = _word(context, config, pipeline), _release(pipeline, config.commit)
        release_hold(pipeline.settings, pipeline.ledger, word, held)


@dg.op(out=dg.Out(dg.Nothing), description="Pause automation in one environment.")
def pause(context: dg.OpExecutionContext, config: PauseConfig, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Pause it."""
    with told_plainly():
        word = _word(context, config, pipeline)
        pause_automation(pipeline.settings, pipeline.ledger, word, config.until)


@dg.op(out=dg.Out(dg.Nothing), description="Resume automation in one environment.")
def resume(context: dg.OpExecutionContext, config: WordConfig, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Resume it."""
    with told_plainly():
        resume_automation(pipeline.settings, pipeline.ledger, _word(context, config, pipeline))


def _build_job(name: str, op: dg.OpDefinition) -> dg.JobDefinition:
    @dg.job(name=name, executor_def=dg.in_process_executor, description=op.description)
    def _job() -> None:
        op()

    return _job


PEOPLE_JOBS = (
    _build_job("approve_job", approve),
    _build_job("revoke_approval_job", revoke),
    _build_job("place_hold_job", place),
    _build_job("release_hold_job", release),
    _build_job("pause_automation_job", pause),
    _build_job("resume_automation_job", resume),
)
