"""Starting the emulator as a background process, and how a client reaches it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from namecard_release.sandbox import processes
from namecard_release.sandbox.processes import Launch, ProcessRecord

ACCOUNT = "000000000000"
REGION = "ap-southeast-1"
START_TIMEOUT_SECONDS = 60.0


def endpoint(port: int) -> str:
    """Return the AWS endpoint of the emulator on that port."""
    return f"http://{processes.LOOPBACK}:{port}"


def client_environment(port: int, region: str = REGION) -> dict[str, str]:
    """Return the variables with which the AWS SDKs, the CLI and CDK talk to the emulator."""
    return {
        "AWS_ENDPOINT_URL": endpoint(port),
        "AWS_ENDPOINT_URL_S3": endpoint(port),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def start_emulator(
    folder: Path,
    port: int,
    log: Path,
    path: str,
    save_seconds: float = 15.0,
    marker: Mapping[str, str] | None = None,
) -> ProcessRecord:
    """Start the emulator and wait until it answers; `path` is the PATH its functions find node on.

    State and temporary files live in `folder`. Raises PermanentError or TransientError as `wait_until` does.
    """
    temporary = folder / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    arguments = [sys.executable, "-m", "namecard_release.sandbox.emulator", "--port", str(port)]
    arguments += ["--region", REGION, "--state", str(folder / "state"), "--save-seconds", str(save_seconds)]
    entry = processes.start(Launch(arguments, {**_environment(path, temporary), **(marker or {})}, log, folder))
    url = f"{endpoint(port)}/_ministack/health"
    try:
        processes.wait_until(lambda: processes.answers(url), "The AWS emulator", START_TIMEOUT_SECONDS, entry, log)
    except BaseException:
        processes.stop(entry)
        raise
    return entry


def _environment(path: str, temporary: Path) -> dict[str, str]:
    kept = {
        name: os.environ[name] for name in ("HOME", "LANG", "LAMBDA_ASYNC_RETRY_BASE_SECONDS") if name in os.environ
    }
    return kept | {"PATH": path, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
