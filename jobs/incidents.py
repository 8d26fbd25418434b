"""What people do about an incident from the UI, one short op each; none of them touches an environment."""

import dagster as dg

from assets.evidence import told_plainly
from assets.requests import actor_of
from namecard_release.domain.incident import Incident, Item
from namecard_release.domain.incident_steps import Word
from namecard_release.workflow import responding
from namecard_release.workflow.pipeline import Pipeline


class IncidentConfig(dg.Config):
    """Which incident, and who speaks; a name in the run's tags goes before `actor`."""

    incident: str
    actor: str = ""


class NoteConfig(IncidentConfig):
    """What is added: a text, the root cause, the data at risk, items of the checklist that are done."""

    text: str = ""
    root_cause: str = ""
    data_at_risk: str = ""
    done: list[str] = []  # noqa: RUF012


class ResolveConfig(IncidentConfig):
    """What ended it."""

    reason: str


@dg.op(out=dg.Out(dg.Nothing), description="Acknowledge an incident: nothing pages from here on.")
def acknowledge(context: dg.OpExecutionContext, config: IncidentConfig, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Take it."""
    with told_plainly():
        actor, now = actor_of(context.run, config.actor), pipeline.clock.now()
        _tell(
            context,
            responding.acknowledge(pipeline.settings, pipeline.ledger, config.incident, actor, now, "ui"),
        )


@dg.op(out=dg.Out(dg.Nothing), description="Add to an incident: a note, its root cause, what is done.")
def note(context: dg.OpExecutionContext, config: NoteConfig, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Add it."""
    with told_plainly():
        word = Word(
            actor=actor_of(context.run, config.actor),
            text=config.text.strip(),
            root_cause=config.root_cause.strip(),
            data_at_risk=config.data_at_risk.strip(),
            done=responding.read_items(config.done),
        )
        now = pipeline.clock.now()
        _tell(context, responding.note(pipeline.settings, pipeline.ledger, config.incident, word, now))


@dg.op(out=dg.Out(dg.Nothing), description="Resolve an incident.")
def resolve(context: dg.OpExecutionContext, config: ResolveConfig, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Resolve it."""
    with told_plainly():
        actor, reason, now = actor_of(context.run, config.actor), config.reason, pipeline.clock.now()
        _tell(context, responding.resolve(pipeline.settings, pipeline.ledger, config.incident, actor, reason, now))


def _tell(context: dg.OpExecutionContext, incident: Incident) -> None:
    open_items = ", ".join(item for item in Item if not incident.has_done(item)) or "none"
    context.log.info(f"{incident.id} {incident.title}: not done of its checklist: {open_items}")


def _build_job(name: str, op: dg.OpDefinition) -> dg.JobDefinition:
    @dg.job(name=name, executor_def=dg.in_process_executor, description=op.description)
    def _job() -> None:
        op()

    return _job


INCIDENT_JOBS = (
    _build_job("acknowledge_incident_job", acknowledge),
    _build_job("note_incident_job", note),
    _build_job("resolve_incident_job", resolve),
)
