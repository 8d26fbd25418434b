"""squawk called for real, and how its failures are told."""

from __future__ import annotations

import stat
import sys
import tempfile
from pathlib import Path

import pytest

from namecard_release.adapters.sql import squawk
from namecard_release.adapters.sql.squawk import Squawk, find_squawk
from namecard_release.errors import PermanentError, TransientError


def fake(folder: Path, body: str) -> Path:
    program = folder / "squawk"
    program.write_text(f"#!{sys.executable}\nimport os, sys, time, signal\n{body}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_advice_comes_by_text_with_lines_from_one() -> None:
    texts = ["select 1;", "-- é\n\nalter table a add column b int not null;\n", "", "selec"]
    none, some, empty, broken = Squawk().advise(texts)
    assert (none, empty) == ((), ())
    assert {(hit.line, hit.rule) for hit in some} >= {(3, "adding-required-field"), (3, "prefer-bigint-over-int")}
    assert all("\n" not in hit.message and hit.message for hit in some)
    assert [hit.rule for hit in broken] == ["syntax-error"]
    assert Squawk().advise([]) == ()


@pytest.mark.parametrize("place", ["missing", "full"])
def test_without_room_in_memory_the_texts_go_to_disk(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(squawk, "_MEMORY", tmp_path if place == "full" else tmp_path / "none")
    monkeypatch.setattr(squawk, "_PAGE", 2**60)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "disk"))
    (tmp_path / "disk").mkdir()
    body = "print('[]') if os.getcwd().startswith(" + repr(str(tmp_path / "disk")) + ") else sys.exit(1)"
    assert Squawk(fake(tmp_path, body)).advise(["select 1;"]) == ((),)


def test_it_is_found_beside_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_squawk().parent == Path(sys.executable).parent


def test_neither_settings_nor_names_of_the_callers_folder_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".squawk.toml").write_text('excluded_rules = ["adding-required-field"]\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SQUAWK_DISABLE_GITHUB_ANNOTATIONS", "x")
    (hits,) = Squawk().advise(["alter table a add column b int not null;"])
    assert "adding-required-field" in {hit.rule for hit in hits}


def test_it_runs_in_a_small_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    body = """assert 'AWS_SECRET_ACCESS_KEY' not in os.environ
assert '--assume-in-transaction' in sys.argv and sys.argv[-2:] == ['--', '0.sql'], sys.argv
assert open('0.sql').read() == 'select 1'
print('[]')
sys.exit(1)"""
    assert Squawk(fake(tmp_path, body)).advise(["select 1"]) == ((),)


ENTRY = '{"file": "%s.sql", "rule_name": "x", "message": "y", "line": %s}'


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ("sys.stderr.write('panicked\\nmore\\n'); sys.exit(7)", PermanentError, r"no JSON \(exit 7\).*panicked$"),
        ("print('{}')", PermanentError, "no JSON"),
        ("print('[1]')", PermanentError, "no JSON"),
        ("", PermanentError, "it said: nothing"),
        ("print('[{}]')", PermanentError, "another shape"),
        ("print('[" + ENTRY % (0, '"z"') + "]')", PermanentError, "another shape"),
        ("print('[" + ENTRY % (9, 1) + "]')", PermanentError, "another shape"),
        ("os.kill(os.getpid(), signal.SIGKILL)", TransientError, "signal 9: try again"),
        ("time.sleep(60)", TransientError, "no answer within 0.5 s: try again"),
    ],
)
def test_a_failure_is_told_in_one_line(body: str, error: type[Exception], words: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=words) as raised:
        Squawk(fake(tmp_path, body), seconds=0.5 if "sleep" in body else 30).advise(["select 1"])
    assert "\n" not in str(raised.value)


def test_a_program_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="cannot be run: No such file"):
        Squawk(tmp_path / "absent").advise(["select 1"])
