"""The program squawk, called for its JSON over many files at once. What its advice is worth is the domain's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from namecard_release.domain.lint_rules.rule import Hit
from namecard_release.errors import PermanentError, TransientError

_SECONDS = 60.0
_MEMORY, _PAGE = Path("/dev/shm"), 4096
_FLAGS = ("--reporter", "json", "--assume-in-transaction", "--no-error-on-unmatched-pattern", "--config")


class Squawk:
    """Runs squawk (https://squawkhq.com) on texts; `program` is its binary, by default the one beside this Python."""

    def __init__(self, program: Path | None = None, seconds: float = _SECONDS) -> None:
        self._program = program
        self._seconds = seconds

    def advise(self, texts: Sequence[str]) -> tuple[tuple[Hit, ...], ...]:
        """Give squawk's advice for each text, rules as squawk names them, lines from 1.

        Raises PermanentError when there is no squawk or its answer cannot be read, TransientError when it gives none
        in time.
        """
        if not texts:
            return ()
        # Texts in a folder of their own: squawk takes operands for patterns, and would read a config file around them.
        contents = [text.encode() for text in texts]
        with tempfile.TemporaryDirectory(prefix="namecard-lint-", dir=_quick_place(contents)) as folder:
            names = [f"{index}.sql" for index in range(len(texts))]
            for name, content in zip(names, contents, strict=True):
                Path(folder, name).write_bytes(content)
            config = Path(folder, "squawk.toml")
            config.touch()
            answer = self._call((*_FLAGS, str(config), "--", *names), folder)
        return _sort(_parse(answer), names)

    def _call(self, words: Sequence[str], folder: str) -> subprocess.CompletedProcess[bytes]:
        program = self._program or find_squawk()
        # It finds no setting of the caller's in there.
        environment = {"PATH": os.defpath, "HOME": folder, "LANG": "C.UTF-8"}
        try:
            return subprocess.run(
                [str(program), *words],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TransientError(f"squawk gave no answer within {self._seconds:g} s: try again") from None
        except OSError as error:
            raise PermanentError(f"squawk at {program} cannot be run: {error.strerror}") from error


def _quick_place(contents: Sequence[bytes]) -> Path | None:
    """Give the folder that Linux keeps in memory, if it has room: on a disk, each file made may cost a millisecond."""
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        return None
    needed = sum(_PAGE + len(content) for content in contents)
    return _MEMORY if shutil.disk_usage(_MEMORY).free > 2 * needed else None


def find_squawk() -> Path:
    """Find squawk beside this Python, else on the path. Raises PermanentError when there is none."""
    beside = Path(sys.executable).with_name("squawk")
    found = beside if beside.is_file() else shutil.which("squawk")
    if found is None:
        raise PermanentError("there is no squawk beside this Python: install squawk-cli")
    return Path(found)


def _parse(answer: subprocess.CompletedProcess[bytes]) -> list[Mapping[str, object]]:
    """Read the answer; the exit code says nothing, for it is 1 for findings and for failures alike."""
    import orjson

    if answer.returncode < 0:
        raise TransientError(f"squawk was stopped by signal {-answer.returncode}: try again")
    try:
        found = orjson.loads(answer.stdout)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        said = answer.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
        raise PermanentError(f"squawk gave no JSON (exit {answer.returncode}); it said: {said[0][:200]}")
    return found


def _sort(found: Sequence[Mapping[str, object]], names: Sequence[str]) -> tuple[tuple[Hit, ...], ...]:
    hits: dict[str, list[Hit]] = {name: [] for name in names}
    try:
        for one in found:
            told = [str(text).strip().rstrip(".") for text in (one["message"], one.get("help")) if text]
            name = str(one["file"]).rpartition("/")[2]
            hits[name].append(Hit(str(one["rule_name"]), _line(one) + 1, ". ".join(told)))
    except (KeyError, ValueError, TypeError) as error:
        raise PermanentError(f"squawk's answer has another shape than this program knows: {error!r}") from None
    return tuple(tuple(hits[name]) for name in names)


def _line(one: Mapping[str, object]) -> int:
    return int(str(one["line"]))
