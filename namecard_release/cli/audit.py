"""`audit list` and `audit verify`: what was decided, and whether the trail is still what was written."""

from __future__ import annotations

import json as jsons
import re
from dataclasses import asdict
from typing import Annotated

import typer

from namecard_release.cli.output import FAILED, exit_codes, print_json, print_table
from namecard_release.cli.reading import JsonOption, SettingsOption, read_ledger, read_settings
from namecard_release.domain.audit import AuditEntry
from namecard_release.domain.gates import Verdict
from namecard_release.domain.release import is_sha, short
from namecard_release.errors import MisuseError

audit = typer.Typer(help="The audit trail: list, verify.", no_args_is_help=True)
_HASH = re.compile(r"[0-9a-f]{64}")


@audit.command("list")
def list_entries(
    env: Annotated[str | None, typer.Option("--env", help="Of this environment alone.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the newest first.")] = 50,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """List what people and automation decided, newest first."""
    with exit_codes():
        loaded = read_settings(settings)
        if env is not None:
            loaded.environment(env)
        found = read_ledger(loaded).audit_entries(env, limit)
    if json:
        print_json({"entries": [{**asdict(one), "details": jsons.loads(one.details)} for one in found]})
        return
    print_table(("N", "AT", "ENVIRONMENT", "ACTOR", "ACTION", "SUBJECT", "REASON"), [_row(one) for one in found])


def _row(one: AuditEntry) -> tuple[str, ...]:
    subject = short(one.subject) if is_sha(one.subject) else one.subject
    at = one.at[:19].replace("T", " ") + "Z"
    return (str(one.n), at, one.environment or "-", one.actor, one.action, subject, one.reason[:100])


@audit.command("verify")
def verify(
    expect_head: Annotated[
        str | None, typer.Option("--expect-head", help="A head that was printed before: it must be in the trail.")
    ] = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Verify that no entry was changed, removed, moved or inserted; exit code 1 when one was."""
    with exit_codes():
        if expect_head is not None and _HASH.fullmatch(expect_head) is None:
            raise MisuseError("--expect-head is a head as 'audit verify' prints it: 64 hex digits")
        told = read_ledger(read_settings(settings)).verify_audit(expect_head)
    if json:
        print_json(asdict(told))
    else:
        typer.echo(f"{told.verdict}: {told.reason}\naudit head: {told.head}")
    if told.verdict is not Verdict.PASSED:
        raise typer.Exit(FAILED)
