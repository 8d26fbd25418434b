"""`playbook list|plan|run|undo|show|settle`: the runbook's answers to an alarm. Nothing is decided here."""

from __future__ import annotations

import getpass
import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from namecard_release.cli.output import exit_codes, note, print_json, print_table
from namecard_release.cli.reading import JsonOption, SettingsOption, read_settings
from namecard_release.domain.mitigations import RELEASES, MitigationKind, Request
from namecard_release.errors import MisuseError
from namecard_release.redaction import redact

if TYPE_CHECKING:
    from namecard_release.settings import Settings
    from namecard_release.workflow.mitigating import Done
    from namecard_release.workflow.pipeline import Pipeline

playbook = typer.Typer(
    help="Playbooks of the runbook: list, plan, run a mitigation, undo it, show. Exit codes: 0 done or nothing to do, "
    "1 refused or failed, 2 misuse or out of bounds, 3 something was not read.",
    no_args_is_help=True,
)
NameArgument = Annotated[str, typer.Argument(help="The playbook, such as lambda-errors.")]
NumberArgument = Annotated[int, typer.Argument(min=1, help="The mitigation's number.")]
EnvOption = Annotated[str, typer.Option("--env", help="The environment.")]
ServiceOption = Annotated[str, typer.Option("--service", help="The service, such as cards.")]
IncidentOption = Annotated[
    str | None, typer.Option("--incident", help="The incident; the open one that the playbook is for, by default.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the audit trail; a plan needs none.")]
ActorOption = Annotated[str | None, typer.Option("--actor", help="Who; your login by default.")]
PlanOption = Annotated[bool, typer.Option("--plan-only", help="Read and decide; change and write nothing.")]
HoldOption = Annotated[bool, typer.Option("--despite-hold", help="Although people hold the whole environment.")]
WriterOption = Annotated[str, typer.Option("--confirm-writer", help="For a failover: the name of the writer of now.")]


@playbook.command("list")
def list_playbooks(json: JsonOption = False) -> None:
    """List the playbooks with the alarms that each is for and its mitigations."""
    from namecard_release.domain.playbooks import PLAYBOOKS

    if json:
        print_json({"playbooks": list(PLAYBOOKS.values())})
        return
    rows = [
        (one.name, one.section, one.title, ", ".join(one.kinds), ", ".join(one.mitigations))
        for one in PLAYBOOKS.values()
    ]
    print_table(("PLAYBOOK", "RUNBOOK", "TITLE", "ALARMS", "MITIGATIONS"), rows)


