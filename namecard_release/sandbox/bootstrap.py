"""Preparing the emulated account for CDK deployments, once for as long as the emulator keeps its state."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from namecard_release.errors import PermanentError, TransientError
from namecard_release.sandbox.emulator_process import ACCOUNT, REGION
from namecard_release.sandbox.processes import tail
from namecard_release.sandbox.toolchain import Toolchain

QUALIFIER = "namecard"
STACK = "CDKToolkit"
TIMEOUT_SECONDS = 180
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def is_bootstrapped(endpoint: str) -> bool:
    """Tell whether the account holds a complete bootstrap stack."""
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client(
        "cloudformation",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    try:
        stacks = client.describe_stacks(StackName=STACK)["Stacks"]
    except ClientError:
        return False
    return bool(stacks) and stacks[0]["StackStatus"] in _GOOD


def bootstrap(tools: Toolchain, environment: Mapping[str, str], folder: Path, log: Path) -> None:
    """Run `cdk bootstrap` against the emulator that the environment names.

    Raises PermanentError with the log's tail when it fails, TransientError when it takes too long.
    """
    arguments = [*tools.cdk, "bootstrap", f"aws://{ACCOUNT}/{REGION}", "--qualifier", QUALIFIER, "--no-notices"]
    log.parent.mkdir(parents=True, exist_ok=True)
    if home := environment.get("CDK_HOME"):
        Path(home).mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            done = subprocess.run(
                arguments,
                cwd=folder,
                env={**environment, "PATH": tools.path},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TransientError(f"cdk bootstrap took over {TIMEOUT_SECONDS} s; see {log}") from None
    if done.returncode != 0:
        raise PermanentError(f"cdk bootstrap failed; its log {log} ends with: {tail(log)}")
