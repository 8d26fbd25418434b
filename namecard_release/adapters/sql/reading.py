"""A migration file read into the domain's facts: statements, what cannot be read, markers. Nothing is judged here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from namecard_release.adapters.sql.bodies import read_body
from namecard_release.adapters.sql.statements import read_statement
from namecard_release.adapters.sql.trees import Lines, Node, Scope, skip_nothing
from namecard_release.domain.sql import Effect, Marker, Obstacle, SqlFile, Statement, Unreadable, Verb
from namecard_release.errors import MisuseError

_META = re.compile(r"^[ \t]*\\[A-Za-z!?.][^\n]*", re.MULTILINE)
_MARKER = re.compile(r"lint-ignore\s*:\s*([a-z0-9][a-z0-9_, \t-]*)", re.IGNORECASE)
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
# A statement's text, its offset in the file, its tree.
Raw = tuple[str, int, Node]
_WORD = re.compile(r"[A-Za-z]+")
# The first words of SQL commands (PostgreSQL documentation, part VI, "SQL Commands"), and a bracketed query.
# fmt: off
_COMMANDS = frozenset({
    "abort", "alter", "analyze", "begin", "call", "checkpoint", "close", "cluster", "comment", "commit", "copy",
    "create", "deallocate", "declare", "delete", "discard", "do", "drop", "end", "execute", "explain", "fetch",
    "grant", "import", "insert", "listen", "load", "lock", "merge", "move", "notify", "prepare", "reassign",
    "refresh", "reindex", "release", "reset", "revoke", "rollback", "savepoint", "security", "select", "set",
    "show", "start", "table", "truncate", "unlisten", "update", "vacuum", "values", "with",
})
# fmt: on


class PostgresReader:
    """Reads SQL with PostgreSQL's own parser. Keeps the port `SqlReader`."""

    def read(self, name: str, text: str) -> SqlFile:
        """Read SQL text into typed facts. Raises MisuseError for a text that is no SQL."""
        return read_sql(name, text)


def read_file(path: Path) -> SqlFile:
    """Read a file from disk. Raises MisuseError for one that is not there, not UTF-8, or holds no SQL at all."""
    return read_sql(str(path), read_text(path))


def read_text(path: Path) -> str:
    """Give a file's text. Raises MisuseError, in one line, when it is not there or not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise MisuseError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MisuseError(f"{path} is not UTF-8: byte {error.start} cannot be read") from error


def read_sql(name: str, text: str) -> SqlFile:
    """Read SQL text into typed facts; `name` stands for the file in what is told.

    Raises MisuseError when the text is no SQL: it has words, and no piece of it starts as an SQL command does.
    """
    if "\0" in text:
        raise MisuseError(f"{name} is not SQL: it holds NUL bytes")
    markers = tuple(_markers(text)) if "lint-ignore" in text.lower() else ()
    raws = _parse(text)
    if isinstance(raws, str):
        return _read_piecemeal(name, text, markers)
    return SqlFile(name, *_collect(raws, text), markers)


def _collect(raws: list[Raw], text: str) -> tuple[tuple[Statement, ...], tuple[Unreadable, ...]]:
    lines, scope = Lines(text), Scope()
    statements: list[Statement] = []
    unreadable: list[Unreadable] = []
    for piece, offset, node in raws:
        blank = skip_nothing(piece, 0)
        line = lines.at(offset + blank)
        effects: list[Effect] = []
        for found in _read(node, piece[blank:], line, scope):
            if isinstance(found, Effect):
                effects.append(found)
            else:
                unreadable.append(found)
        statements.append(Statement(line, piece[blank:].rstrip(), tuple(effects)))
    return tuple(statements), tuple(unreadable)


def _read(node: Node, text: str, line: int, scope: Scope) -> Iterator[Effect | Unreadable]:
    if type(node).__name__ != "DoStmt":
        yield from read_statement(node, scope, line)
        return
    yield Effect(Verb.DO, line)
    yield from read_body(node, text, line, scope)


def _read_piecemeal(name: str, text: str, markers: tuple[Marker, ...]) -> SqlFile:
    """Read a file that the parser refuses as a whole: psql's commands apart, then statement by statement."""
    clean, problems = _without_psql(text)
    lines = Lines(clean)
    raws: list[Raw] = []
    sql = bool(problems)
    for piece, offset in _pieces(clean):
        start = skip_nothing(piece, 0)
        sql = sql or _starts_command(piece, start)
        parsed = _parse(piece, offset)
        if isinstance(parsed, str):
            problems.append(Unreadable(lines.at(offset + start), Obstacle.SYNTAX, parsed))
        else:
            raws += parsed
    if not sql:
        raise MisuseError(f"{name} is not SQL: nothing in it starts as an SQL command does")
    statements, unreadable = _collect(raws, clean)
    return SqlFile(name, statements, tuple(sorted((*problems, *unreadable), key=lambda p: p.line)), markers)


