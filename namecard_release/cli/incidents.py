"""`incident list|show|ack|note|resolve|summary`. It goes to the ledger; no Dagster is asked."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from namecard_release.cli.output import exit_codes, print_json, print_table, when
from namecard_release.cli.reading import JsonOption, SettingsOption, read_ledger, read_settings
from namecard_release.domain.incident import Incident, Item
from namecard_release.domain.incident_steps import Word
from namecard_release.domain.incident_summary import Summary, render_summary, tell_span
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.redaction import redact
from namecard_release.settings import Settings
from namecard_release.workflow import responding

incident = typer.Typer(help="Incidents: list, show, acknowledge, note, resolve, summary.", no_args_is_help=True)
IdArgument = Annotated[str, typer.Argument(help="The incident, such as INC-7.")]
ActorOption = Annotated[str | None, typer.Option("--actor", help="Who; your login by default.")]


def _open(path: SettingsOption) -> tuple[Settings, ReleaseLedger, datetime]:
    loaded = read_settings(path)
    return loaded, read_ledger(loaded), datetime.now(UTC)


def _who(actor: str | None) -> str:
    return redact(getpass.getuser() if actor is None else actor).strip()


def _id(text: str) -> str:
    return f"INC-{text}" if text.isdigit() else text.upper()


@incident.command("list")
def list_incidents(
    env: Annotated[str | None, typer.Option("--env", help="Of this environment alone.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Finished ones as well.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the newest first.")] = 50,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """List incidents that are open or whose checklist is not done, newest first."""
    with exit_codes():
        loaded, ledger, now = _open(settings)
        if env is not None:
            loaded.environment(env)
        found = ledger.incidents(env, unfinished=not every, limit=limit)
    if json:
        print_json({"incidents": [plain_incident(one) for one in found]})
        return
    headers = ("INCIDENT", "SEVERITY", "STATE", "OPENED", "FOR", "ENVIRONMENT", "ALARM", "SERVICE", "CAUSED BY")
    print_table(headers, [_row(one, now) for one in found])


def _row(one: Incident, now: datetime) -> tuple[str, ...]:
    of = one.fingerprint
    span = tell_span((one.resolved_at or now) - one.opened_at)
    caused = one.promotion or "no promotion"
    return (one.id, one.severity, state_of(one), when(one.opened_at), span, of.environment, of.kind, of.service, caused)


def state_of(one: Incident) -> str:
    """Say in a word or two where an incident stands."""
    if one.resolved_at is not None:
        return "finished" if one.closed_at is not None else "resolved"
    return "open" if one.acknowledged_by is None else f"acknowledged by {one.acknowledged_by}"


def plain_incident(one: Incident) -> dict[str, object]:
    """Give an incident's fields, its state among them."""
    return {**asdict(one), "state": state_of(one).split()[0]}


@incident.command("show")
def show(incident_id: IdArgument, settings: SettingsOption = None, json: JsonOption = False) -> None:
    """Show an incident: alarms, cause, evidence, timeline, checklist, and what its clock recorded."""
    with exit_codes():
        loaded, ledger, now = _open(settings)
        told = responding.tell_incident(loaded, ledger, _id(incident_id), now)
        slots = ledger.slots(told.incident.id)
    if json:
        print_json({**_plain_summary(told), "slots": slots})
        return
    typer.echo(render_summary(told))
    rows = [(when(slot.due), f"{slot.kind} {slot.n}", slot.covered or "sent to the outbox") for slot in slots]
    print_table(("DUE", "SLOT", "WHAT BECAME OF IT"), rows)


def _plain_summary(told: Summary) -> dict[str, object]:
    return {**asdict(told), "incident": plain_incident(told.incident)}


@incident.command("summary")
def summary(incident_id: IdArgument, settings: SettingsOption = None, json: JsonOption = False) -> None:
    """Print the post-incident summary as Markdown, as far as it is known."""
    with exit_codes():
        loaded, ledger, now = _open(settings)
        told = responding.tell_incident(loaded, ledger, _id(incident_id), now)
    if json:
        print_json(_plain_summary(told))
        return
    typer.echo(render_summary(told))


@incident.command("ack")
def ack(
    incident_id: IdArgument, actor: ActorOption = None, settings: SettingsOption = None, json: JsonOption = False
) -> None:
    """Acknowledge an incident: you take it, and nothing pages from here on."""
    with exit_codes():
        loaded, ledger, now = _open(settings)
        done = responding.acknowledge(loaded, ledger, _id(incident_id), _who(actor), now, "cli")
    _tell(done, json)


@incident.command("note")
def note(
    incident_id: IdArgument,
    text: Annotated[str, typer.Option("--text", help="What to add to the timeline.")] = "",
    root_cause: Annotated[str, typer.Option("--root-cause", help="The root cause.")] = "",
    data_at_risk: Annotated[str, typer.Option("--data-at-risk", help="Which data was at risk; 'none' is one.")] = "",
    done: Annotated[list[Item] | None, typer.Option("--done", help="An item of the checklist that is done.")] = None,
    actor: ActorOption = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Add to an incident's timeline; document its root cause; tick its checklist off."""
    with exit_codes():
        loaded, ledger, now = _open(settings)
        word = Word(_who(actor), text.strip(), root_cause.strip(), data_at_risk.strip(), tuple(done or ()))
        noted = responding.note(loaded, ledger, _id(incident_id), word, now)
    _tell(noted, json)


@incident.command("resolve")
def resolve(
    incident_id: IdArgument,
    reason: Annotated[str, typer.Option("--reason", help="What ended it.")],
    actor: ActorOption = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Resolve an incident; its summary, checklist and reminders begin."""
    with exit_codes():
        loaded, ledger, now = _open(settings)
        done = responding.resolve(loaded, ledger, _id(incident_id), _who(actor), reason, now)
    _tell(done, json)


def _tell(one: Incident, json: bool) -> None:
    if json:
        print_json(plain_incident(one))
        return
    typer.echo(f"{one.id} {one.severity} {one.title}: {state_of(one)}")
