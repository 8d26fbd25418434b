"""The runbook's rollback: the workflow's whole chain once more for the earlier commit.

The real workflow checks out, installs and generates in five jobs; here each is done once, on a warm package store, and
no runner has to be waited for. The database of the dry run is the sandbox's throw-away one.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.bench import ENVIRONMENT, Bench, tell
from namecard_release.adapters.commands import ProcessRunner
from namecard_release.errors import PermanentError

_SECONDS = 1800.0
_DEPLOY = ("pnpm", "--filter", "@namecard/infra", "exec", "cdk", "deploy")


@dataclass(frozen=True)
class Step:
    """One command of the chain with its extra environment."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True)
class Chain:
    """How long the chain took, step by step; `checkouts_and_installs` is once instead of the workflow's five times."""

    seconds: float
    steps: Mapping[str, float]
    checkouts_and_installs: int = 1
    of_the_workflow: int = 5


def run_chain(bench: Bench, release: str) -> Chain:
    """Bring a commit to the environment as the workflow does. Raises PermanentError naming the step that failed."""
    tell("the runbook's whole chain for B")
    runner = ProcessRunner(path=bench.settings.tools.path)
    took: dict[str, float] = {}
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="runbook-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch) / "platform"
        for step in list_steps(bench, release, folder):
            tell(f"  {step.name}")
            cwd = folder if folder.is_dir() else Path(scratch)
            outcome = runner.run(step.argv, cwd, step.env, _SECONDS)
            if outcome.exit_code != 0:
                told = " | ".join(outcome.tail[-3:]) or outcome.not_started
                raise PermanentError(f"the runbook's chain failed at {step.name}: {told}")
            took[step.name] = round(outcome.seconds, 3)
        seconds = time.perf_counter() - begun
    return Chain(round(seconds, 3), took)


def list_steps(bench: Bench, release: str, folder: Path) -> Iterator[Step]:
    """List the workflow's commands for one commit, in order."""
    platform = bench.settings.platform
    yield Step("clone", ("git", "clone", "--quiet", "--", platform.repository, str(folder)), {})
    yield Step("checkout", ("git", "checkout", "--quiet", "--detach", release, "--"), {})
    yield Step("install", platform.install.argv, platform.install.env)
    for command in platform.prepare:
        yield Step("generate", command.argv, command.env)
    yield Step("quality", ("pnpm", "run", "ci:quality"), {})
    yield Step("infra_dry_run", ("pnpm", "run", "ci:infra-dry-run"), database_env(bench.state.database_url("test")))
    yield Step("launch_verify", ("pnpm", "run", "launch:verify"), {})
    for command in platform.build:
        yield Step("build_infra", command.argv, command.env)
    yield _deploy(bench, release)


def database_env(url: str) -> dict[str, str]:
    """Give a database URL as the platform's DB_* variables."""
    parts = urlsplit(url)
    return {
        "DB_HOST": parts.hostname or "127.0.0.1",
        "DB_PORT": str(parts.port or 5432),
        "DB_USER": parts.username or "",
        "DB_PASSWORD": parts.password or "",
        "DB_NAME": parts.path.removeprefix("/"),
    }


def _deploy(bench: Bench, release: str) -> Step:
    environment = bench.settings.environment(ENVIRONMENT)
    context = {"environment": environment.context, "migrationsVersion": release, **environment.synth_context}
    words = [word for key, value in context.items() for word in ("--context", f"{key}={value}")]
    env = {
        **bench.settings.aws.env,
        "AWS_REGION": environment.region,
        "CDK_DEFAULT_ACCOUNT": environment.account,
        "CDK_DEFAULT_REGION": environment.region,
        **bench.settings.platform.synth.env,
    }
    argv = (*_DEPLOY, *environment.stack_names, "--require-approval", "never", *words)
    return Step("cdk_deploy", argv, env)
