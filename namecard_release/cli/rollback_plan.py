"""What `rollback --plan-only` prints: the verdict, what lies between, what to do instead. Nothing is launched here."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from namecard_release.cli.output import FAILED, GOOD, UNKNOWN, print_json, print_table
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.release import short
from namecard_release.domain.roll_forward import RollForward

if TYPE_CHECKING:
    from namecard_release.workflow.rolling_back import RollbackPlan

_CODES = {Safety.SAFE: GOOD, Safety.UNSAFE: FAILED, Safety.UNKNOWN: UNKNOWN}


def tell_plan(plan: RollbackPlan, json: bool) -> None:
    """Print a rollback's plan; ends with exit code 0 for SAFE, 1 for UNSAFE, 3 for UNKNOWN."""
    if json:
        print_json(plain_plan(plan))
    else:
        _print_plan(plan)
    raise typer.Exit(_CODES[plan.safety.safety])


def plain_plan(plan: RollbackPlan) -> dict[str, object]:
    """Give the plan as the JSON that scripts rely on; `from` is null when nothing of ours runs there."""
    safety = plan.safety
    return {
        "environment": plan.environment,
        "from": None if plan.source is None else plan.source.release,
        "to": plan.target.release,
        "verdict": str(safety.safety),
        "reason": safety.reason,
        "between": list(safety.between),
        "reasons": [asdict(reason) for reason in safety.reasons],
        "assembly": plan.target.assembly,
        "roll_forward": None if safety.roll_forward is None else asdict(safety.roll_forward),
    }


def _print_plan(plan: RollbackPlan) -> None:
    leaving = "nothing" if plan.source is None else short(plan.source.release)
    typer.echo(f"{plan.environment}: from {leaving} to {short(plan.target.release)}: {plan.safety.safety}")
    typer.echo(plan.safety.reason)
    for name in plan.safety.between:
        typer.echo(f"between: {name}")
    if plan.safety.reasons:
        rows = [(one.file, str(one.line), one.rule, one.why) for one in plan.safety.reasons]
        print_table(("FILE", "LINE", "RULE", "WHY"), rows)
    if plan.safety.roll_forward is not None:
        _print_steps(plan.safety.roll_forward)


def _print_steps(plan: RollForward) -> None:
    typer.echo(plan.summary)
    for number, step in enumerate(plan.steps, 1):
        typer.echo(f"  {number}. {step.what}\n     {step.why}")
        if step.sql:
            typer.echo(f"     {step.sql}")
