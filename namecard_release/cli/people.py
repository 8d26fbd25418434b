"""What people say on the command line: approvals, holds, pauses. It goes to the ledger; no Dagster is asked."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from namecard_release.cli.output import exit_codes, print_json, print_table, when
from namecard_release.cli.reading import JsonOption, SettingsOption, read_ledger, read_settings, resolve
from namecard_release.domain.approvals import Approval
from namecard_release.domain.pauses import Pause
from namecard_release.domain.release import short
from namecard_release.errors import MisuseError
from namecard_release.redaction import redact
from namecard_release.settings import Settings
from namecard_release.workflow import people as words
from namecard_release.workflow.people import Word

EnvOption = Annotated[str, typer.Option("--env", help="The environment.")]
CommitOption = Annotated[str, typer.Option("--commit", help="The release: a commit, branch or tag.")]
PlaceOption = Annotated[str | None, typer.Option("--commit", help="The release; without it the whole environment.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the audit trail.")]
ActorOption = Annotated[str | None, typer.Option("--actor", help="Who; your login by default.")]

approvals = typer.Typer(help="Approvals of releases: list, revoke.", no_args_is_help=True)
automation = typer.Typer(help="Automation of an environment: pause, resume, list.", no_args_is_help=True)


def _word(env: str, actor: str | None, reason: str) -> Word:
    return Word(env, redact(getpass.getuser() if actor is None else actor).strip(), redact(reason), datetime.now(UTC))


def approve(
    env: EnvOption,
    commit: CommitOption,
    reason: ReasonOption,
    actor: ActorOption = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Approve one release for one environment; what waits for the last approval goes on by itself."""
    with exit_codes():
        loaded, sha = _resolve(settings, env, commit)
        state = words.approve_release(loaded, read_ledger(loaded), _word(env, actor, reason), sha)
    if json:
        print_json({"release": sha, "environment": env, **asdict(state), "met": state.is_met})
        return
    typer.echo(f"{short(sha)}: {state.reason}")


@approvals.command("list")
def list_approvals(
    env: Annotated[str | None, typer.Option("--env", help="Of this environment alone.")] = None,
    commit: Annotated[str | None, typer.Option("--commit", help="Of this release alone.")] = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """List approvals, newest first; those that expired or were revoked stay in the list."""
    with exit_codes():
        loaded = read_settings(settings)
        if env is not None:
            loaded.environment(env)
        sha = None if commit is None else resolve(loaded, commit)
        found, now = read_ledger(loaded).approvals(env, sha), datetime.now(UTC)
    if json:
        print_json({"approvals": [{**asdict(one), "in_force": one.in_force(now)} for one in found]})
        return
    headers = ("APPROVED", "ENVIRONMENT", "RELEASE", "BY", "STATE", "REASON")
    print_table(headers, [_approval_row(one, now) for one in found])


def _approval_row(one: Approval, now: datetime) -> tuple[str, ...]:
    state = f"until {when(one.expires_at)}" if one.in_force(now) else f"expired {when(one.expires_at)}"
    if one.revoked_at is not None:
        state = f"revoked by {one.revoked_by}"
    return (when(one.at), one.environment, short(one.release), one.actor, state, one.reason[:120])


@approvals.command("revoke")
def revoke(
    env: EnvOption,
    commit: CommitOption,
    reason: ReasonOption,
    approver: Annotated[str, typer.Option("--approver", help="Whose approval; your own by default.")] = "",
    actor: ActorOption = None,
    settings: SettingsOption = None,
) -> None:
    """Revoke an approval; what deploys already goes on."""
    with exit_codes():
        loaded, sha = _resolve(settings, env, commit)
        word = _word(env, actor, reason)
        revoked = words.revoke_approval(loaded, read_ledger(loaded), word, sha, approver)
    typer.echo(f"{short(sha)}: approval for {env} by {revoked[0].actor} is revoked")


def place(
    env: EnvOption,
    reason: ReasonOption,
    commit: PlaceOption = None,
    actor: ActorOption = None,
    settings: SettingsOption = None,
) -> None:
    """Hold a release back from an environment; without --commit nothing enters it, and nothing rolls back by itself."""
    with exit_codes():
        loaded, sha = _resolve(settings, env, commit)
        words.place_hold(loaded, read_ledger(loaded), _word(env, actor, reason), sha or None)
    typer.echo(f"{env} is held as a whole" if commit is None else f"{short(sha)} is held in {env}")


def release(
    env: EnvOption,
    commit: PlaceOption = None,
    reason: ReasonOption = "",
    actor: ActorOption = None,
    settings: SettingsOption = None,
) -> None:
    """Release a hold, so that the release (or anything, without --commit) may be promoted again."""
    with exit_codes():
        loaded, sha = _resolve(settings, env, commit)
        words.release_hold(loaded, read_ledger(loaded), _word(env, actor, reason), sha or None)
    what = f"{env} as a whole" if commit is None else short(sha)
    typer.echo(f"{what} is no longer held" if commit is None else f"{what} may be promoted to {env} again")


@automation.command("pause")
def pause(
    env: EnvOption,
    reason: ReasonOption,
    until: Annotated[str, typer.Option("--until", help="ISO 8601 with a zone, or 2h, 3d; else until resumed.")] = "",
    actor: ActorOption = None,
    settings: SettingsOption = None,
) -> None:
    """Keep automation off an environment: no rollback and no promotion by itself; people go on."""
    with exit_codes():
        loaded = read_settings(settings)
        made = words.pause_automation(loaded, read_ledger(loaded), _word(env, actor, reason), until)
    end = "until it is resumed" if made.until is None else f"until {when(made.until)}"
    typer.echo(f"automation of {env} is paused {end}")


@automation.command("resume")
def resume(
    env: EnvOption, reason: ReasonOption = "", actor: ActorOption = None, settings: SettingsOption = None
) -> None:
    """Let automation have an environment again."""
    with exit_codes():
        loaded = read_settings(settings)
        words.resume_automation(loaded, read_ledger(loaded), _word(env, actor, reason))
    typer.echo(f"automation of {env} goes on")


@automation.command("list")
def list_pauses(settings: SettingsOption = None, json: JsonOption = False) -> None:
    """List where automation is paused, by whom, until when and why."""
    with exit_codes():
        now = datetime.now(UTC)
        found = [one for one in read_ledger(read_settings(settings)).pauses() if one.in_force(now)]
    if json:
        print_json({"pauses": found})
        return
    _print_pauses(found)


def _print_pauses(found: Sequence[Pause]) -> None:
    rows = [(one.environment, when(one.since), when(one.until), one.actor, one.reason[:120]) for one in found]
    print_table(("ENVIRONMENT", "SINCE", "UNTIL", "BY", "REASON"), rows)


def _resolve(path: SettingsOption, env: str, commit: str | None) -> tuple[Settings, str]:
    loaded = read_settings(path)
    loaded.environment(env)
    if commit == "":
        raise MisuseError("--commit is empty: name a commit, branch or tag")
    return loaded, "" if commit is None else resolve(loaded, commit)
