"""The sandbox's settings as TOML: what is written is what a reader finds."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from namecard_release.sandbox.settings_file import to_toml


@pytest.mark.parametrize(
    "table",
    [
        {"a": 1, "b": 1.5, "c": 'x "y" \\ z', "d": ["one", "two"], "e": True},
        {"a": {"b": {"c": "d"}}, "x": {"y-z": "with a dash"}},
        {"platform": {"rehearsal": [{"argv": ["pnpm", "run"], "timeout_seconds": 120}, {"argv": ["x"]}]}},
        {"a": {"rows": [{"env": {"NAME": "value"}, "argv": []}], "after": {"key": 1}}},
    ],
)
def test_toml_is_read_as_it_was_meant(table: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(table)) == table
