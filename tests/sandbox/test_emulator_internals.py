"""A moved internal of the emulator is told in one line, before anything is served."""

from __future__ import annotations

import subprocess
import sys

import pytest

from namecard_release.errors import PermanentError
from namecard_release.sandbox import processes
from namecard_release.sandbox.emulator import internals
from namecard_release.sandbox.emulator.lambdas import pick_version


def test_the_pinned_version_is_as_expected() -> None:
    internals.check()


def test_another_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(internals, "PINNED_VERSION", "9.9.9")
    with pytest.raises(PermanentError, match=r"made for ministack 9\.9\.9, found"):
        internals.check()


@pytest.mark.parametrize("symbol", ["_evaluate_alarm", "no_such_function"])
def test_a_moved_function_is_told(monkeypatch: pytest.MonkeyPatch, symbol: str) -> None:
    monkeypatch.setitem(internals.EXPECTED, "ministack.services.cloudwatch", {symbol: "other parameters"})
    with pytest.raises(PermanentError, match=f"cloudwatch.{symbol} takes"):
        internals.check()


def test_a_moved_store_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(internals.STORES, "ministack.services.sqs", ("_gone",))
    with pytest.raises(PermanentError, match="has no _gone"):
        internals.check()


def test_a_taken_port_is_told_in_one_line() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind((processes.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        arguments = [sys.executable, "-m", "namecard_release.sandbox.emulator", "--port", str(port)]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The AWS emulator cannot run")


@pytest.mark.parametrize(("draw", "version"), [(0.0, "2"), (0.19, "2"), (0.2, "3"), (0.49, "3"), (0.5, "1")])
def test_an_alias_sends_each_share_where_it_belongs(draw: float, version: str) -> None:
    alias = {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.2, "3": 0.3}}}
    assert pick_version(alias, draw) == version
