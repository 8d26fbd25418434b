"""`policy simulate`: a policy tried on traces of alarms before anybody trusts it."""

from __future__ import annotations

import json as jsons
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from namecard_release.cli.output import exit_codes
from namecard_release.cli.reading import JsonOption

if TYPE_CHECKING:
    from namecard_release.domain.simulation import Replay

policy = typer.Typer(help="Alarm policies: try one on what happened.", no_args_is_help=True)
_WORDS = {"PROCEED": "Proceed", "ROLL_BACK": "RollBack", "HALT": "Halt"}


@policy.callback()
def _group() -> None:
    """Alarm policies: try one on what happened."""


@policy.command("simulate")
def simulate(
    scenarios: Annotated[Path, typer.Argument(help="A .json file with one scenario, or a .jsonl file, one a line.")],
    json: JsonOption = False,
) -> None:
    """Replay scenarios through the functions that decide; nothing is read or changed but the file."""
    from namecard_release.cli.scenarios import read_scenarios
    from namecard_release.domain.simulation import replay

    with exit_codes():
        # Every scenario is read before the first is told: a file with a mistake gives no half of an answer.
        told = [replay(trace) for trace in read_scenarios(scenarios)]
    for one in told:
        typer.echo(jsons.dumps(_plain(one), ensure_ascii=False) if json else _line(one))


def _plain(one: Replay) -> dict[str, object]:
    at = int(one.at) if one.at == int(one.at) else one.at
    return {"id": one.id, "decision": _WORDS[one.decision], "at_s": at, "to": one.to, "reason": one.reason}


def _line(one: Replay) -> str:
    onto = f" to {one.to}" if one.to else ""
    return f"{one.id}: {_WORDS[one.decision]}{onto} after {one.at:g} s: {one.reason}"
