"""`dlq` on the command line: what it prints, its exit codes, and that no secret of a payload is shown anywhere."""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event, main_thread
from urllib.parse import quote

import pytest
from click.testing import Result
from typer.testing import CliRunner

from namecard_release.cli import dlq as commands
from namecard_release.cli.entry import find_app
from namecard_release.dlq_port import Replay
from namecard_release.workflow.drain_state import Run
from tests.fakes.dead_letters import Post, envelope, open_post

RUNNER = CliRunner()


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    opened = open_post(tmp_path)
    monkeypatch.setattr(commands, "_open", lambda path, env: (opened.desk(), opened.ledger))
    yield opened
    opened.ledger.close()


def call(*words: str) -> Result:
    return RUNNER.invoke(find_app(["dlq"]), ["dlq", *words, "--env", "dev"])


def told(*words: str) -> dict[str, object]:
    read: dict[str, object] = json.loads(call(*words, "--json").stdout)
    return read


def test_a_sample_tells_what_would_be_done(post: Post) -> None:
    post.queue.put(envelope({"n": 1}), id_="m-1")
    (letter,) = told("sample")["letters"]  # type: ignore[misc, attr-defined]
    assert (letter["message_id"], letter["service"], letter["payload"]) == ("m-1", "auth", {"n": 1})
    assert letter["class"]["recovery"] == "recoverable" and letter["would"]["function"] == "auth-fn"
    shown = call("sample")
    assert shown.exit_code == 0 and "DbConnectionError" in shown.stdout and "1 to be had" in shown.stdout


@pytest.mark.parametrize("command", ["sample", "replay", "archive", "drain"])
def test_a_bad_filter_is_one_line_and_misuse(post: Post, command: str) -> None:
    post.queue.put(envelope({}))
    result = call(command, "--filter", "payload[", *([] if command == "sample" else ["--reason", "so"]))
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.startswith("error: no JMESPath expression") and result.stderr.count("\n") == 1
    assert post.queue.messages[0].receives == 0


@pytest.mark.parametrize("command", ["replay", "archive", "drain"])
def test_acting_needs_a_reason_and_planning_does_not(post: Post, command: str) -> None:
    post.queue.put(envelope({}))
    assert call(command, "--limit", "5").exit_code == 2
    planned = call(command, "--limit", "5", "--plan-only")
    assert planned.exit_code == 0 and post.queue.depth().visible == 1 and post.way.sent == []


@pytest.mark.parametrize(
    ("bodies", "code"),
    [
        ([], 0),
        ([envelope({})], 0),
        ([envelope({}, "ValidationError")], 0),
        ([envelope({}, "OddError")], 3),
        ([envelope({"namecardReplay": {"key": "k", "replays": 2}})], 1),
    ],
)
def test_the_exit_code_of_a_drain_is_for_a_ci(post: Post, bodies: list[str], code: int) -> None:
    for number, body in enumerate(bodies):
        post.queue.put(body, id_=f"m-{number}")
    result = call("drain", "--reason", "ci", "--limit", "10", "--json")
    assert result.exit_code == code
    assert json.loads(result.stdout)["verdict"] == {0: "PASSED", 1: "FAILED", 3: "UNKNOWN"}[code]


def test_a_letter_is_held_until_its_fix_is_deployed(post: Post) -> None:
    post.queue.put(envelope({}))
    result = call("replay", "--reason", "so", "--hold-until-fixed", "a" * 40)
    assert result.exit_code == 3 and "not deployed here" in result.stdout
    assert post.queue.messages[0].receives == 0


def test_what_became_of_a_letter_is_shown_and_read_back(post: Post) -> None:
    post.queue.put(envelope({"n": 1}), id_="m-1")
    call("drain", "--reason", "so", "--limit", "10")
    (entry,) = told("show")["letters"]  # type: ignore[misc, attr-defined]
    assert entry["state"] == "SENT"
    (kept,) = told("show", "--key", entry["replay_key"])["archived"]  # type: ignore[misc, attr-defined]
    assert kept["payload"] == {"n": 1}
    (line,) = told("archive", "--read", entry["archive"])["letters"]  # type: ignore[misc, attr-defined]
    assert line["message_id"] == "m-1"


PLANTED = [f"Zx{number}-planted-secret-{number}" for number in range(20)]


