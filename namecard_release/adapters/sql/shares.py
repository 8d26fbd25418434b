"""Many files linted by two processes: what one share of them is, and how shares pass between the two.

What a share's findings are is the linter's. Only this program's own two processes pickle to each other here.
"""

from __future__ import annotations

import copyreg
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from operator import attrgetter
from threading import Thread
from typing import IO, Any

from namecard_release.adapters.sql.squawk import Squawk
from namecard_release.domain.lint_rules.rule import Hit
from namecard_release.domain.linting import Finding
from namecard_release.domain.migrations import MigrationFile
from namecard_release.domain.sql import Effect, Marker, SqlFile, Statement, Unreadable

# A second process is ready after some tenths of a second: what it costs, it must win.
MANY = 300
_SHARE = 100
_MODULE = "namecard_release.adapters.sql.share_process"


@dataclass(frozen=True)
class Share:
    """Some files to lint: with whose advice, and what is wrong with which name."""

    files: tuple[MigrationFile, ...]
    squawk: Squawk
    names: Mapping[str, Sequence[Hit]]


@dataclass(frozen=True)
class Linted:
    """What became of a share: the findings in its files' order, and the files as they were read."""

    findings: tuple[Finding, ...]
    read: tuple[SqlFile, ...]


Lint = Callable[[Share], Linted]
Shares = deque[tuple[int, Share]]


def lint_shared(share: Share, lint: Lint) -> tuple[Linted, ...]:
    """Lint many files, the front ones here and those from the back in a second process, until they meet.

    What the second process does not manage is done here, so that an error is told as if there were only this one.
    """
    shares = [
        Share(share.files[start : start + _SHARE], share.squawk, share.names)
        for start in range(0, len(share.files), _SHARE)
    ]
    left, done = deque(enumerate(shares)), dict[int, Linted]()
    try:
        process = _start()
    except OSError:
        return tuple(lint(one) for one in shares)
    with _helped(process, left, done) as helper:
        for index, one in _until_empty(left.popleft):
            done[index] = lint(one)
        helper.join()
    return tuple(done[index] if index in done else lint(one) for index, one in enumerate(shares))


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-m", _MODULE],
        env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def _helped(process: subprocess.Popen[bytes], left: Shares, done: dict[int, Linted]) -> Iterator[Thread]:
    helper = Thread(target=_have_done, args=(process, left, done), daemon=True)
    helper.start()
    try:
        yield helper
    finally:
        process.kill()
        helper.join()
        process.communicate()


def _have_done(process: subprocess.Popen[bytes], left: Shares, done: dict[int, Linted]) -> None:
    for index, share in _until_empty(left.pop):
        answer = _ask(process, share)
        if answer is None:
            return
        done[index] = answer


def _until_empty(pop: Callable[[], tuple[int, Share]]) -> Iterator[tuple[int, Share]]:
    while True:
        try:
            yield pop()
        except IndexError:
            return


def _ask(process: subprocess.Popen[bytes], share: Share) -> Linted | None:
    assert process.stdin is not None and process.stdout is not None
    try:
        put(process.stdin, share)
        answer = take(process.stdout)
    except (OSError, ValueError, EOFError, pickle.UnpicklingError):
        # It died, or was ended because the share before this one cannot be linted.
        return None
    return answer if isinstance(answer, Linted) else None


def put(pipe: IO[bytes], what: Share | Linted | None) -> None:
    """Write to the other process. Raises OSError when it is gone."""
    pickler = pickle.Pickler(pipe, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = _TABLE
    pickler.dump(what)
    pipe.flush()


def take(pipe: IO[bytes]) -> object:
    """Read what the other process wrote. Raises EOFError when it is gone."""
    return pickle.load(pipe)


def _reduce(kind: type[Any]) -> Callable[[Any], tuple[type[Any], tuple[Any, ...]]]:
    values = attrgetter(*(field.name for field in fields(kind)))
    return lambda fact: (kind, values(fact))


# Facts go as their values: asking each for its state, as a dataclass has it, takes five times as long.
_FACTS = (Effect, Marker, SqlFile, Statement, Unreadable, Finding)
_TABLE: dict[type[Any], Callable[[Any], Any]] = {**copyreg.dispatch_table, **{kind: _reduce(kind) for kind in _FACTS}}
