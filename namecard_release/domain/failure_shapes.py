"""How each tool tells a failure in its lines: one small reader a tool. Whose lines they are is in `failures`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

_MOST_SPOTS = 200


@dataclass
class Spot:
    """A failure while it is read: later lines may tell its place and why; `weak` counts only when nothing else does."""

    place: str
    what: str
    why: str = ""
    weak: bool = False
    dropped: bool = False


@dataclass
class Found:
    """The spots of one package, as many as are worth keeping."""

    spots: list[Spot] = field(default_factory=list)

    def add(self, place: str, what: str, *, weak: bool = False) -> Spot:
        """Keep a spot; past the bound it is given but not kept."""
        spot = Spot(place, what, weak=weak)
        kept = sum(1 for one in self.spots if one.weak is weak and not one.dropped)
        if kept < _MOST_SPOTS and len(self.spots) < 4 * _MOST_SPOTS:
            self.spots.append(spot)
        return spot


class Shape(Protocol):
    """Reads the lines of one tool."""

    def read(self, line: str, found: Found) -> None:
        """Take one line, and keep what it tells."""
        ...


def every_shape() -> tuple[Shape, ...]:
    """Give a fresh reader of each kind, for one package's lines."""
    return (Eslint(), Compilers(), Tap(), Spec(), Suites(), Plain())


class Eslint:
    """eslint's `stylish` output: the file on a line of its own, then `line:col  error  message  rule`."""

    _file = re.compile(r"(?:/|[A-Z]:\\|\w)\S*\.(?:[cm]?[jt]sx?|vue|svelte|json)")
    _row = re.compile(r"\s+(\d+:\d+)\s+(error|warning)\s+(.*?)(?:\s{2,}(\S+))?\s*")

    def __init__(self) -> None:
        self._current = ""

    def read(self, line: str, found: Found) -> None:
        """Take one line. A warning counts only when nothing else failed (`--max-warnings`)."""
        if self._file.fullmatch(line):
            self._current = line
        elif self._current and (row := self._row.fullmatch(line)):
            position, level, message, rule = row.groups()
            what = f"{rule}: {message}" if rule else message
            found.add(f"{self._current}:{position}", what, weak=level == "warning")


class Compilers:
    """tsc, plain and pretty, and esbuild, its command and its library."""

    _tsc = re.compile(r"(\S.*?)(?:\((\d+),(\d+)\):|:(\d+):(\d+) -) error (TS\d+: .*)")
    _tsc_alone = re.compile(r"error (TS\d+: .*)")
    _esbuild = re.compile(r"[✘X] \[ERROR\] (.*)")
    _esbuild_place = re.compile(r"\s+(\S+:\d+:\d+):")
    _esbuild_thrown = re.compile(r"(\S+:\d+:\d+): ERROR: (.*)")

    def __init__(self) -> None:
        self._open: Spot | None = None

    def read(self, line: str, found: Found) -> None:
        """Take one line."""
        if hit := self._tsc.fullmatch(line):
            found.add(f"{hit[1]}:{hit[2] or hit[4]}:{hit[3] or hit[5]}", hit[6])
        elif hit := self._tsc_alone.fullmatch(line):
            found.add("", hit[1])
        elif hit := self._esbuild.fullmatch(line):
            self._open = found.add("", hit[1])
        elif hit := self._esbuild_thrown.fullmatch(line):
            found.add(hit[1], hit[2])
        elif self._open is not None and (hit := self._esbuild_place.fullmatch(line)):
            self._open.place, self._open = hit[1], None


class Tap:
    """TAP as node's test runner prints it: `not ok 3 - name`, nested by four blanks, then a YAML block."""

    _subtest = re.compile(r"(\s*)# Subtest: (.*)")
    _not_ok = re.compile(r"(\s*)not ok \d+(?: - (.*?))?(\s+# (?:SKIP|TODO)\b.*)?", re.IGNORECASE)
    _field = re.compile(r"\s+(location|failureType|error): (.*)")

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._open: Spot | None = None
        self._reads_why = False

    def read(self, line: str, found: Found) -> None:
        """Take one line."""
        if subtest := self._subtest.fullmatch(line):
            indent = len(subtest[1])
            self._names = {at: name for at, name in self._names.items() if at < indent} | {indent: subtest[2]}
        elif failed := self._not_ok.fullmatch(line):
            above = [name for at, name in self._names.items() if at < len(failed[1])]
            path = " > ".join([*above, failed[2] or "a test without a name"])
            self._open = None if failed[3] else found.add("", path)
            self._reads_why = False
        elif self._open is not None:
            self._amend(self._open, line)

    def _amend(self, spot: Spot, line: str) -> None:
        if self._reads_why and line.strip():
            spot.why = f"{spot.why} {line.strip()}".strip()
            self._reads_why = spot.why.endswith(":")
        elif line.strip() == "...":
            self._open = None
        elif told := self._field.fullmatch(line):
            name, value = told[1], told[2].strip("'\"")
            if name == "location":
                spot.place = value
            elif name == "failureType":
                # A suite fails because of the tests in it, and those are told by themselves.
                spot.dropped = value == "subtestsFailed"
            else:
                self._reads_why = value.startswith("|")
                spot.why = "" if self._reads_why else value