@playbook.command("plan")
def plan(
    name: NameArgument,
    env: EnvOption,
    service: ServiceOption = "",
    incident: IncidentOption = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Diagnose now and say which mitigations that suggests, and why; nothing is changed or written."""
    from namecard_release.cli.playbook_printing import plain_plan, print_plan

    with exit_codes():
        pipeline = _open(read_settings(settings))
        from namecard_release.workflow.playbooks import plan_playbook

        told = plan_playbook(pipeline, name, env, service, _id(incident))
    if json:
        print_json(plain_plan(told))
        return
    print_plan(told)


@playbook.command("run")
def run(
    name: NameArgument,
    env: EnvOption,
    mitigation: Annotated[MitigationKind, typer.Option("--mitigation", help="What to do.")],
    service: ServiceOption = "",
    to: Annotated[str, typer.Option("--to", help="The value wanted: a number, none, on, off, an instance.")] = "",
    alias: Annotated[str, typer.Option("--alias", help="For provisioned concurrency: the function's alias.")] = "",
    flag: Annotated[str, typer.Option("--flag", help="For a flag: its name in the settings.")] = "",
    confirm_writer: WriterOption = "",
    commit: Annotated[str, typer.Option("--commit", help="For roll-forward (needed) and rollback: the release.")] = "",
    accept_schema_risk: Annotated[
        bool, typer.Option("--accept-schema-risk", help="For rollback: although the verdict is not SAFE.")
    ] = False,
    override_freeze: Annotated[
        bool, typer.Option("--override-freeze", help="For roll-forward: although the environment is frozen.")
    ] = False,
    reason: ReasonOption = "",
    incident: IncidentOption = None,
    plan_only: PlanOption = False,
    despite_hold: HoldOption = False,
    actor: ActorOption = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Change one setting within its bounds; it can be undone. Rollback and roll-forward launch their own runs."""
    from namecard_release.cli import playbook_printing as printing

    with exit_codes():
        loaded = read_settings(settings)
        pipeline = _open(loaded)
        request = Request(
            environment=env,
            kind=mitigation,
            playbook=name,
            actor=_who(actor),
            reason=redact(reason).strip(),
            service=service,
            to=to.strip(),
            alias=alias,
            flag=flag,
            confirm=confirm_writer,
            incident=_linked(pipeline, name, env, service, _id(incident)),
            run_id=_run_id(),
            despite_hold=despite_hold,
        )
        if mitigation in RELEASES:
            from namecard_release.cli.playbook_releases import Release, run_release

            wanted = Release(commit, accept_schema_risk, override_freeze, plan_only)
            run_release(loaded, pipeline, request, wanted, json)
            return
        if commit or accept_schema_risk or override_freeze:
            raise MisuseError(f"{mitigation} takes no --commit, --accept-schema-risk or --override-freeze")
        from namecard_release.workflow.mitigating import plan_mitigation, run_mitigation

        if plan_only:
            printing.print_decision(plan_mitigation(pipeline, request), json)
            return
        done = run_mitigation(pipeline, request)
    _tell(done, json)


@playbook.command("undo")
def undo(
    number: NumberArgument,
    reason: ReasonOption = "",
    force: Annotated[
        bool, typer.Option("--force", help="Restore the value from before although somebody changed it since.")
    ] = False,
    confirm_writer: WriterOption = "",
    plan_only: PlanOption = False,
    despite_hold: HoldOption = False,
    actor: ActorOption = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Restore exactly the value from before a mitigation; refused where somebody changed it since."""
    from namecard_release.cli import playbook_printing as printing

    with exit_codes():
        pipeline = _open(read_settings(settings))
        from namecard_release.workflow.mitigating import Undo, plan_undo, undo_mitigation

        wanted = Undo(number, _who(actor), redact(reason).strip(), force, confirm_writer, despite_hold, _run_id())
        if plan_only:
            printing.print_decision(plan_undo(pipeline, wanted), json)
            return
        done = undo_mitigation(pipeline, wanted)
    _tell(done, json)


@playbook.command("settle")
def settle(env: EnvOption, settings: SettingsOption = None, json: JsonOption = False) -> None:
    """Read again what a killed command began, and write down what became of it; nothing is made again."""
    with exit_codes():
        pipeline = _open(read_settings(settings))
        from namecard_release.workflow.mitigating import settle_all

        ended = settle_all(pipeline, env)
    if json:
        print_json({"settled": ended})
        return
    typer.echo(f"{len(ended)} settled")
    for one in ended:
        typer.echo(f"mitigation {one.number} {one.state}: {one.target}: {one.outcome}")


@playbook.command("show")
def show(
    number: Annotated[int | None, typer.Argument(min=1, help="One mitigation; all by default.")] = None,
    env: Annotated[str | None, typer.Option("--env", help="Of this environment alone.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those that are no longer in force as well.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the newest first.")] = 50,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Show mitigations that are in force, or one with all that is kept of it."""
    from namecard_release.cli import playbook_printing as printing
    from namecard_release.cli.reading import read_ledger
    from namecard_release.domain.mitigations import IN_FORCE

    with exit_codes():
        loaded = read_settings(settings)
        if env is not None:
            loaded.environment(env)
        ledger = read_ledger(loaded)
        if number is not None:
            one = ledger.mitigation(number)
            if one is None:
                raise MisuseError(
                    f"the ledger knows no mitigation {number}: see 'namecard-release playbook show --all'"
                )
            printing.print_mitigation(one, json)
            return
        found = ledger.mitigations(env, () if every else IN_FORCE, limit)
    if json:
        print_json({"mitigations": found})
        return
    printing.print_mitigations(found)


def _open(settings: Settings) -> Pipeline:
    from namecard_release.composition import build_pipeline

    return build_pipeline(settings)


def _run_id() -> str:
    return f"cli-{uuid.uuid4().hex[:12]}"


def _who(actor: str | None) -> str:
    return redact(getpass.getuser() if actor is None else actor).strip()


def _id(text: str | None) -> str | None:
    return text if text is None else f"INC-{text}" if text.isdigit() else text.upper()


def _linked(pipeline: Pipeline, name: str, env: str, service: str, incident: str | None) -> str | None:
    """Name the incident that this is for."""
    from namecard_release.workflow.mitigation_targets import find_playbook
    from namecard_release.workflow.playbooks import find_incident

    pipeline.settings.environment(env)
    found = find_incident(pipeline, find_playbook(name), env, service, incident)
    if found is not None and incident is None:
        note(f"for {found.id}, the open incident of this playbook")
    return None if found is None else found.id


def _tell(done: Done, json: bool) -> None:
    from namecard_release.cli import playbook_printing as printing

    if json:
        print_json({"mitigation": done.mitigation, "reason": done.reason})
        return
    if done.mitigation is None:
        typer.echo(f"nothing to do: {done.reason}")
        return
    printing.print_done(done.mitigation)