def plant() -> dict[str, object]:
    """Hide each secret in another coat."""
    named = [f"password={secret}" for secret in PLANTED]
    return {
        "password": PLANTED[0],
        "headers": {"authorization": f"Bearer {PLANTED[1]}", "cookie": PLANTED[2], "x-api-key": PLANTED[3]},
        "deep": [{"secret": PLANTED[4]}, {"tokens": [PLANTED[5]]}, {"credentials": {"value": PLANTED[6]}}],
        "plain": named[7],
        "base64": base64.b64encode(named[8].encode()).decode(),
        "urlsafe": base64.urlsafe_b64encode(named[9].encode()).decode(),
        "unpadded": base64.b64encode(named[10].encode()).decode().rstrip("="),
        "url": quote(named[11], safe=""),
        "form": f"a=1&{quote(named[12])}&b=2",
        "json": json.dumps({"apiKey": PLANTED[13]}),
        "json in base64": base64.b64encode(json.dumps({"token": PLANTED[14]}).encode()).decode(),
        "traceback": f"Traceback\n  connect(password='{PLANTED[15]}')\nError: refused",
        "address": f"postgresql://ada:{PLANTED[16]}@host/db",
        "option": f"run --token {PLANTED[17]}",
        "pem": f"-----BEGIN PRIVATE KEY-----\n{PLANTED[18]}\n-----END PRIVATE KEY-----",
        "header": f"Authorization: Basic {PLANTED[19]}",
    }


def _coats(secret: str) -> set[str]:
    encoded = base64.b64encode(f"password={secret}".encode()).decode().rstrip("=")
    return {secret, encoded, encoded.replace("+", "-").replace("/", "_"), quote(f"password={secret}", safe="")}


def test_twenty_planted_secrets_are_shown_nowhere(post: Post) -> None:
    body = json.loads(envelope(plant()))
    body["responsePayload"]["errorMessage"] = f"cannot connect with password={PLANTED[0]}"
    post.queue.put(json.dumps(body), id_="m-1")
    outputs = [call("sample").output, call("sample", "--json").output, call("drain", "--plan-only").output]
    outputs.append(call("drain", "--reason", "so", "--limit", "10", "--json").output)
    (entry,) = post.ledger.entries("dev")
    outputs += [call("show", "--key", entry.replay_key, "--json").output, call("show").output]
    outputs += [
        call("archive", "--read", entry.archive, "--json").output,
        call("archive", "--read", entry.archive).output,
    ]
    outputs += [repr(entry), repr(post.ledger.audit_entries("dev")), *post.archive.objects]
    # The archive itself keeps the letter as it came.
    assert post.archive.read(entry.archive)[0].letter.body == json.dumps(body)
    shown = "\n".join(outputs)
    assert [secret for secret in PLANTED if any(coat in shown for coat in _coats(secret))] == []
    assert "m-1" in shown and "traceback" in shown


def test_archived_letters_are_planned_and_sent_and_told_in_the_trail(post: Post) -> None:
    post.queue.put(envelope({"password": "hunter2-hunter2"}, "ValidationError"), id_="m-1")
    assert call("archive", "--reason", "bad input", "--actor", "ada").exit_code == 0
    (key,) = post.archive.objects
    planned = call("replay", "--archived", key, "--plan-only", "--json")
    (letter,) = json.loads(planned.stdout)["letters"]
    assert (letter["would"]["action"], letter["would"]["function"], letter["payload"]["password"]) == (
        "replay",
        "auth-fn",
        "***",
    )
    assert "replay" in call("replay", "--archived", key, "--plan-only").stdout and post.way.sent == []
    assert call("replay", "--archived", key).exit_code == 2, "no reason"
    sent = call("replay", "--archived", key, "--reason", "the contract was mended", "--actor", "ada")
    assert sent.exit_code == 0 and "1 sent from the archive" in sent.stdout
    assert call("replay", "--archived", key, "--reason", "again", "--actor", "ada").exit_code == 3
    trail = [(entry.action, key in entry.details) for entry in post.ledger.audit_entries()]
    assert ("dead letters: replay ended", True) in trail


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_shows_its_letters_again(
    post: Post, monkeypatch: pytest.MonkeyPatch, ending: signal.Signals
) -> None:
    for number in range(40):
        post.queue.put(envelope({"n": number}, request=f"r-{number}"), id_=f"m-{number}")
    stopped, stop, once = Event(), Run.stop, iter([True])
    monkeypatch.setattr(Run, "stop", lambda run, reason: (stop(run, reason), stopped.set()))

    def end(_: Replay) -> None:
        if next(once, False):
            # As a terminal does that is closed: more than one, before the first has had its effect.
            for one in (ending, signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
                signal.pthread_kill(main_thread().ident or 0, one)
        assert stopped.wait(30)

    post.way.refuse = end
    # Whoever started the tests may have let it be ignored.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        code = call("drain", "--reason", "so").exit_code
        assert code in (130, 128 + signal.SIGTERM, 128 + signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
    assert len(post.way.sent) == 10 and post.queue.depth().visible == len(post.queue.messages) == 30
