"""Which application answers: the small one for what is asked for in a hurry, the whole one for all else."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.main import get_command

from namecard_release.cli.entry import find_app
from namecard_release.cli.main import app


@pytest.mark.parametrize("words", [["status"], ["status", "--json"], ["history", "--env", "staging"]])
def test_the_hurried_commands_are_those_of_the_whole_program(words: list[str]) -> None:
    small, whole = get_command(find_app(words)), get_command(app)
    name = words[0]
    assert small.commands[name].callback.__module__ == whole.commands[name].callback.__module__  # type: ignore[attr-defined]
    assert [p.name for p in small.commands[name].params] == [p.name for p in whole.commands[name].params]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """Leave the garbage collection as it was."""
    yield
    gc.enable()


@pytest.mark.parametrize("words", [[], ["--help"], ["promote", "status"], ["--json", "status"], ["nonsense"]])
def test_all_else_is_the_whole_programs(words: list[str]) -> None:
    assert find_app(words) is app


def test_a_status_loads_no_other_command() -> None:
    script = (
        "import sys; from namecard_release.cli.entry import find_app; find_app(['status']); "
        "print([name for name in sys.modules if 'planning' in name or 'linting' in name or name == 'dagster'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
