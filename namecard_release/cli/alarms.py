"""`alarms wire`: an environment's alarms told to PagerDuty and to the incident queue, through SNS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from namecard_release.cli.output import FAILED, exit_codes, note, print_json, print_table
from namecard_release.cli.reading import JsonOption, SettingsOption, read_settings
from namecard_release.domain.wiring import Change, Wanted, plan_wiring
from namecard_release.redaction import redact
from namecard_release.settings import Settings

if TYPE_CHECKING:
    from namecard_release.adapters.alarm_wiring import AlarmWiring

alarms = typer.Typer(help="Alarms: wire them to people.", no_args_is_help=True)


@alarms.callback()
def _group() -> None:
    """Keep `wire` a command of its own, also while it is the only one."""


@alarms.command("wire")
def wire(
    env: Annotated[str, typer.Option("--env", help="The environment.")],
    plan_only: Annotated[bool, typer.Option("--plan-only", help="Show before and after, change nothing.")] = False,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Let every alarm tell the topic, and the topic tell PagerDuty and the incident queue; what others set up stays.

    A deploy that changes an alarm takes actions back that are not in its template: run it again after such a one.
    """
    with exit_codes():
        wiring, wanted = _open(read_settings(settings), env)
        changes = plan_wiring(wiring.read(wanted), wanted)
        if not plan_only:
            for change in changes:
                if change.refused is None:
                    wiring.apply(change, wanted)
                    note(redact(f"{change.step} {change.target}: {change.after}"))
    _print(env, changes, plan_only=plan_only, json=json)
    if wanted.integration_url is None:
        note("PagerDuty is not wired: give channels.wiring.integration_url in the settings")
    if any(change.refused for change in changes):
        raise typer.Exit(FAILED)


def _open(settings: Settings, env: str) -> tuple[AlarmWiring, Wanted]:
    from namecard_release.adapters.alarm_wiring import AlarmWiring
    from namecard_release.adapters.aws_clients import AwsClients
    from namecard_release.adapters.channels.building import read_secret

    environment, aws, own = settings.environment(env), settings.aws, settings.channels.wiring
    clients = AwsClients(environment.region, aws.endpoint_url, aws.env or None)
    wiring = AlarmWiring(clients, clients.account, environment.stack_names)
    source = own.integration_url
    url = None if source is None else read_secret(source, aws.endpoint_url, aws.env or None)
    names = [name.replace("{key}", environment.key) for name in (own.topic, own.queue, own.dead_letters)]
    return wiring, wiring.want(names[0], names[1], names[2], url)


def _print(env: str, changes: tuple[Change, ...], *, plan_only: bool, json: bool) -> None:
    shown = [
        {
            "step": str(one.step),
            "target": redact(one.target),
            "before": redact(one.before),
            "after": redact(one.after),
            "refused": one.refused,
        }
        for one in changes
    ]
    if json:
        print_json({"environment": env, "changed": not plan_only, "changes": shown})
        return
    if not shown:
        typer.echo(f"{env}: every alarm tells the topic, and the topic tells people; nothing to change")
        return
    rows = [tuple(str(value or "-") for value in one.values()) for one in shown]
    print_table(("STEP", "TARGET", "BEFORE", "AFTER", "REFUSED"), rows)
