"""Which package and which test failed, read from what the platform's commands print. What one tool's lines look like
is in `failure_shapes`; what a failure means for a gate is in `gates`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from namecard_release.domain.failure_shapes import Found, Shape, Spot, every_shape
from namecard_release.domain.failures import Failure

MOST_FAILURES = 50
_MOST_PACKAGES = 500
_LONGEST = 300
_LONGEST_LINE = 1000
# pnpm announces `services/auth test$ node ...` and then begins that package's lines with `services/auth test: `.
_STARTED = re.compile(r"(\S+) (\S+)\$ ")
_HEADER = re.compile(r"> (\S+?)(?:@\d\S*)? (\S+) (/.*)")
_FOLDER = re.compile(r"(/.*):")
_FAILED = re.compile(r"\s*(?:ERR_PNPM_RECURSIVE_RUN_FIRST_FAIL|ERROR)\s+(@?[^\s@]+)@\S+ (\S+): `(.*)`")


@dataclass
class _Package:
    """What was read of one package's lines; `folder` is relative to the workspace where pnpm tells it so."""

    folder: str
    name: str = ""
    command: str = ""
    found: Found = field(default_factory=Found)
    shapes: tuple[Shape, ...] = field(default_factory=every_shape)

    def take(self, line: str) -> None:
        for shape in self.shapes:
            shape.read(line, self.found)


class FailureReader:
    """Reads a command's output line by line and keeps what failed; it holds a bounded number of failures.

    Lines are those of pnpm 8 (`pnpm -r run`, prefixed by package) around eslint, tsc, node's test runner (TAP and
    spec), vitest, jest, Playwright and esbuild. No line is an error: what is not known is passed over.
    """

    def __init__(self) -> None:
        self._packages: dict[str, _Package] = {"": _Package("")}
        self._prefixes: dict[str, str] = {}
        self._current = ""
        self._told_folder = ""

    def take(self, line: str) -> None:
        """Read the next line."""
        line = line[:_LONGEST_LINE]
        if started := _STARTED.match(line):
            if len(self._prefixes) < _MOST_PACKAGES:
                self._prefixes[f"{started[1]} {started[2]}:"] = started[1]
        elif header := _HEADER.fullmatch(line):
            # Of one package alone pnpm prints the lines as they are, after this header.
            self._current = header[3]
            self._package(header[3]).name = header[1]
        elif failed := _FAILED.fullmatch(line):
            package = self._package(self._known_folder(self._told_folder))
            package.name, package.command = failed[1], f"`{failed[3]}` failed"
        else:
            self._take_output(line)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What failed so far: packages that pnpm named first, no failure twice, at most MOST_FAILURES."""
        named = [package for package in self._packages.values() if package.command]
        others = [package for package in self._packages.values() if not package.command]
        told = [failure for package in named for failure in _tell(package, weak=True)]
        told += [failure for package in others for failure in _tell(package, weak=not named)]
        return tuple(dict.fromkeys(told))[:MOST_FAILURES]

    def _take_output(self, line: str) -> None:
        folder, text = self._split(line)
        if told := _FOLDER.fullmatch(line):
            self._told_folder = told[1]
        self._package(folder).take(text)

    def _split(self, line: str) -> tuple[str, str]:
        first, _, rest = line.partition(" ")
        second, _, text = rest.partition(" ")
        folder = self._prefixes.get(f"{first} {second}")
        return (self._current, line) if folder is None else (folder, text)

    def _known_folder(self, absolute: str) -> str:
        ends = (
            folder
            for folder in (*self._packages, *self._prefixes.values())
            if folder and f"{absolute}/".endswith(f"/{folder}/")
        )
        return max(ends, key=len, default=absolute)

    def _package(self, folder: str) -> _Package:
        if folder not in self._packages and len(self._packages) >= _MOST_PACKAGES:
            return self._packages[""]
        return self._packages.setdefault(folder, _Package(folder))


def read_failures(lines: Iterable[str]) -> tuple[Failure, ...]:
    """Read a whole output, as FailureReader does."""
    reader = FailureReader()
    for line in lines:
        reader.take(line)
    return reader.failures


def _tell(package: _Package, *, weak: bool) -> list[Failure]:
    spots = [spot for spot in package.found.spots if not spot.dropped]
    strong = [spot for spot in spots if not spot.weak]
    chosen = strong or (spots if weak else [])
    name = package.name or package.folder
    if not chosen and package.command:
        return [Failure(name, "", package.command[:_LONGEST])]
    return [_failure(name, package.folder, spot) for spot in chosen]


def _failure(name: str, folder: str, spot: Spot) -> Failure:
    what = f"{spot.what}: {spot.why}" if spot.why else spot.what
    return Failure(name, _within(folder, spot.place)[:_LONGEST], what[:_LONGEST])


def _within(folder: str, place: str) -> str:
    """Make a place relative to its package."""
    if not folder:
        return place
    _, found, rest = f"/{place}".partition(f"{folder.rstrip('/')}/" if folder[0] == "/" else f"/{folder}/")
    return rest if found else place
