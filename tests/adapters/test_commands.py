"""Commands: their outcome, their output, and that nothing of them is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from namecard_release.adapters.commands import ProcessRunner

SH = "/bin/sh"


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        os.sched_yield()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


@pytest.mark.parametrize(
    ("script", "code", "tail"),
    [
        ("exit 0", 0, ()),
        ("exit 7", 7, ()),
        ("echo out; echo err >&2", 0, ("out", "err")),
        ("printf 'no end'", 0, ("no end",)),
        ("printf '10%%\\r100%%\\n'", 0, ("100%",)),
        ("printf '\\033[31mred\\033[0m\\n'", 0, ("red",)),
        ("printf 'bad \\377 byte\\n'", 0, ("bad \ufffd byte",)),
        ("echo password=hunter2hunter2", 0, ("password=***",)),
        ('test -z "$(cat)" && echo closed', 0, ("closed",)),
        ("kill -SEGV $$", -signal.SIGSEGV, ()),
        ("kill -KILL $$", None, ()),
    ],
)
def test_outcome_and_output(tmp_path: Path, script: str, code: int | None, tail: tuple[str, ...]) -> None:
    outcome = ProcessRunner().run([SH, "-c", script], tmp_path, {}, 20)
    assert (outcome.exit_code, outcome.tail, outcome.timed_out, outcome.not_started) == (code, tail, False, None)
    assert 0 < outcome.seconds < 20


def test_lines_come_as_they_are_printed_and_the_last_sixty_are_kept(tmp_path: Path) -> None:
    lines: list[str] = []
    outcome = ProcessRunner().run([SH, "-c", "for i in $(seq 100); do echo $i; done"], tmp_path, {}, 20, lines.append)
    assert lines == [str(i) for i in range(1, 101)]
    assert outcome.tail == tuple(lines[-60:])


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    lines: list[str] = []
    ProcessRunner().run([SH, "-c", "head -c 1000000 /dev/zero | tr '\\0' x"], tmp_path, {}, 20, lines.append)
    assert max(map(len, lines)) < 5000


def test_the_environment_is_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-pipeline")
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    runner = ProcessRunner(path=("/first",))
    outcome = runner.run([sys.executable, "-I", "-c", script], tmp_path, {"EXTRA": "1"}, 20)
    seen = json.loads(outcome.tail[0])
    assert seen["PATH"].startswith("/first:")
    assert (seen["CI"], seen["EXTRA"]) == ("1", "1")
    assert "AWS_SECRET_ACCESS_KEY" not in seen


def test_secrets_given_to_a_command_are_masked_in_its_output(tmp_path: Path) -> None:
    outcome = ProcessRunner().run([SH, "-c", "echo it is $DB_PASSWORD"], tmp_path, {"DB_PASSWORD": "correct-horse"}, 20)
    assert outcome.tail == ("it is ***",)


@pytest.mark.parametrize(
    ("argv", "folder", "told"),
    [
        (["no-such-program"], ".", "no program 'no-such-program'"),
        (["./not-here"], ".", "no program './not-here'"),
        ([SH, "-c", "true"], "absent", "no folder"),
        (["./broken"], ".", "Exec format error"),
    ],
)
def test_what_cannot_start_is_an_outcome(tmp_path: Path, argv: list[str], folder: str, told: str) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x00\x01")
    broken.chmod(0o755)
    outcome = ProcessRunner().run(argv, tmp_path / folder, {}, 20)
    assert outcome.exit_code is None
    assert told in (outcome.not_started or "")


def test_a_program_with_a_slash_is_relative_to_the_commands_folder(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho here\n")
    script.chmod(0o755)
    assert ProcessRunner().run(["./script"], tmp_path, {}, 20).tail == ("here",)


def test_the_time_limit_ends_children_that_left_the_session(tmp_path: Path) -> None:
    script = "setsid sleep 300 & echo $!; sleep 300 & echo $!; wait"
    outcome = ProcessRunner().run([SH, "-c", script], tmp_path, {}, 0.5)
    assert (outcome.timed_out, outcome.exit_code) == (True, None)
    assert len(outcome.tail) == 2
    assert not any(is_running(int(pid)) for pid in outcome.tail)


def test_a_command_that_ignores_term_is_killed(tmp_path: Path) -> None:
    outcome = ProcessRunner().run([SH, "-c", "trap '' TERM; echo $$; while :; do :; done"], tmp_path, {}, 0.5)
    assert outcome.timed_out
    assert 5 <= outcome.seconds < 8
    assert not is_running(int(outcome.tail[0]))


def test_what_a_command_leaves_in_the_background_ends_with_it(tmp_path: Path) -> None:
    outcome = ProcessRunner().run([SH, "-c", "sleep 300 >/dev/null 2>&1 & echo $!"], tmp_path, {}, 20)
    assert outcome.exit_code == 0
    assert not is_running(int(outcome.tail[0]))


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_the_command(tmp_path: Path, interrupt: type[BaseException]) -> None:
    pids: list[int] = []

    def stop(line: str) -> None:
        pids.append(int(line))
        raise interrupt

    with pytest.raises(interrupt):
        ProcessRunner().run([SH, "-c", "echo $$; sleep 300"], tmp_path, {}, 60, stop)
    assert not is_running(pids[0])


_PARENT = """
import sys
from pathlib import Path
from namecard_release.adapters.commands import ProcessRunner
script = "setsid sleep 300 & echo $!; sleep 300 & echo $!; echo $$; wait"
ProcessRunner().run(["/bin/sh", "-c", script], Path.cwd(), {}, 300, lambda line: print(line, flush=True))
"""


def test_nothing_outlives_a_killed_pipeline(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(parent.stdout.readline()) for _ in range(3)]
        assert all(is_running(pid) for pid in pids)
        parent.kill()
        parent.wait()
        wait_for(lambda: not any(is_running(pid) for pid in pids))


def test_a_killed_guard_is_told_as_a_command_that_was_stopped(tmp_path: Path) -> None:
    outcome = ProcessRunner().run([SH, "-c", "echo $$; kill -KILL $PPID; sleep 300"], tmp_path, {}, 60)
    assert (outcome.exit_code, outcome.timed_out) == (None, False)
    wait_for(lambda: not is_running(int(outcome.tail[0])))


def test_a_command_is_ended_once_its_work_is_done(tmp_path: Path) -> None:
    heard: list[str] = []
    script = "echo working; echo done; exec sleep 300"
    outcome = ProcessRunner().run([SH, "-c", script], tmp_path, {}, 20, heard.append, lambda: "done" in heard)
    assert (outcome.cut_short, outcome.exit_code, outcome.timed_out) == (True, None, False)
    assert outcome.tail == ("working", "done")
    assert outcome.seconds < 5


def test_a_command_that_ends_by_itself_keeps_its_exit_code(tmp_path: Path) -> None:
    outcome = ProcessRunner().run([SH, "-c", "exit 3"], tmp_path, {}, 20, None, lambda: False)
    assert (outcome.cut_short, outcome.exit_code) == (False, 3)
