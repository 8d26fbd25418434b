"""What `playbook` prints: plans, decisions, mitigations. Text from logs steers no terminal here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from namecard_release.cli.output import FAILED, MISUSE, UNKNOWN, print_json, print_table, when
from namecard_release.cli.triaging import printable
from namecard_release.domain.mitigation_bounds import Apply, NothingToDo, Refused, Why
from namecard_release.domain.mitigations import RELEASES, Mitigation, MitigationKind, describe_change, tell_value

if TYPE_CHECKING:
    from namecard_release.domain.playbooks import Suggestion
    from namecard_release.workflow.mitigating import Plan
    from namecard_release.workflow.playbooks import PlaybookPlan

_CODES = {Why.OUT_OF_BOUNDS: MISUSE, Why.UNREAD: UNKNOWN, Why.STATE: FAILED}


def command_of(plan: PlaybookPlan, one: Suggestion) -> str:
    """Give the command that makes a suggestion; what a person has to choose is in capitals."""
    words = ["namecard-release playbook run", plan.playbook.name, "--env", plan.environment]
    words += ["--mitigation", str(one.kind)]
    words += ["--service", one.service] if one.service else []
    words += ["--flag", one.flag] if one.flag else []
    words += ["--alias", one.alias] if one.alias else []
    words += ["--to", one.to] if one.to else []
    words += ["--confirm-writer", "WRITER"] if one.kind is MitigationKind.FAILOVER else []
    words += ["--commit", "COMMIT"] if one.kind is MitigationKind.ROLL_FORWARD else []
    words += ["--incident", plan.incident.id] if plan.incident is not None else []
    return " ".join([*words, "--reason", "'...'"])


def plain_plan(plan: PlaybookPlan) -> dict[str, object]:
    """Give a plan as the JSON that scripts rely on."""
    evidence = plan.evidence
    endpoints = evidence.endpoints.value or ()
    return {
        "playbook": plan.playbook.name,
        "section": plan.playbook.section,
        "environment": plan.environment,
        "incident": None if plan.incident is None else plan.incident.id,
        "alarm": evidence.alarm,
        "since": evidence.since,
        "until": evidence.until,
        "service": evidence.service,
        "cause": {"cause": str(evidence.cause.cause), "reason": evidence.cause.reason},
        "findings": list(evidence.findings),
        "endpoints": [asdict(one) for one in endpoints],
        "unknown": [{"part": part, "reason": why} for part, why in plan.advice.unknown],
        "suggested": [{**asdict(one), "command": command_of(plan, one)} for one in plan.advice.suggested],
        "passed_over": [{"kind": str(kind), "reason": why} for kind, why in plan.advice.passed_over],
        "in_force": [asdict(one) for one in plan.in_force],
    }


def print_plan(plan: PlaybookPlan) -> None:
    """Print the diagnosis, what it suggests and what not, each with its reason, and what is unknown."""
    evidence, book = plan.evidence, plan.playbook
    of = f" for {plan.incident.id}" if plan.incident is not None else ""
    typer.echo(f"{book.name} (runbook {book.section}) in {plan.environment}{of}, by {printable(evidence.alarm)}")
    typer.echo(printable(f"likely cause: {evidence.cause.cause}: {evidence.cause.reason}"))
    typer.echo(f"service: {evidence.service or 'UNKNOWN'}")
    for fact in evidence.findings:
        typer.echo(printable(f"  {fact}"))
    for part, why in plan.advice.unknown:
        typer.echo(printable(f"UNKNOWN: {part}: {why}"))
    for says in book.says:
        typer.echo(f"runbook: {says}")
    for one in plan.in_force:
        typer.echo(f"in force: {_line(one)}")
    if not plan.advice.suggested:
        typer.echo("suggested: nothing")
    for number, suggestion in enumerate(plan.advice.suggested, 1):
        typer.echo(printable(f"suggested {number}: {suggestion.kind}: {suggestion.why}"))
        typer.echo(f"  {command_of(plan, suggestion)}")
    for kind, why in plan.advice.passed_over:
        typer.echo(printable(f"not suggested: {kind}: {why}"))


def print_decision(plan: Plan, json: bool) -> None:
    """Print what would be done; ends with the exit code that the change itself would have."""
    decision = plan.decision
    if json:
        print_json(
            {"target": plan.target, "decision": _name(decision), **asdict(decision), "unsettled": plan.unsettled}
        )
    else:
        _print_decision(plan)
    if isinstance(decision, Refused):
        raise typer.Exit(_CODES[decision.why])


def _name(decision: object) -> str:
    return {Apply: "apply", Refused: "refused", NothingToDo: "nothing to do"}[type(decision)]


def _print_decision(plan: Plan) -> None:
    decision = plan.decision
    if plan.unsettled is not None:
        typer.echo(f"begun and not ended: {_line(plan.unsettled)}; a run reads it again first")
    if isinstance(decision, Apply):
        typer.echo(f"would change {describe_change(plan.target, decision.before, decision.after)}: {decision.reason}")
    elif isinstance(decision, NothingToDo):
        typer.echo(f"nothing to do: {decision.reason}")
    else:
        typer.echo(f"refused ({decision.why}): {decision.reason}")


def _line(one: Mitigation) -> str:
    of = f" for {one.incident}" if one.incident else ""
    return f"mitigation {one.number} {one.state}{of}: {describe_change(one.target, one.before, one.after)}"


def print_done(one: Mitigation) -> None:
    """Print where a mitigation stands now, and how it is undone."""
    of = f" for {one.incident}" if one.incident else ""
    typer.echo(printable(f"mitigation {one.number} {one.state}{of}: {one.target}: {one.outcome}"))
    if one.state == "APPLIED" and one.kind not in RELEASES:
        typer.echo(f"undo it with: namecard-release playbook undo {one.number} --reason '...'")


def print_mitigations(found: Sequence[Mitigation]) -> None:
    """Print mitigations as a table."""
    rows = [
        (
            *(str(one.number), str(one.state), when(one.intended_at), one.target.environment, str(one.target)),
            *(tell_value(one.target.lever, one.before), tell_value(one.target.lever, one.after)),
            *(one.incident or "-", one.actor, printable(one.reason)[:80]),
        )
        for one in found
    ]
    headers = ("NUMBER", "STATE", "SINCE", "ENVIRONMENT", "SETTING", "BEFORE", "AFTER", "INCIDENT", "BY", "REASON")
    print_table(headers, rows)


def print_mitigation(one: Mitigation, json: bool) -> None:
    """Print one mitigation with all that is kept of it."""
    if json:
        print_json(one)
        return
    typer.echo(_line(one))
    typer.echo(f"playbook {one.playbook}, {one.kind}, {one.target.resource}")
    typer.echo(printable(f"{when(one.intended_at)} by {one.actor}: {one.reason}"))
    if one.ended_at is not None:
        typer.echo(printable(f"{when(one.ended_at)} {one.outcome}"))
    if one.undo_at is not None:
        undone = "" if one.undone_at is None else f", undone {when(one.undone_at)}"
        typer.echo(printable(f"{when(one.undo_at)} undo by {one.undo_actor}: {one.undo_reason}{undone}"))
