"""`logs triage` from the outside: files and standard input, its JSON contract, exit codes, words for a mistake."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from namecard_release import composition
from namecard_release.adapters.log_files import read_log_file
from namecard_release.cli.main import app
from namecard_release.cli.triaging import read_moment
from namecard_release.domain.log_events import Cut
from namecard_release.errors import MisuseError
from tests.adapters.test_log_lines import STAMP, line
from tests.fakes.signals import FakeSignals, function_of

SETTINGS = """
[platform]
repository = "x"
[environments.staging]
account = "000000000000"
stack_suffix = "staging"
context = "staging"
key = "staging"
database_url = "postgresql://x"
[[triage.rules]]
cause = "dependency_outage"
message = "is undefined"
service = "cards"
"""


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stand in a folder without settings."""
    monkeypatch.delenv("NAMECARD_RELEASE_SETTINGS", raising=False)
    monkeypatch.chdir(tmp_path)
    yield


def run(*words: str | Path, **own: Any) -> Result:
    return CliRunner().invoke(app, ["logs", "triage", *map(str, words)], **own)


def write(folder: Path, *lines: bytes) -> Path:
    file = folder / "log.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


def test_the_contract_of_the_json(tmp_path: Path) -> None:
    done = run("--file", write(tmp_path, line(), line("lambda.invocation.completed"), b"garbage"), "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert list(told) == [
        *("environment", "service", "source", "since", "until", "complete", "unread", "cause", "failed", "completed"),
        *("groups", "other", "impact", "paths", "platform", "lines", "malformed", "other_services"),
    ]
    (group,) = told["groups"]
    assert list(group) == ["service", "error", "path", "count", "first", "last", "message", "cause", "why", "samples"]
    assert list(group["samples"][0]) == [
        *("at", "requestId", "invocationId", "correlationIds", "path", "message", "durationMs")
    ]
    assert (group["service"], group["error"], group["path"], group["count"]) == ("cards", "TypeError", "/v1/cards", 1)
    assert datetime.fromisoformat(group["first"]) == datetime.fromisoformat(STAMP)
    assert (
        group["samples"][0]["requestId"] == "r1" and group["samples"][0]["correlationIds"]["x-correlation-id"] == "c1"
    )
    assert (told["lines"]["total"], told["lines"]["malformed"], told["malformed"]) == (3, 1, ["garbage"])
    assert told["cause"]["cause"] == "code_defect" and told["source"] == {
        "kind": "file",
        "name": str(tmp_path / "log.jsonl"),
    }
    assert list(told["paths"][0]) == ["service", "path", "count", "p50_ms", "p95_ms", "max_ms"]


def test_garbage_changes_nothing_but_counts(tmp_path: Path) -> None:
    lines = [line(requestId=f"r{n}", service=("cards", "auth")[n % 2]) for n in range(200)]
    clean = json.loads(run("--file", write(tmp_path, *lines), "--json").stdout)
    for n in range(0, 200, 20):
        lines.insert(n, (line()[: n + 2], b"\xff\xfe\x00", b"noise", b"[1]")[n % 4])
    dirty = json.loads(run("--file", write(tmp_path, *lines), "--json").stdout)
    assert (dirty["lines"]["malformed"], dirty["lines"]["total"]) == (10, 210)
    for told in (clean, dirty):
        del told["malformed"], told["lines"]["malformed"], told["lines"]["total"]
    assert clean == dirty


def test_a_person_reads_a_table_that_no_log_can_steer(tmp_path: Path) -> None:
    done = run("--file", write(tmp_path, line(error={"name": "TypeError", "message": "\x1b[31mred password=hunter2"})))
    assert done.exit_code == 0
    assert "1 failed, 0 completed; code_defect: 1 of 1 failed invocation points to code_defect" in done.stdout
    assert "TypeError" in done.stdout and "/v1/cards" in done.stdout and "r1" in done.stdout
    assert "\x1b" not in done.stdout and "hunter2" not in done.stdout


