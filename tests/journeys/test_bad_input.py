"""Bad input on the command line: one clear line, the right exit code, nothing touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.conftest import Sandbox

pytestmark = pytest.mark.journey


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("promote", "--env", "moon", "--commit", "A"), 2, "unknown environment 'moon'"),
        (("promote", "--env", "staging", "--commit", "0" * 40), 1, "no commit"),
        (("promote", "--env", "staging", "--commit=--upload-pack=x"), 2, "starts with '-'"),
        (("promote", "--env", "staging", "--commit", "$(rm)"), 2, "a ref has letters"),
        (("rollback", "--env", "moon"), 2, "unknown environment 'moon'"),
        (("rollback", "--env", "prod"), 1, "cannot go back"),
        (("history", "--env", "moon"), 2, "unknown environment 'moon'"),
        (("gates", "--commit", "no-such-branch"), 1, "no commit"),
        (("promote", "--env", "prod", "--commit", "A"), 1, "healthy in staging"),
    ],
)
def test_it_is_refused_before_anything_is_touched(
    sandbox: Sandbox, words: tuple[str, ...], code: int, told: str
) -> None:
    before = {env: sandbox.read("history", "--env", env)["promotions"] for env in ("dev", "staging", "prod")}
    done = sandbox.call(*words)
    assert (done.returncode, done.stdout) == (code, "")
    lines = done.stderr.strip().splitlines()
    assert told in lines[-1]
    assert len(lines) <= 2
    after = {env: sandbox.read("history", "--env", env)["promotions"] for env in ("dev", "staging", "prod")}
    assert before == after


def test_a_settings_file_with_a_wrong_key_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(sandbox.state.settings_file.read_text() + '\n[surprise]\nkey = "value"\n')
    done = sandbox.call("status", "--settings", str(wrong))
    assert done.returncode == 2
    assert "surprise: Extra inputs are not permitted" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
