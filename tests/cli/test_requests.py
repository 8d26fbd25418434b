"""`requests replay` on the command line: plans, refusals, and a real answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from namecard_release.cli.entry import find_app
from namecard_release.sandbox.settings_file import to_toml

REQUESTS = [
    {"method": "GET", "path": "/v1/cards/123?name=ada%40example.com", "timestamp": "2026-03-02T09:00:00Z"},
    {"method": "POST", "path": "/v1/cards", "body": {"password": "hunter2-hunter2"}},
]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "namecard-release.toml"
    environment = {"account": "000000000000", "stack_suffix": "dev", "context": "dev", "key": "dev"}
    environment |= {"database_url": "postgresql://x", "api_url": "http://127.0.0.1:9/dev"}
    file.write_text(to_toml({"platform": {"repository": "r"}, "environments": {"dev": environment}}), encoding="utf-8")
    (tmp_path / "requests.jsonl").write_text("\n".join(map(json.dumps, REQUESTS)), encoding="utf-8")
    return file


def call(settings: Path, *words: str) -> Result:
    own = ["requests", "replay", "--env", "dev", "--settings", str(settings), *words]
    return CliRunner().invoke(find_app(["requests"]), own)


def with_file(settings: Path) -> tuple[str, str]:
    return "--file", str(settings.parent / "requests.jsonl")


def test_a_plan_sends_nothing_and_shows_nobody(settings: Path) -> None:
    result = call(settings, *with_file(settings), "--plan-only", "--json")
    assert result.exit_code == 0, result.output
    first, second = json.loads(result.stdout)["requests"]
    assert (first["would"], first["path"]) == ("send", "/v1/cards/{id}")
    assert second["would"] == "skip" and "not idempotent" in second["reason"]
    assert "ada" not in result.output and "hunter2" not in result.output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "say which requests"),
        (("--since", "yesterday"), "neither a length"),
        (("--since", "2026-03-02T09:00:00"), "no time zone"),
        (("--since", "1h", "--method", "BREW"), "no method that the API has"),
        (("--since", "1h", "--service", "tea"), "is none of"),
        (("--file", "/nowhere/at/all"), "cannot be read"),
    ],
)
def test_misuse_is_one_line(settings: Path, words: tuple[str, ...], why: str) -> None:
    result = call(settings, *words, "--plan-only")
    assert result.exit_code == 2 and why in result.stderr and result.stderr.count("\n") == 1


def test_sending_needs_a_reason(settings: Path) -> None:
    result = call(settings, *with_file(settings))
    assert result.exit_code == 2 and "--reason" in result.stderr


def test_nobody_there_is_unknown(settings: Path) -> None:
    result = call(settings, *with_file(settings), "--reason", "so", "--json")
    assert result.exit_code == 3
    told = json.loads(result.stdout)
    assert told["verdict"] == "UNKNOWN" and told["sent"][0]["status"] is None
