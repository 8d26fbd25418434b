"""`python -m namecard_release.sandbox.emulator --port N [--state FOLDER]`: the emulator in the foreground.

The emulator reads its environment when it is imported, so everything is set here before that.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from namecard_release.errors import ReleaseError


def main(arguments: list[str] | None = None) -> int:
    """Parse, prepare the environment, serve; return 0 after a clean stop, 1 with one line on stderr otherwise."""
    options = _parse(arguments)
    os.environ.update(environment(options.port, options.region, options.state))
    try:
        from namecard_release.sandbox.emulator import server

        server.run(options.port, tick_seconds=options.tick_seconds, save_seconds=options.save_seconds)
    except (ReleaseError, ImportError, OSError) as error:
        print(f"The AWS emulator cannot run: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def environment(port: int, region: str, state: Path | None) -> dict[str, str]:
    """Return the variables that keep the emulator on loopback, on one port, and with its state in one folder."""
    variables = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "MINISTACK_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
    }
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        variables[name] = os.environ.get(name, "test")
    if state is not None:
        variables |= {
            "PERSIST_STATE": "1",
            "S3_PERSIST": "1",
            "STATE_DIR": str(state / "services"),
            "S3_DATA_DIR": str(state / "s3"),
        }
    return variables


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="namecard-emulator", description="AWS on loopback")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--region", default="ap-southeast-1")
    parser.add_argument("--state", type=Path, help="folder that keeps the state; none is kept without it")
    parser.add_argument("--tick-seconds", type=float, default=1.0, help="between two evaluations of the alarms")
    parser.add_argument("--save-seconds", type=float, default=15.0, help="between two saves; 0 saves at the end only")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
