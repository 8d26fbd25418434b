"""`outbox list|show|send|retry|drop`: what is told to people, what waits and why, another try, and none."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from namecard_release.cli.output import FAILED, UNKNOWN, exit_codes, print_json, print_table, when
from namecard_release.cli.reading import JsonOption, SettingsOption, read_settings
from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.messages import Channel, MessageState, QueuedMessage
from namecard_release.errors import MisuseError, RefusedError
from namecard_release.redaction import redact
from namecard_release.settings import Settings

if TYPE_CHECKING:
    from namecard_release.ledger.outbox import SqlOutbox

outbox = typer.Typer(help="Messages to people: list, show, send, retry, drop.", no_args_is_help=True)
ChannelOption = Annotated[Channel | None, typer.Option("--channel", help="Of this channel alone.")]
KeyArgument = Annotated[str, typer.Argument(help="The message's key, as the list shows it.")]


@outbox.command("list")
def list_messages(
    channel: ChannelOption = None,
    state: Annotated[MessageState | None, typer.Option("--state", help="waiting, sent, refused or dropped.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="About this incident or promotion alone.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the newest first.")] = 50,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """List messages, newest first, with what keeps the waiting ones."""
    with exit_codes():
        kept = _open(read_settings(settings))
        found, closed = kept.messages(limit, channel=channel, state=state, subject=subject), kept.closed_channels()
    if json:
        print_json(
            {"messages": [_plain(one) for one in found], "closed": {str(c): asdict(s) for c, s in closed.items()}}
        )
        return
    headers = ("QUEUED", "CHANNEL", "STATE", "KIND", "KEY", "TITLE", "TRIES", "WHY")
    print_table(headers, [_row(one) for one in found])
    for name, told in closed.items():
        typer.echo(f"{name} takes nothing, it is tried again at {when(told.until)}: {told.reason}")


@outbox.command("show")
def show(key: KeyArgument, settings: SettingsOption = None, json: JsonOption = False) -> None:
    """Show one message as a person gets it, and how far it is."""
    with exit_codes():
        one = _open(read_settings(settings)).message(key)
        if one is None:
            raise RefusedError(f"the outbox has no message {key}: 'namecard-release outbox list' shows those it has")
    if json:
        print_json(_plain(one))
        return
    message = one.message
    typer.echo(f"{message.title}\n\n{message.text}")
    for name, value in message.fields:
        typer.echo(f"  {name}: {value}")
    told = f"{one.state} since {when(one.since)}, {one.attempts} tries" + (f": {one.reason}" if one.reason else "")
    typer.echo(f"\n{message.kind} about {message.subject} to {message.channel}, queued {when(message.at)}; {told}")


@outbox.command("send")
def send(settings: SettingsOption = None, json: JsonOption = False) -> None:
    """Send what waits now, as the sensor does; exit code 1 when something was refused, 3 when something waits on."""
    with exit_codes():
        from namecard_release.adapters.channels.building import build_senders
        from namecard_release.workflow.delivering import Post, deliver

        loaded = read_settings(settings)
        senders = build_senders(loaded.channels, loaded.aws.endpoint_url, loaded.aws.env or None)
        done = deliver(Post(_open(loaded), senders, lambda: datetime.now(UTC)))
    if json:
        print_json({"channels": done})
    else:
        rows = [(str(d.channel), str(d.sent), str(d.merged), str(d.refused), str(d.failed), d.why) for d in done]
        print_table(("CHANNEL", "SENT", "MERGED", "REFUSED", "FAILED", "WHY"), rows)
    if any(one.refused for one in done):
        raise typer.Exit(FAILED)
    if any(one.failed or one.why for one in done):
        raise typer.Exit(UNKNOWN)


@outbox.command("retry")
def retry(key: KeyArgument, settings: SettingsOption = None) -> None:
    """Let a refused or waiting message be tried at the next round, when what was wrong is mended."""
    with exit_codes():
        if not _open(read_settings(settings)).retry(key, datetime.now(UTC)):
            raise RefusedError(f"message {key} is sent, or there is none: 'namecard-release outbox list' tells")
    typer.echo(f"{key} is tried at the next round")


@outbox.command("drop")
def drop(
    key: KeyArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why nobody needs it, for the audit trail.")],
    actor: Annotated[str | None, typer.Option("--actor", help="Who; your login by default.")] = None,
    settings: SettingsOption = None,
) -> None:
    """Let a waiting or refused message never be sent; what waits behind it goes on. `retry` takes it back."""
    with exit_codes():
        who = redact(getpass.getuser() if actor is None else actor).strip()
        if not who or not reason.strip():
            raise MisuseError("a message is dropped by somebody and for a reason: give --reason (and --actor)")
        kept = _open(read_settings(settings))
        known = kept.message(key)
        about = {} if known is None else {"channel": str(known.message.channel), "kind": str(known.message.kind)}
        event = AuditEvent(datetime.now(UTC), who, "message dropped", key, None, redact(reason.strip()), about)
        if not kept.drop(key, event):
            told = "is not there" if known is None else f"is {known.state}, or is being sent just now"
            raise RefusedError(f"message {key} {told}: 'namecard-release outbox list' tells")
    typer.echo(f"{key} is dropped")


def _open(settings: Settings) -> SqlOutbox:
    from namecard_release.ledger.open import open_ledger
    from namecard_release.ledger.outbox import outbox_of

    return outbox_of(open_ledger(settings.paths.ledger_url))


def _plain(one: QueuedMessage) -> dict[str, object]:
    kept = asdict(one)
    return {**kept.pop("message"), **kept}


def _row(one: QueuedMessage) -> tuple[str, ...]:
    message, why = one.message, one.reason
    if one.next_try is not None:
        why = (
            f"again at {when(one.next_try)}: {why}"
            if why
            else f"a try began, its end is not known by {when(one.next_try)}"
        )
    cells = (str(message.channel), str(one.state), str(message.kind), message.key, message.title[:60])
    return (when(message.at), *cells, str(one.attempts), why[:120])
