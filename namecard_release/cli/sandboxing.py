"""The sandbox's commands: up, down, status, traffic, demo. Only here does the command line touch the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from namecard_release.cli.output import FAILED, exit_codes, note, print_json, print_table
from namecard_release.cli.reading import JsonOption
from namecard_release.errors import MisuseError, RefusedError

if TYPE_CHECKING:
    from namecard_release.sandbox.state import Stores

sandbox = typer.Typer(help="A whole NameCard on this machine, on loopback.", no_args_is_help=True)
RootOption = Annotated[Path, typer.Option("--root", help="The sandbox's folder.")]
StoresOption = Annotated[
    str | None, typer.Option("--stores", help="embedded (files) or postgresql (as in production).")
]
ROOT = Path(".sandbox")


def _read_stores(named: str | None) -> Stores | None:
    from namecard_release.sandbox.state import Stores

    if named is not None and named not in list(Stores):
        raise MisuseError(f"--stores is {' or '.join(Stores)}, not {named!r}")
    return None if named is None else Stores(named)


@sandbox.command()
def up(
    root: RootOption = ROOT,
    stores: StoresOption = None,
    json: JsonOption = False,
) -> None:
    """Bring the sandbox up: emulated AWS, PostgreSQL, the sample platform, Dagster's web server and daemon."""
    from namecard_release.sandbox.stack import up as bring_up

    with exit_codes():
        state = bring_up(root, note, stores=_read_stores(stores))
    if json:
        print_json(
            {
                "ui": state.ui_url,
                "endpoint": state.endpoint,
                "settings": state.settings_file,
                "repository": state.repository,
                "releases": state.releases,
            }
        )
        return
    typer.echo(f"Dagster UI: {state.ui_url}")
    typer.echo(f"releases:   {', '.join(f'{letter} {sha[:8]}' for letter, sha in state.releases.items())}")


@sandbox.command()
def down(
    root: RootOption = ROOT,
    purge: Annotated[bool, typer.Option("--purge", help="Remove what it stored as well.")] = False,
) -> None:
    """Stop everything the sandbox started."""
    from namecard_release.sandbox.stack import down as take_down

    with exit_codes():
        take_down(root, purge=purge)
    typer.echo("the sandbox is down")


@sandbox.command()
def status(root: RootOption = ROOT, json: JsonOption = False) -> None:
    """Tell which parts of the sandbox run."""
    from namecard_release.sandbox.stack import status as read_status

    with exit_codes():
        parts = read_status(root)
    if json:
        print_json({"parts": parts})
    else:
        rows = [(p.name, "running" if p.running else "stopped", str(p.pid or "-"), str(p.port or "-")) for p in parts]
        print_table(("PART", "STATE", "PID", "PORT"), rows)
    if not parts or not all(part.running for part in parts):
        raise typer.Exit(FAILED)


@sandbox.command()
def traffic(
    env: Annotated[str, typer.Option("--env", help="The environment to send requests to.")],
    rate: Annotated[float, typer.Option("--rate", help="Requests a second.")] = 5.0,
    seconds: Annotated[float, typer.Option("--seconds", help="For how long.")] = 30.0,
    root: RootOption = ROOT,
    json: JsonOption = False,
) -> None:
    """Send real requests to an environment of the sandbox and sum up the answers."""
    from namecard_release.sandbox.driving import find_public_url
    from namecard_release.sandbox.traffic import run_traffic, summarise
    from namecard_release.settings import SERVICES, load_settings

    with exit_codes():
        settings_file = root / "namecard-release.toml"
        if not settings_file.is_file():
            raise RefusedError(f"there is no sandbox in {root}: start it with 'namecard-release sandbox up'")
        base, stage = find_public_url(load_settings(settings_file), env)
        note(f"{rate:g} requests a second for {seconds:g} s to {base}/{stage}")
        found = summarise(list(run_traffic(base, stage, SERVICES, rate, seconds)))
    if json:
        print_json(found)
    else:
        typer.echo(f"{found.sent} sent, {found.failed} failed, versions {found.versions}")
    if found.failed:
        raise typer.Exit(FAILED)


@sandbox.command()
def demo(
    root: RootOption = ROOT, keep: Annotated[bool, typer.Option("--keep")] = False, stores: StoresOption = None
) -> None:
    """Promote A and B, break with C, watch the rollback, see D and E refused, print the timeline."""
    from namecard_release.sandbox.demo import run_demo

    with exit_codes():
        passed = run_demo(root.resolve(), keep=keep, stores=_read_stores(stores))
    if not passed:
        raise typer.Exit(FAILED)
