"""Which build of a program is here: its version, or its file. What depends on it does not belong here."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from namecard_release.adapters.commands import ProcessRunner

# Only these are asked: another program may do anything with an argument that it does not know.
_ASKED = ("node", "pnpm", "cdk")
_ASK_SECONDS = 30.0
# The file of a shim stays the same when the program behind it changes, so that nothing is remembered for long.
_REMEMBERED_SECONDS = 600.0


class ToolFinder:
    """Identifies programs once per process. Versions are kept in `memory` for ten minutes, for the steps of one run are
    processes of their own; a program whose file is another one since is asked again. A version that a checkout pins
    for itself is in its tree, and not looked for here. Keeps the port `Tools`.
    """

    def __init__(self, runner: ProcessRunner, memory: Path) -> None:
        self._runner = runner
        self._memory = memory
        self._known: dict[str, str | None] = {}

    def identify(self, programs: Sequence[str]) -> Mapping[str, str | None]:
        """Give the version of node, pnpm and cdk, and for any other program which file it is; None when not read."""
        lost = [name for name in dict.fromkeys(programs) if name not in self._known]
        asked = [name for name in lost if name in _ASKED]
        self._known |= {name: self._describe_file(name) for name in lost if name not in _ASKED}
        if asked:
            self._known |= self._ask(asked)
        return {name: self._known[name] for name in programs}

    def _ask(self, names: Sequence[str]) -> dict[str, str | None]:
        remembered = _read_memory(self._memory)
        files = {name: self._describe_file(name) for name in names}
        held = [name for name in names if _holds(remembered.get(name), files[name])]
        found: dict[str, str | None] = {name: remembered[name]["version"] for name in held}
        lost = [name for name in names if name not in found]
        if not lost:
            return found
        with ThreadPoolExecutor(len(lost), thread_name_prefix="tools") as pool:
            versions = dict(zip(lost, pool.map(self._ask_one, lost), strict=True))
        now = time.time()
        fresh = {n: {"version": v, "file": files[n], "at": now} for n, v in versions.items() if v and files[n]}
        _write_memory(self._memory, remembered | fresh)
        return found | versions

    def _ask_one(self, name: str) -> str | None:
        outcome = self._runner.run((name, "--version"), Path("/"), {}, _ASK_SECONDS)
        lines = [line.strip() for line in outcome.tail if line.strip()]
        return lines[-1][:200] if outcome.exit_code == 0 and lines else None

    def _describe_file(self, program: str) -> str | None:
        """Describe the file behind a program; a path inside a checkout is the tree's own."""
        if os.sep in program and not Path(program).is_absolute():
            return "in the tree"
        path = self._runner.find(program)
        if path is None:
            return None
        there = path.stat()
        return hashlib.sha256(f"{path}:{there.st_size}:{there.st_mtime_ns}".encode()).hexdigest()


def _holds(entry: Mapping[str, Any] | None, file: str | None) -> bool:
    if entry is None or file is None or entry["file"] != file:
        return False
    return 0 <= time.time() - float(entry["at"]) < _REMEMBERED_SECONDS


def _read_memory(path: Path) -> dict[str, dict[str, Any]]:
    try:
        raw = json.loads(path.read_bytes())
        return {str(n): {"version": str(e["version"]), "file": e["file"], "at": float(e["at"])} for n, e in raw.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Only a memory: without it the programs are asked.
        return {}


def _write_memory(path: Path, entries: Mapping[str, Mapping[str, Any]]) -> None:
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".tools-", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(entries, file)
        Path(name).replace(path)
