"""Commands of the group `gates` that waive: waive, unwaive, waivers. They write to the ledger alone."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from namecard_release.cli.output import exit_codes, print_json, print_table, when
from namecard_release.cli.reading import JsonOption, SettingsOption, read_ledger, read_settings, resolve
from namecard_release.domain.release import short
from namecard_release.domain.waivers import Waiver
from namecard_release.errors import MisuseError
from namecard_release.redaction import redact

GateOption = Annotated[str, typer.Option("--gate", help="The gate.")]
CommitOption = Annotated[str, typer.Option("--commit", help="The release: a commit, branch or tag.")]
PlaceOption = Annotated[str | None, typer.Option("--env", help="In this environment alone; in every one else.")]
ActorOption = Annotated[str | None, typer.Option("--actor", help="Who; your login by default.")]


def waive(
    gate: GateOption,
    commit: CommitOption,
    reason: Annotated[str, typer.Option("--reason", help="Why the release may go on without this gate.")],
    expires: Annotated[str, typer.Option("--expires", help="Until when: ISO 8601 with a zone, or 2h, 3d.")],
    env: PlaceOption = None,
    actor: ActorOption = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Let a release pass a gate that failed or was not read, until a moment; its verdict stays visible."""
    from namecard_release.workflow.waiving import WaiverRequest, waive_gate

    with exit_codes():
        loaded = read_settings(settings)
        sha = resolve(loaded, commit)
        request = WaiverRequest(gate, sha, env, redact(_login(actor)), redact(reason), expires)
        made = waive_gate(loaded, read_ledger(loaded), request, datetime.now(UTC))
    if json:
        print_json({"waiver": plain_waiver(made, made.since)})
        return
    place = "every environment" if env is None else env
    typer.echo(f"{gate} of {short(sha)} is waived in {place} until {when(made.expires_at)}")


def unwaive(
    gate: GateOption,
    commit: CommitOption,
    env: PlaceOption = None,
    actor: ActorOption = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Revoke the waivers of a gate that are in force."""
    from namecard_release.workflow.waiving import unwaive_gate

    with exit_codes():
        loaded = read_settings(settings)
        sha, now = resolve(loaded, commit), datetime.now(UTC)
        revoked = unwaive_gate(loaded, read_ledger(loaded), gate, sha, env, redact(_login(actor)), now)
    if json:
        print_json({"revoked": [plain_waiver(waiver, now) for waiver in revoked]})
        return
    typer.echo(f"{gate} of {short(sha)} counts again: {len(revoked)} waivers revoked")


def waivers(
    commit: Annotated[str | None, typer.Option("--commit", help="Of this release alone.")] = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """List the waivers, newest first; those that expired or were revoked stay in the list."""
    with exit_codes():
        loaded = read_settings(settings)
        sha = None if commit is None else resolve(loaded, commit)
        found, now = read_ledger(loaded).waivers(sha), datetime.now(UTC)
    if json:
        print_json({"waivers": [plain_waiver(waiver, now) for waiver in found]})
        return
    headers = ("SINCE", "GATE", "RELEASE", "ENVIRONMENT", "STATE", "EXPIRES", "ACTOR", "REASON")
    print_table(headers, [_row(waiver, now) for waiver in found])


def plain_waiver(waiver: Waiver, now: datetime) -> dict[str, object]:
    """Give a waiver's fields and its state for JSON."""
    return {
        "id": waiver.id,
        "gate": waiver.gate,
        "release": waiver.release,
        "environment": waiver.environment,
        "state": _state(waiver, now),
        "actor": redact(waiver.actor),
        "reason": redact(waiver.reason),
        "since": waiver.since,
        "expires_at": waiver.expires_at,
        "revoked_at": waiver.revoked_at,
        "revoked_by": waiver.revoked_by and redact(waiver.revoked_by),
    }


def _row(waiver: Waiver, now: datetime) -> tuple[str, ...]:
    return (
        when(waiver.since),
        waiver.gate,
        short(waiver.release),
        waiver.environment or "every",
        _state(waiver, now),
        when(waiver.expires_at),
        redact(waiver.actor),
        redact(waiver.reason)[:120],
    )


def _state(waiver: Waiver, now: datetime) -> str:
    if waiver.revoked_at is not None:
        return "revoked"
    return "in force" if waiver.in_force(now) else "expired"


def _login(actor: str | None) -> str:
    if actor is not None:
        return actor
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError) as error:
        raise MisuseError("your login is not known: give --actor") from error
