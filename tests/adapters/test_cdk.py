"""Deploys through the cdk program, here a stand-in."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from namecard_release.adapters.assembly_store import FileAssemblyStore
from namecard_release.adapters.cdk import CdkDeployer
from namecard_release.adapters.commands import ProcessRunner
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.gates import CommandOutcome
from namecard_release.errors import PermanentError
from namecard_release.ports import LineSink
from tests.adapters.assemblies import write_assembly


class Recorder:
    """A runner that notes what it is asked to run, and writes into the app as cdk does."""

    def __init__(self) -> None:
        self.argv: tuple[str, ...] = ()
        self.cwd = Path()
        self.env: Mapping[str, str] = {}
        self.timeout_seconds = 0.0
        self.lines: tuple[str, ...] = ()
        self.asked: bool | None = None

    def run(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        timeout_seconds: float,
        on_line: LineSink | None = None,
        enough: Callable[[], bool] | None = None,
    ) -> CommandOutcome:
        self.argv, self.cwd, self.env, self.timeout_seconds = tuple(argv), cwd, env, timeout_seconds
        app = Path(argv[argv.index("--app") + 1])
        assert (app / "manifest.json").is_file()
        (app / ".cache").mkdir()
        for line in self.lines:
            assert on_line is not None
            on_line(line)
        self.asked = None if enough is None else enough()
        return CommandOutcome(self.argv, 0, 1.0)


@pytest.fixture
def store(tmp_path: Path) -> FileAssemblyStore:
    return FileAssemblyStore(tmp_path / "store")


@pytest.fixture
def assembly(store: FileAssemblyStore, tmp_path: Path) -> Assembly:
    return store.put(write_assembly(tmp_path / "out"), "a" * 40, "staging", "i", datetime(2025, 1, 1, tzinfo=UTC))


def test_a_kept_assembly_is_deployed_from_a_copy(store: FileAssemblyStore, assembly: Assembly) -> None:
    runner = Recorder()
    outcome = CdkDeployer(("node", "cdk"), runner, {"CDK_HOME": "/home"}, 60).deploy(assembly, assembly.stacks)
    assert outcome.exit_code == 0
    assert runner.argv[:4] == ("node", "cdk", "deploy", "--app")
    assert runner.argv[-2:] == ("NameCardDb-staging", "NameCardApi-staging")
    assert runner.argv[runner.argv.index("--method") + 1] == "direct"
    assert runner.argv[runner.argv.index("--require-approval") + 1] == "never"
    assert (runner.env["CDK_HOME"], runner.timeout_seconds) == ("/home", 60)
    assert store.get(assembly.digest) == assembly
    assert not runner.cwd.exists()


@pytest.mark.parametrize(
    ("env", "inherited"),
    [({}, True), ({"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}, False)],
)
def test_our_own_credentials_are_for_settings_without_any(
    assembly: Assembly, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], inherited: bool
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-pipeline")
    runner = Recorder()
    CdkDeployer(("cdk",), runner, env, 60).deploy(assembly, assembly.stacks)
    assert ("AWS_SESSION_TOKEN" in runner.env) is inherited


@pytest.mark.parametrize("stacks", [(), ("--all",), ("*",), ("NameCardDb-staging", "-f"), ("a b",)])
def test_only_names_of_stacks_are_deployed(assembly: Assembly, stacks: tuple[str, ...]) -> None:
    runner = Recorder()
    with pytest.raises(PermanentError, match="settings"):
        CdkDeployer(("cdk",), runner, {}, 60).deploy(assembly, stacks)
    assert runner.argv == ()


def test_an_assembly_that_is_gone_is_told(assembly: Assembly) -> None:
    Path(assembly.path).rename(f"{assembly.path}.gone")
    with pytest.raises(PermanentError, match="cannot be copied"):
        CdkDeployer(("cdk",), Recorder(), {}, 60).deploy(assembly, assembly.stacks)


def test_a_real_program_gets_the_words_and_its_lines_come_through(assembly: Assembly, tmp_path: Path) -> None:
    program = tmp_path / "cdk"
    program.write_text('#!/bin/sh\necho "$1 in $PWD"\nls "$3"\nexit 1\n')
    program.chmod(0o755)
    lines: list[str] = []
    outcome = CdkDeployer((str(program),), ProcessRunner(), {}, 60).deploy(assembly, assembly.stacks, lines.append)
    assert outcome.exit_code == 1
    assert "manifest.json" in lines
    assert lines[0].startswith("deploy in ")


def test_a_missing_cdk_is_an_outcome(assembly: Assembly) -> None:
    outcome = CdkDeployer(("no-such-cdk",), ProcessRunner(), {}, 60).deploy(assembly, assembly.stacks)
    assert outcome.not_started is not None


def test_the_stacks_that_cdk_calls_done_are_told(store: FileAssemblyStore, assembly: Assembly) -> None:
    runner, heard, told = Recorder(), list[str](), list[frozenset[str]]()
    runner.lines = (" ✅  NameCardDb-staging (no changes)", "NameCardApi-staging: updating stack...")

    def look(done: frozenset[str]) -> bool:
        told.append(done)
        return True

    CdkDeployer(("cdk",), runner, {}, 60).deploy(assembly, assembly.stacks, heard.append, look)
    assert told == [frozenset({"NameCardDb-staging"})]
    assert runner.asked is True
    assert heard == list(runner.lines)


def test_nobody_is_asked_when_nobody_looks(store: FileAssemblyStore, assembly: Assembly) -> None:
    runner = Recorder()
    CdkDeployer(("cdk",), runner, {}, 60).deploy(assembly, assembly.stacks)
    assert runner.asked is None