def test_standard_input_may_be_compressed() -> None:
    told = json.loads(run("--file", "-", "--json", input=gzip.compress(line())).stdout)
    assert told["failed"] == 1


def test_a_service_and_a_window_are_looked_for_in_a_file(tmp_path: Path) -> None:
    late = (datetime.fromisoformat(STAMP) + timedelta(hours=1)).isoformat()
    file = write(tmp_path, line(), line(service="auth"), line(service="auth", timestamp=late))
    words = ("--service", "auth", "--since", "2026-03-01T12:00", "--until", "2026-03-01T12:30", "--json")
    told = json.loads(run("--file", file, *words).stdout)
    assert (told["failed"], told["other_services"], told["lines"]["outside"]) == (1, {"cards": 1}, 1)


def test_rules_of_the_settings_apply_to_a_file(tmp_path: Path) -> None:
    (tmp_path / "namecard-release.toml").write_text(SETTINGS)
    told = json.loads(run("--file", write(tmp_path, line()), "--env", "staging", "--json").stdout)
    assert told["cause"]["cause"] == "dependency_outage" and told["environment"] == "staging"
    done = run("--file", write(tmp_path, line()), "--env", "nowhere")
    assert done.exit_code == 2 and "unknown environment 'nowhere'" in done.stderr


def test_a_file_that_was_not_read_whole_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(line())[:-9])
    done = run("--file", tmp_path / "cut.gz")
    assert done.exit_code == 3 and "UNKNOWN: the log was not read whole: the file is damaged" in done.stdout
    assert any(isinstance(event, Cut) for event in read_log_file(str(tmp_path / "cut.gz")))


def test_a_log_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "namecard-release.toml").write_text(SETTINGS)
    events = [Cut("there is more")]
    signals = FakeSignals(logs_of={"cards": events})
    monkeypatch.setattr(composition, "build_signals", lambda settings, name: signals)
    done = run("--env", "staging", "--service", "cards", "--since", "15m", "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["complete"], told["unread"]) == (3, False, "there is more")
    assert told["source"] == {"kind": "log_group", "name": function_of("cards").log_group} and told["until"]
    signals.unreachable.add("logs of cards")
    done = run("--env", "staging", "--service", "cards", "--since", "15m")
    assert (done.exit_code, done.stderr) == (3, "error: logs of cards did not answer\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "give --env, --service, --since, or --file"),
        (("--env", "staging", "--since", "1h"), "give --service, or --file"),
        (("--env", "nowhere", "--service", "cards", "--since", "1h"), "unknown environment"),
        (("--env", "staging", "--service", "x", "--since", "1h"), "unknown service 'x': there are auth, cards"),
        (("--file", "nowhere.jsonl"), "nowhere.jsonl cannot be read"),
        (("--file", "-", "--since", "tomorrow"), "--since is 15m, 2h or 1d (ago), or a moment"),
        (("--file", "-", "--since", "1h", "--until", "2h"), "must be before --until"),
        (("--file", "-", "--since", "999999d"), "--since is 15m"),
    ],
)
def test_a_mistake_is_refused_in_words(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    (tmp_path / "namecard-release.toml").write_text(SETTINGS)
    done = run(*words)
    assert done.exit_code == 2 and told in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("15m", timedelta(minutes=-15)),
        (" 2h ", timedelta(hours=-2)),
        ("90s", timedelta(seconds=-90)),
        ("1d", timedelta(days=-1)),
        ("2026-03-01T20:00:00+08:00", timedelta()),
        ("2026-03-01T12:00:00", timedelta()),
        ("2026-03-01T12:00:00Z", timedelta()),
    ],
)
def test_moments(text: str, moment: timedelta) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert read_moment(text, "--since", now) == now + moment


@pytest.mark.parametrize("text", ["", "m", "-5m", "15 minutes", "0001-01-01T00:00:00+14:00"])
def test_no_moments(text: str) -> None:
    with pytest.raises(MisuseError, match="--since"):
        read_moment(text, "--since", datetime(2026, 3, 1, tzinfo=UTC))