class Spec:
    """The `spec` reporter of node's test runner: `▶ group`, `✖ test (1.2ms)`, and a summary that tells the places."""

    _group = re.compile(r"(\s*)▶ (.*?)(?: \([\d.]+ms\))?")
    _failed = re.compile(r"(\s*)✖ (?!\d+ problems? \()(.*?)(?: \([\d.]+ms\))?")
    _at = re.compile(r"test at (\S+:\d+:\d+)")

    def __init__(self) -> None:
        self._groups: dict[int, tuple[str, int]] = {}
        self._leaves: dict[str, Spot] = {}
        self._place = ""
        self._open: Spot | None = None

    def read(self, line: str, found: Found) -> None:
        """Take one line."""
        if group := self._group.fullmatch(line):
            indent = len(group[1])
            above = {at: one for at, one in self._groups.items() if at < indent}
            self._groups = above | {indent: (group[2], len(self._leaves))}
        elif at := self._at.fullmatch(line.strip()):
            self._place = at[1]
        elif failed := self._failed.fullmatch(line):
            self._fail(len(failed[1]), failed[2], found)
        elif self._open is not None and line.strip():
            self._open.why = f"{self._open.why} {line.strip()}".strip()
            if not self._open.why.endswith(":"):
                self._open = None

    def _fail(self, indent: int, name: str, found: Found) -> None:
        if name == "failing tests:":
            self._groups.clear()
            return
        group = self._groups.pop(indent, None)
        if group is not None and group[0] == name and len(self._leaves) > group[1]:
            return
        known = self._leaves.get(name)
        if known is None or not self._place:
            above = [one for at, (one, _) in self._groups.items() if at < indent]
            known = self._leaves[name] = found.add("", " > ".join([*above, name]))
        self._open = None if known.why else known
        known.place, self._place = self._place or known.place, ""


class Suites:
    """vitest (`FAIL  file > group > test`), jest (`FAIL file`, a bullet, the test), Playwright (`1) file:l:c`)."""

    _vitest = re.compile(r"FAIL\s+(?:\|[^|]+\|\s+)?(\S+\.\w+)(?: > (.*)|\s+\[ .* \])")
    _vitest_early = re.compile(r"\s+[\u00d7\u2717] (.*?)(?: \d+m?s)?")
    _jest = re.compile(r"FAIL\s+(?:\S+ )?(\S+\.\w+)(?: \([\d.]+ m?s\))?")
    _jest_test = re.compile(r"● (.*)")
    _playwright = re.compile(r"\d+\) (?:\[[^\]]+\] \u203a )?(\S+?:\d+:\d+) \u203a (.*?)[\s─]*")
    _position = re.compile(r"(?:\u276f|at .*?\(?)\s*([^\s()]+:\d+:\d+)\)?")

    def __init__(self) -> None:
        self._file = ""
        self._open: Spot | None = None

    def read(self, line: str, found: Found) -> None:
        """Take one line."""
        text = line.strip()
        if hit := self._vitest.fullmatch(text):
            self._begin(hit[1], hit[2] or "the file could not be run", found)
        elif hit := self._jest.fullmatch(text):
            self._file, self._open = hit[1], None
            found.add(hit[1], "has failing tests", weak=True)
        elif self._file and (hit := self._jest_test.fullmatch(text)):
            self._begin(self._file, hit[1], found)
        elif hit := self._playwright.fullmatch(text):
            self._begin(hit[1], hit[2], found)
        elif hit := self._vitest_early.fullmatch(line):
            found.add("", hit[1], weak=True)
        elif self._open is not None and text:
            self._amend(self._open, text)

    def _begin(self, file: str, what: str, found: Found) -> None:
        self._file, self._open = file, found.add(file, what)

    def _amend(self, spot: Spot, text: str) -> None:
        at = self._position.fullmatch(text)
        if at is not None and at[1].rpartition(":")[0].rpartition(":")[0].endswith(spot.place):
            spot.place, self._open = at[1], None
        elif at is None:
            spot.why = spot.why or text


class Plain:
    """What the platform's own scripts print: `file.sql:3 rule message`, `MISSING file: marker`, `ERROR: message`."""

    _sql = re.compile(r"(\S+\.sql:\d+)(?::\d+)?[:\s]\s*(.*)")
    _missing = re.compile(r"\W*MISSING:?\s+(\S*[./]\S*?):?\s+(\S.*)", re.IGNORECASE)
    _missing_somehow = re.compile(r"\W*(MISSING\b.*)", re.IGNORECASE)
    _error = re.compile(r"(?:❌\s*)?(?:ERROR|Error|\w+Error|\[FAIL\]|FAIL(?=:)|❌)(?: \[\w+\])?:?\s+(\S.*)")
    _path = re.compile(r"([\w./-]+/[\w.-]+\.\w+\S*|\w+\.(?:md|json)\S*)\s+(.*)")

    def read(self, line: str, found: Found) -> None:
        """Take one line."""
        if hit := self._sql.fullmatch(line):
            found.add(hit[1], hit[2])
        elif hit := self._missing.fullmatch(line):
            found.add(hit[1], f"marker missing: {hit[2]}")
        elif hit := self._missing_somehow.fullmatch(line):
            found.add("", hit[1], weak=True)
        elif hit := self._error.fullmatch(line):
            split = self._path.fullmatch(hit[1])
            place, what = (split[1].rstrip(":"), split[2]) if split else ("", hit[1])
            found.add(place, what, weak=True)
