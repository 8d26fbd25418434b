"""Dead letters in the UI: sample, replay, archive, drain. A plan unless told otherwise; what was done is metadata."""

import dagster as dg

from assets.evidence import row_table, told_plainly
from assets.requests import actor_of
from namecard_release.domain.dead_letter_plans import Mode
from namecard_release.domain.gates import Verdict
from namecard_release.redaction import redact
from namecard_release.workflow.dead_letter_orders import Ask, carry_out, look
from namecard_release.workflow.dead_letters import Order, Sample
from namecard_release.workflow.draining import Done
from namecard_release.workflow.people import Word
from namecard_release.workflow.pipeline import Pipeline

DRAIN_JOB = "dlq_drain_job"
DRAIN_OP = "dlq_drain"


class SampleConfig(dg.Config):
    """Which environment's letters, how many, and JMESPath over a letter (empty: all)."""

    environment: str
    filter: str = ""
    limit: int = 100


class ActConfig(SampleConfig):
    """The same, to be acted on when `plan_only` is false; then a reason is needed, and a name: a tag's before `actor`.

    `rate` is replays a second (0: the settings'), `hold_until_fixed` a commit that must be deployed and good before.
    """

    plan_only: bool = True
    reason: str = ""
    actor: str = ""
    rate: float = 0
    hold_until_fixed: str = ""


class ChooseConfig(ActConfig):
    """The same, and whether everything that fits is taken, whatever the rules think of it."""

    everything: bool = False


@dg.op(out=dg.Out(int), description="Look at letters and show what a drain would do with each; nothing is changed.")
def dlq_sample(
    context: dg.OpExecutionContext, config: SampleConfig, pipeline: dg.ResourceParam[Pipeline]
) -> dg.Output[int]:
    """Show a sample; the output is how many letters it has."""
    return _planned(context, pipeline, config, Mode.DRAIN, everything=False)


@dg.op(out=dg.Out(int), description="Send letters back to the functions that failed.")
def dlq_replay(
    context: dg.OpExecutionContext, config: ChooseConfig, pipeline: dg.ResourceParam[Pipeline]
) -> dg.Output[int]:
    """Replay, or plan it; the output is how many letters were or would be looked at."""
    return _act(context, pipeline, config, Mode.REPLAY, everything=config.everything)


@dg.op(out=dg.Out(int), description="Put letters that no replay recovers into the archive, and out of the queue.")
def dlq_archive(
    context: dg.OpExecutionContext, config: ChooseConfig, pipeline: dg.ResourceParam[Pipeline]
) -> dg.Output[int]:
    """Archive, or plan it."""
    return _act(context, pipeline, config, Mode.ARCHIVE, everything=config.everything)


@dg.op(name=DRAIN_OP, out=dg.Out(int), description="Replay, archive and quarantine until the queue is empty.")
def dlq_drain(
    context: dg.OpExecutionContext, config: ActConfig, pipeline: dg.ResourceParam[Pipeline]
) -> dg.Output[int]:
    """Drain, or plan it."""
    return _act(context, pipeline, config, Mode.DRAIN, everything=False)


def _act(
    context: dg.OpExecutionContext, pipeline: Pipeline, config: ActConfig, mode: Mode, *, everything: bool
) -> dg.Output[int]:
    if config.plan_only:
        return _planned(context, pipeline, config, mode, everything=everything)
    with told_plainly():
        ask = _ask(context, pipeline, config, mode, everything=everything)
        done = carry_out(pipeline.dead_letters(config.environment), pipeline.ledger, ask)
    metadata = describe_done(done)
    if done.verdict is Verdict.FAILED:
        raise dg.Failure(done.reason, metadata, allow_retries=False)
    told = context.log.info if done.verdict is Verdict.PASSED else context.log.warning
    told(f"{done.verdict}: {done.reason}")
    return dg.Output(sum(done.counts.values()), metadata=metadata)


def _planned(
    context: dg.OpExecutionContext, pipeline: Pipeline, config: SampleConfig, mode: Mode, *, everything: bool
) -> dg.Output[int]:
    with told_plainly():
        ask = _ask(context, pipeline, config, mode, everything=everything)
        seen = look(pipeline.dead_letters(config.environment), pipeline.ledger, ask)
    context.log.info(f"{seen.queue}: {seen.depth.total} letters, {len(seen.planned)} of them planned")
    return dg.Output(len(seen.planned), metadata=describe_sample(seen))


def _ask(
    context: dg.OpExecutionContext, pipeline: Pipeline, config: SampleConfig, mode: Mode, *, everything: bool
) -> Ask:
    acting = config if isinstance(config, ActConfig) else ActConfig(environment=config.environment)
    pipeline.settings.environment(config.environment)
    actor = actor_of(context.run, acting.actor)
    word = Word(config.environment, actor, redact(acting.reason.strip()), pipeline.clock.now())
    expression = config.filter.strip() or None
    order = Order(mode, config.limit, context.run_id, expression, everything, acting.rate or None)
    return Ask(order, word, acting.hold_until_fixed.strip())


def describe_sample(seen: Sample) -> dict[str, dg.MetadataValue]:
    """Show a sample as metadata, without any payload."""
    rows = [
        (
            *(one.letter.sent_at.isoformat(), one.service, one.letter.error_name or one.letter.error_message[:80]),
            *(str(one.classification.recovery), str(one.plan.action), one.plan.key, one.plan.reason),
        )
        for one in seen.planned
    ]
    columns = ("sent", "service", "error", "class", "would", "replay key", "reason")
    return {
        "queue": dg.MetadataValue.text(seen.queue),
        "letters, about": dg.MetadataValue.int(seen.depth.total),
        "letters": row_table(columns, rows),
    }


def describe_done(done: Done) -> dict[str, dg.MetadataValue]:
    """Show what a run did as metadata."""
    return {
        "verdict": dg.MetadataValue.text(str(done.verdict)),
        "reason": dg.MetadataValue.text(done.reason),
        "done": row_table(("what", "letters"), [(name, str(number)) for name, number in sorted(done.counts.items())]),
        "left": row_table(("why", "letters"), [(why, str(number)) for why, number in done.reasons]),
        "archive": row_table(("object",), [(key,) for key in done.archives[:100]]),
        "seconds": dg.MetadataValue.float(done.seconds),
    }


def _build_job(name: str, op: dg.OpDefinition) -> dg.JobDefinition:
    @dg.job(name=name, executor_def=dg.in_process_executor, description=op.description)
    def _job() -> None:
        op()

    return _job


DLQ_JOBS = (
    _build_job("dlq_sample_job", dlq_sample),
    _build_job("dlq_replay_job", dlq_replay),
    _build_job("dlq_archive_job", dlq_archive),
    _build_job(DRAIN_JOB, dlq_drain),
)
