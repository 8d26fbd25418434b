"""A migration file read into the domain's facts: statements, what cannot be read, markers. Nothing is judged here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Lock

from namecard_release.adapters.sql.bodies import read_body
from namecard_release.adapters.sql.parser import Refused, find, parse
from namecard_release.adapters.sql.scanning import blank_psql, looks_like_sql, opaque, pieces
from namecard_release.adapters.sql.statements import read_statement
from namecard_release.adapters.sql.trees import Lines, Node, Scope, skip_nothing
from namecard_release.domain.sql import Effect, Marker, Obstacle, SqlFile, Statement, Unreadable, Verb
from namecard_release.errors import MisuseError

# Rules are parted by commas; what follows the last is the writer's reason.
_MARKER = re.compile(r"lint-ignore\s*:\s*([a-z0-9][a-z0-9_:-]*(?:\s*,\s*[a-z0-9][a-z0-9_:-]*)*)", re.IGNORECASE)
_KEPT_FILES = 2048
# Lint, plan and verdict ask for the same texts, under their paths or their names: each is read once.
_KEPT: dict[str, SqlFile] = {}
_KEEPING = Lock()
_ADDS = re.compile(r"add\s+value", re.IGNORECASE)
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
# A statement's text, its offset in the file, its tree.
Raw = tuple[str, int, Node]


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
    """Read SQL text into typed facts; `name` stands for the file in what is told. The newest are kept.

    Raises MisuseError when the text is no SQL: it has words, and no piece of it starts as an SQL command does.
    """
    try:
        return replace(_read_once(text), name=name)
    except Refused as error:
        raise MisuseError(f"{name} is not SQL: {error.message}") from None


def forget_files() -> None:
    """Forget the files that were kept, so that they are read anew."""
    _KEPT.clear()


def keep(text: str, file: SqlFile) -> None:
    """Keep what was read of a text, so that it is not read again."""
    with _KEEPING:
        _KEPT[text] = file
        if len(_KEPT) > _KEPT_FILES:
            del _KEPT[next(iter(_KEPT))]


def _read_once(text: str) -> SqlFile:
    found = _KEPT.get(text)
    if found is None:
        found = _read_anew(text)
        keep(text, found)
    return found


def _read_anew(text: str) -> SqlFile:
    if "\0" in text:
        raise Refused("it holds NUL bytes", text.index("\0"))
    markers = tuple(_markers(text)) if "lint-ignore" in text.lower() else ()
    raws = _parse(text)
    if isinstance(raws, Refused):
        return _read_piecemeal(text, markers, raws)
    return SqlFile("", *_collect(raws, text), markers)


def _collect(raws: list[Raw], text: str) -> tuple[tuple[Statement, ...], tuple[Unreadable, ...]]:
    lines, scope = Lines(text), Scope()
    statements: list[Statement] = []
    unreadable: list[Unreadable] = []
    adds_values = any(type(node).__name__ in ("AlterEnumStmt", "DoStmt") for _, _, node in raws) and _ADDS.search(text)
    for piece, offset, node in raws:
        blank = skip_nothing(piece, 0)
        line = lines.at(offset + blank)
        effects: list[Effect] = []
        for found in _read(node, piece[blank:], line, scope):
            if isinstance(found, Effect):
                effects.append(found)
            else:
                unreadable.append(found)
        literals = _literals(node, piece) if adds_values else ()
        statements.append(Statement(line, piece[blank:].rstrip(), tuple(effects), literals))
    return tuple(statements), tuple(unreadable)


def _read(node: Node, text: str, line: int, scope: Scope) -> Iterator[Effect | Unreadable]:
    if type(node).__name__ != "DoStmt":
        yield from read_statement(node, scope, line)
        return
    yield Effect(Verb.DO, line)
    yield from read_body(node, text, line, scope)


def _literals(node: Node, piece: str) -> tuple[str, ...]:
    """Give the string constants of a statement that is run; a DO block's are looked for in its text."""
    if type(node).__name__ == "DoStmt":
        return tuple(match[1] for match in re.finditer(r"'((?:[^']|'')*)'", piece))
    found = (n.val for n in find(node, "A_Const"))
    return tuple(str(value.sval) for value in found if hasattr(value, "sval"))


def _read_piecemeal(text: str, markers: tuple[Marker, ...], whole: Refused) -> SqlFile:
    """Read a file that the parser refuses as a whole: psql's commands apart, then statement by statement."""
    clean, problems = _without_psql(text)
    lines = Lines(clean)
    raws: list[Raw] = []
    found = tuple(pieces(clean))
    # Without any piece it is a comment that is never closed.
    sql = not found or any(problem.obstacle is Obstacle.PSQL for problem in problems)
    for piece, offset in found:
        parsed = _parse(piece, offset)
        if isinstance(parsed, Refused):
            sql = sql or looks_like_sql(piece)
            problems.append(Unreadable(lines.at(offset + parsed.offset), Obstacle.SYNTAX, parsed.message))
        else:
            sql = True
            raws += parsed
    if not sql:
        raise Refused("nothing in it starts as an SQL command does", 0)
    if not problems:
        problems.append(Unreadable(lines.at(whole.offset), Obstacle.SYNTAX, whole.message))
    statements, unreadable = _collect(raws, clean)
    return SqlFile("", statements, tuple(sorted((*problems, *unreadable), key=lambda p: p.line)), markers)


def _parse(text: str, offset: int = 0) -> list[Raw] | Refused:
    """Parse a text that starts at `offset` of its file."""
    try:
        found = parse(text)
    except Refused as error:
        return Refused(error.message, _stop(error.offset, text))
    return [(text[start : start + length], offset + start, node) for start, length, node in found]


def _stop(told: int, text: str) -> int:
    """Place an error: at the last word when the parser wanted more, at the first when it says nothing."""
    return max(skip_nothing(text, 0), min(told, len(text.rstrip()) - 1))


def _without_psql(text: str) -> tuple[str, list[Unreadable]]:
    problems = []
    if text.startswith(_MARK):
        problems.append(Unreadable(1, Obstacle.SYNTAX, "the file starts with a byte order mark, which is no SQL"))
        text = f" {text[1:]}"
    clean, told = blank_psql(text)
    lines = Lines(text)
    problems += [Unreadable(lines.at(at), Obstacle.PSQL, f"psql command {word}") for at, word in told]
    return clean, problems


def _markers(text: str) -> Iterator[Marker]:
    lines = Lines(text)
    for stretch in opaque(text):
        if not stretch.is_comment:
            continue
        for found in _MARKER.finditer(text, stretch.start, stretch.end):
            for rule in found[1].split(","):
                yield Marker(lines.at(found.start()), rule.strip().rstrip(":").lower())
