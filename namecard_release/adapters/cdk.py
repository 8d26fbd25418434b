"""Kept assemblies brought to AWS by the cdk program. Whether to deploy, and whether it worked, is decided elsewhere."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from namecard_release.adapters.assembly_store import copy_assembly
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.gates import CommandOutcome
from namecard_release.errors import PermanentError
from namecard_release.ports import CommandRunner, LineSink

# `direct` refuses to run into a deploy in progress. The stacks asked for are deployed, and no others with them.
_OPTIONS = (
    *("--method", "direct", "--require-approval", "never", "--progress", "events"),
    *(
        "--concurrency",
        "2",
        "--asset-parallelism",
        "--exclusively",
        "--ci",
        "--no-color",
        "--no-notices",
        "--no-version-reporting",
        "--no-path-metadata",
    ),
)
# Where cdk looks for credentials of its own when the settings give none: a role, a profile, or keys.
_CREDENTIALS = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONFIG_FILE"),
    *("AWS_SHARED_CREDENTIALS_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    *("AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CA_BUNDLE"),
)
_STACK = re.compile(r"[A-Za-z][A-Za-z0-9/-]{0,255}")
# "✅  NameCardDb-staging (no changes)"
_DONE = re.compile(r"✅\s+([A-Za-z][A-Za-z0-9/-]*)")
_QUIET = {"CDK_DISABLE_VERSION_CHECK": "1", "CDK_DISABLE_CLI_TELEMETRY": "true"}


class CdkDeployer:
    """Runs `cdk deploy --app <copy of the assembly>`; `env` (endpoint, region, CDK_HOME) goes to cdk as it is."""

    def __init__(
        self,
        cdk: tuple[str, ...],
        runner: CommandRunner,
        env: Mapping[str, str],
        timeout_seconds: float = 3600.0,
    ) -> None:
        self._cdk = cdk
        self._runner = runner
        self._env = env
        self._timeout_seconds = timeout_seconds

    def deploy(
        self,
        assembly: Assembly,
        stacks: Sequence[str],
        on_line: LineSink | None = None,
        is_deployed: Callable[[frozenset[str]], bool] | None = None,
    ) -> CommandOutcome:
        """Deploy stacks of a kept assembly from a copy, for cdk writes archives and locks into what it deploys.

        Nothing is synthesised: the app is the folder. cdk is ended early once `is_deployed` says so. Raises
        PermanentError when the assembly is gone, or for no stack or one whose name cannot be.
        """
        _check_names(stacks)
        with tempfile.TemporaryDirectory(prefix="cdk-deploy-", ignore_cleanup_errors=True) as scratch:
            folder = Path(scratch) / "cdk.out"
            _copy(assembly, folder)
            words = (*self._cdk, "deploy", "--app", str(folder), *_OPTIONS, *stacks)
            # The neutral folder has no cdk.json that could name another app.
            listener = _Listener(on_line, is_deployed)
            enough = None if is_deployed is None else listener.is_enough
            environment, limit = self._environment(), self._timeout_seconds
            return self._runner.run(words, Path(scratch), environment, limit, listener.take, enough)

    def _environment(self) -> dict[str, str]:
        inherited = {} if "AWS_ACCESS_KEY_ID" in self._env else _present(_CREDENTIALS)
        return {**_QUIET, **inherited, **self._env}


class _Listener:
    """Hears cdk's lines for the stacks that it calls done."""

    def __init__(self, on_line: LineSink | None, is_deployed: Callable[[frozenset[str]], bool] | None) -> None:
        self._on_line = on_line
        self._is_deployed = is_deployed
        self._told: frozenset[str] = frozenset()

    def take(self, line: str) -> None:
        """Note a stack that is told as done, and pass the line on."""
        found = _DONE.search(line)
        if found is not None:
            self._told |= {found[1]}
        if self._on_line is not None:
            self._on_line(line)

    def is_enough(self) -> bool:
        """Ask whether all is deployed."""
        return self._is_deployed is not None and self._is_deployed(self._told)


def _check_names(stacks: Sequence[str]) -> None:
    # cdk takes no stack names after `--`, and reads `*` as a wildcard.
    bad = [name for name in stacks if _STACK.fullmatch(name) is None]
    if bad or not stacks:
        told = f"{bad[0]!r} is no stack's name" if bad else "no stack to deploy"
        raise PermanentError(f"{told}: name them in the environment's settings")


def _present(names: Sequence[str]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


def _copy(assembly: Assembly, folder: Path) -> None:
    try:
        copy_assembly(Path(assembly.path), folder)
    except OSError as error:
        told = f"assembly {assembly.digest[:12]} cannot be copied from {assembly.path}: {error.strerror}"
        raise PermanentError(f"{told}; build it again") from error