def _parse(text: str, offset: int = 0) -> list[Raw] | str:
    """Parse a text that starts at `offset` of its file; a string says why it cannot be."""
    from pglast import parse_sql
    from pglast.parser import ParseError

    try:
        found = [(raw.stmt_location or 0, raw.stmt_len or len(text), raw.stmt) for raw in parse_sql(text)]
    except ParseError as error:
        return str(error.args[0])
    except RecursionError:
        return "nested too deeply to be read"
    return [(text[start : start + length], offset + start, node) for start, length, node in found]


def _starts_command(piece: str, start: int) -> bool:
    word = _WORD.match(piece, start)
    return (word is not None and word[0].lower() in _COMMANDS) or piece.startswith("(", start)


def _without_psql(text: str) -> tuple[str, list[Unreadable]]:
    """Blank psql's commands out, each told, so that the statements around them can be read."""
    lines, problems = Lines(text), []
    blanked = list(text)
    if text.startswith(_MARK):
        problems.append(Unreadable(1, Obstacle.SYNTAX, "the file starts with a byte order mark, which is no SQL"))
        blanked[0] = " "
    for found in _meta_commands(text):
        word = found[0].strip().split()[0]
        problems.append(Unreadable(lines.at(found.start()), Obstacle.PSQL, f"psql command {word}"))
        blanked[found.start() : found.end()] = " " * (found.end() - found.start())
    return "".join(blanked), problems


def _meta_commands(text: str) -> Iterator[re.Match[str]]:
    quoted = [(start, end) for start, end, _ in _opaque(text)]
    for found in _META.finditer(text):
        at = found.start() + len(found[0]) - len(found[0].lstrip())
        if not any(start <= at < end for start, end in quoted):
            yield found


def _markers(text: str) -> Iterator[Marker]:
    lines = Lines(text)
    for start, end, comment in _opaque(text):
        if not comment:
            continue
        for found in _MARKER.finditer(text, start, end):
            for rule in re.split(r"[,\s]+", found[1].strip()):
                if rule:
                    yield Marker(lines.at(found.start()), rule.lower())


_OPAQUE = re.compile(
    r"""(?P<comment>--[^\n]*|/\*)
    | (?P<escape>\b[eE]'(?:[^'\\]|\\.|'')*(?:'|$))
    | (?P<string>'(?:[^']|'')*(?:'|$))
    | (?P<name>"(?:[^"]|"")*(?:"|$))
    | (?P<dollar>(?<![\w$])\$(?P<tag>[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$)""",
    re.VERBOSE | re.DOTALL,
)


def _opaque(text: str) -> Iterator[tuple[int, int, bool]]:
    """Give the stretches of a text that are no SQL words: comments (True), strings, quoted names, dollar quotes."""
    at = 0
    while (found := _OPAQUE.search(text, at)) is not None:
        at = found.end()
        if found["dollar"]:
            close = text.find(found["dollar"], at)
            at = len(text) if close < 0 else close + len(found["dollar"])
        elif found["comment"] == "/*":
            at = _close_comment(text, found.start())
        yield found.start(), at, found["comment"] is not None


def _close_comment(text: str, start: int) -> int:
    depth, at = 1, start + 2
    while depth and at < len(text):
        pair = text[at : at + 2]
        depth += (pair == "/*") - (pair == "*/")
        at += 2 if pair in ("/*", "*/") else 1
    return at


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """Cut a text at the semicolons that end statements, as the scanner sees them; the pieces with their offsets."""
    stops: list[int] = []
    at = 0
    for start, end, _ in (*_opaque(text), (len(text), len(text), False)):
        stops += [at + found.start() for found in re.finditer(";", text[at:start])]
        at = end
    begin = 0
    for stop in (*stops, len(text)):
        piece = text[begin:stop]
        if skip_nothing(piece, 0) < len(piece):
            yield piece, begin
        begin = stop + 1
