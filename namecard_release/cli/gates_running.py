"""`gates run`: gates on any folder that holds the platform, without Dagster and without the ledger."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from namecard_release.cli.output import FAILED, GOOD, UNKNOWN, exit_codes, note, print_json, print_table
from namecard_release.cli.reading import JsonOption, SettingsOption
from namecard_release.domain.gates import Phase, Verdict, combine_phases
from namecard_release.errors import MisuseError
from namecard_release.gate_settings import Gates
from namecard_release.settings import Platform, Settings, find_settings, load_settings, settings_named
from namecard_release.workflow.checks import CHECKOUT_GATES, Bench, check_gate, read_gate, run_phase

_CODES = {Verdict.PASSED: GOOD, Verdict.FAILED: FAILED}
# What the budgets of a platform without settings are held against (platform contract, "Stacks").
_KEYS = {"dev": "dev", "staging": "staging", "prod": "prod"}


@dataclass(frozen=True)
class Checked:
    """One gate checked by hand; `seconds` is wall-clock time."""

    gate: str
    phases: tuple[Phase, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """The gate's verdict."""
        return combine_phases(self.phases)[0]

    def plain(self) -> dict[str, object]:
        """Give the JSON form, which is a contract."""
        verdict, reason = combine_phases(self.phases)
        phases = [
            {
                "name": phase.name,
                "verdict": phase.verdict,
                "reason": phase.reason,
                "seconds": None if phase.seconds is None else round(phase.seconds, 2),
                "failures": phase.failures,
            }
            for phase in self.phases
        ]
        seconds = round(self.seconds, 2)
        return {"gate": self.gate, "verdict": verdict, "reason": reason, "seconds": seconds, "phases": phases}


def run_gates(
    checkout: Annotated[Path, typer.Option("--checkout", help="The folder that holds the platform.")],
    gate: Annotated[list[str] | None, typer.Option("--gate", help="A gate; may be given again. Default: all.")] = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Run gates on a checkout, by the settings or by the platform's own scripts; records nothing."""
    with exit_codes():
        wanted = choose_gates(gate or ())
        folder = find_checkout(checkout)
        loaded = read_optional_settings(settings)
        checked = check(folder, wanted, loaded)
    verdict = combine_verdicts(checked)
    if json:
        print_json({"verdict": verdict, "gates": [one.plain() for one in checked]})
    else:
        _print(checked)
    if _CODES.get(verdict, UNKNOWN):
        raise typer.Exit(_CODES.get(verdict, UNKNOWN))


def choose_gates(asked: Sequence[str]) -> tuple[str, ...]:
    """Give the gates to run, each once, in the order asked. Raises MisuseError for one that is none."""
    unknown = [name for name in asked if name not in CHECKOUT_GATES]
    if unknown:
        raise MisuseError(f"no such gate: {', '.join(unknown)}; there are {', '.join(CHECKOUT_GATES)}")
    return tuple(dict.fromkeys(asked)) or CHECKOUT_GATES


def find_checkout(folder: Path) -> Path:
    """Give the checkout's folder. Raises MisuseError for what is no folder or holds no platform."""
    if not folder.is_dir():
        raise MisuseError(f"{folder} is not a folder")
    if not (folder / "package.json").is_file():
        raise MisuseError(f"{folder} is not a checkout of the platform: it has no package.json")
    return folder.resolve()


def read_optional_settings(path: Path | None) -> Settings | None:
    """Load the settings that apply, None when no file is named and none is there."""
    return None if path is None and not settings_named() else load_settings(find_settings(path))


def check(folder: Path, wanted: Sequence[str], settings: Settings | None) -> tuple[Checked, ...]:
    """Make the checkout ready if need be, then run the gates one after another."""
    from namecard_release.composition import build_bench

    platform = settings.platform if settings else Platform(repository=str(folder))
    names = settings.environment_names() if settings else _KEYS
    path = settings.tools.path if settings else ()
    bench = build_bench(settings.gates if settings else Gates(), platform, names, path)
    broken = install(bench, platform, folder)
    return tuple(_check(bench, gate, folder, broken) for gate in wanted)


def install(bench: Bench, platform: Platform, folder: Path) -> tuple[Phase, ...]:
    """Install and generate where there is no node_modules; gives the phase that did not pass, if any."""
    if (folder / "node_modules").is_dir():
        return ()
    for command in (platform.install, *platform.prepare):
        told = " ".join(command.argv[:5])
        note(f"no node_modules in {folder}: {told}")
        phase = run_phase(bench.runner, "install", command, folder, _show)
        if phase.verdict is not Verdict.PASSED:
            note(f"install: {phase.verdict}: {phase.reason}")
            return (phase,)
    return ()


def _check(bench: Bench, gate: str, folder: Path, broken: tuple[Phase, ...]) -> Checked:
    note(f"{gate}: begins")
    started = time.monotonic()
    # What we read ourselves needs no installation.
    phases = (*broken, *read_gate(bench, gate, folder)) if broken else check_gate(bench, gate, folder, _show)
    done = Checked(gate, phases, time.monotonic() - started)
    note(f"{gate}: {done.verdict} in {done.seconds:.1f} s")
    return done


def _show(line: str) -> None:
    note(f"  {line}")


def combine_verdicts(checked: Sequence[Checked]) -> Verdict:
    """Give the verdict over gates: one failed fails, else one unknown is unknown."""
    return combine_phases([Phase(one.gate, one.verdict, "") for one in checked])[0]


def _print(checked: Sequence[Checked]) -> None:
    rows = [
        (one.gate, phase.name, str(phase.verdict), "-" if phase.seconds is None else f"{phase.seconds:.1f}", told)
        for one in checked
        for phase in one.phases
        for told in [phase.reason[:200]]
    ]
    print_table(("GATE", "PHASE", "VERDICT", "SECONDS", "REASON"), rows)
    failures = [(p.name, f.package, f.place, f.what) for one in checked for p in one.phases for f in p.failures]
    if failures:
        typer.echo("")
        print_table(("PHASE", "PACKAGE", "PLACE", "WHAT"), failures)
