"""`policy simulate` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from namecard_release.cli.main import app

SCENARIO: dict[str, Any] = {
    "id": "x",
    "policy": {
        "sustain_s": 10,
        "unknown_deadline_s": 120,
        "actions": {
            "Errors": "roll_back",
            "Throttles": "roll_back",
            "Latency": "roll_back",
            "HttpApiLatency": "roll_back",
            "DbConnections": "page",
            "RdsProxyConnections": "page",
            "DeadLetterQueue": "page",
        },
    },
    "bake_s": 300,
    "baseline": {"AuthServiceErrorsAlarm": "OK"},
    "events": [{"t": 12, "alarm": "AuthServiceErrorsAlarm", "state": "ALARM"}],
    "verdict": "SAFE",
    "last_good": "sha",
    "is_rollback": False,
    "held": False,
    "frozen": True,
}


def simulate(path: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["policy", "simulate", str(path), *options])


def told(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_one_scenario_gives_one_line(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(SCENARIO, indent=2))
    (one,) = told(simulate(path, "--json"))
    assert set(one) == {"id", "decision", "at_s", "to", "reason"}
    assert (one["id"], one["decision"], one["at_s"], one["to"]) == ("x", "RollBack", 22, "sha")
    assert "AuthServiceErrorsAlarm" in one["reason"]
    assert simulate(path).stdout.startswith("x: RollBack to sha after 22 s: ")


def test_lines_give_lines_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    bare = {key: value for key, value in SCENARIO.items() if key != "policy"}
    scenarios = [
        bare,
        {**bare, "id": "unsafe", "verdict": "UNSAFE"},
        {**bare, "id": "quiet", "events": [], "bake_s": 0.5},
        {**bare, "id": "unsorted", "events": [{**bare["events"][0], "t": 30}, bare["events"][0]]},
        {**bare, "id": "unread", "events": [{**bare["events"][0], "state": "READ_ERROR"}]},
        {**bare, "id": "other", "policy": {"actions": {"Errors": "page"}}},
    ]
    path.write_text("\n\n".join(json.dumps(one) for one in scenarios) + "\n")
    found = [(one["id"], one["decision"], one["at_s"]) for one in told(simulate(path, "--json"))]
    assert found == [
        ("x", "RollBack", 22),
        ("unsafe", "Halt", 22),
        ("quiet", "Proceed", 0.5),
        ("unsorted", "RollBack", 22),
        ("unread", "Halt", 420),
        ("other", "Proceed", 300),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "scenario: Input should be"),
        ('{"id": "x"}', "bake_s: Field required"),
        (json.dumps({**SCENARIO, "bake": 1}), "bake: Extra inputs"),
        (json.dumps({**SCENARIO, "bake_s": -1}), "bake_s: Input should be greater"),
        (json.dumps({**SCENARIO, "bake_s": True}), "bake_s: Input should be a valid number"),
        (json.dumps({**SCENARIO, "verdict": "FINE"}), "verdict: Input should be 'SAFE'"),
        (json.dumps({**SCENARIO, "baseline": {"a": "UNREAD"}}), "baseline.a: Input should be 'OK'"),
        (json.dumps({**SCENARIO, "policy": {"actions": {"Errors": "explode"}}}), "policy.actions.Errors: Input"),
        (json.dumps({**SCENARIO, "policy": {"actions": {"Nope": "page"}}}), "Input should be 'Errors'"),
    ],
)
def test_a_mistake_is_one_line_and_no_half_of_an_answer(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(f"{json.dumps(SCENARIO)}\n{text}\n")
    result = simulate(path, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert "bad.jsonl:2" in result.stderr
    assert words in result.stderr


def test_a_file_that_is_not_there_is_misuse(tmp_path: Path) -> None:
    result = simulate(tmp_path / "none.json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "cannot be read: No such file" in result.stderr
