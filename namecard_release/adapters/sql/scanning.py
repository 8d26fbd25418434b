"""A text cut as PostgreSQL's scanner sees it: comments, strings, statements, psql's commands. No parsing here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from namecard_release.adapters.sql.trees import skip_nothing

_SENDS = re.compile(r"\\(?:g\w*|crosstabview|;|watch)")
# psql's commands (its documentation, "Meta-Commands"); any other backslash is a plain syntax error.
_PSQL = re.compile(
    r"""\\(?:!|\?|;|\.|:|a|bind\w*|c|C|cd|close\w*|conninfo|connect|copy|copyright|crosstabview|d[A-Za-z]{0,5}\+?|e|echo|ef|elif
    |else|encoding|endif|endpipeline|errverbose|ev|f|g\w*|h|H|help|html|i|if|ir|include|include_relative|l|list|lo_\w+|o|out
    |p|parse|password|pset|print|prompt|q|qecho|quit|r|reset|restrict|s|set|setenv|sf|startpipeline|sv|t|T|timing|unrestrict
    |unset|w|warn|watch|write|x|z)(?![A-Za-z_])""",
    re.VERBOSE,
)
# fmt: off
_ARTICLES = frozenset({
    "a", "an", "the", "this", "that", "these", "those", "your", "our", "my", "their", "its", "it", "us", "me", "you",
    "we", "they", "some", "every", "each", "to", "for", "what",
})
# The first words of SQL commands (PostgreSQL documentation, part VI, "SQL Commands").
_COMMANDS = frozenset({
    "abort", "alter", "analyse", "analyze", "begin", "call", "checkpoint", "close", "cluster", "comment", "commit",
    "copy", "create", "deallocate", "declare", "delete", "discard", "do", "drop", "end", "execute", "explain",
    "fetch", "grant", "import", "insert", "listen", "load", "lock", "merge", "move", "notify", "prepare", "reassign",
    "refresh", "reindex", "release", "reset", "revoke", "rollback", "savepoint", "security", "select", "set", "show",
    "start", "table", "truncate", "unlisten", "update", "vacuum", "values", "with",
})
# fmt: on
# Words that start a sentence, or a line of another language, as well; with what must follow for it to be SQL.
_FOLLOWERS = {
    "comment": frozenset({"on"}),
    "import": frozenset({"foreign"}),
    "security": frozenset({"label"}),
    "start": frozenset({"transaction"}),
    "reassign": frozenset({"owned"}),
    "refresh": frozenset({"materialized"}),
}
# What a merge leaves behind stands before a statement.
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})[^\n]*", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]+")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a text that holds no SQL words: a comment, a string, a quoted name or a dollar quote."""

    start: int
    end: int
    is_comment: bool


_OPAQUE = re.compile(
    r"""(?P<comment>--[^\n]*|/\*)
    | (?P<escape>(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*(?:'|$))
    | (?P<string>'(?:[^']|'')*(?:'|$))
    | (?P<name>"(?:[^"]|"")*(?:"|$))
    | (?P<dollar>(?<![\w$])\$(?P<tag>[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$)""",
    re.VERBOSE | re.DOTALL,
)


def opaque(text: str) -> Iterator[Stretch]:
    """Give the stretches of a text that hold no SQL words, in order; one that is never closed goes to the end."""
    at = 0
    while (stretch := _next(text, at)) is not None:
        yield stretch
        at = stretch.end


def _next(text: str, at: int) -> Stretch | None:
    found = _OPAQUE.search(text, at)
    if found is None:
        return None
    end = found.end()
    if found["dollar"]:
        close = text.find(found["dollar"], end)
        end = len(text) if close < 0 else close + len(found["dollar"])
    elif found["comment"] == "/*":
        end = _close_comment(text, found.start())
    return Stretch(found.start(), end, found["comment"] is not None)


def _close_comment(text: str, start: int) -> int:
    depth, at = 1, start + 2
    while depth and at < len(text):
        pair = text[at : at + 2]
        depth += (pair == "/*") - (pair == "*/")
        at += 2 if pair in ("/*", "*/") else 1
    return at


def pieces(text: str) -> Iterator[tuple[str, int]]:
    """Cut a text at the semicolons that end statements; the pieces, semicolon kept, with their offsets.

    As psql does, a semicolon within brackets ends nothing, nor one in a body that starts with BEGIN ATOMIC.
    """
    begin = 0
    for stop in (*_stops(text), len(text)):
        piece = text[begin:stop]
        if skip_nothing(piece, 0) < len(piece.rstrip("; \t\r\n")):
            yield piece, begin
        begin = stop


_TOKEN = re.compile(r"[();]|\b(?:begin\s+atomic|case|end)\b", re.IGNORECASE)


def _stops(text: str) -> Iterator[int]:
    """Give the offsets behind the semicolons that end statements."""
    brackets = bodies = at = 0
    for stretch in (*opaque(text), Stretch(len(text), len(text), False)):
        for found in _TOKEN.finditer(text, at, stretch.start):
            word = found[0].lower()
            if word in "()":
                brackets = max(0, brackets + (1 if word == "(" else -1))
            elif word == ";":
                if not brackets and not bodies:
                    yield found.end()
            elif word.startswith("begin") or (word == "case" and bodies):
                bodies += 1
            elif word == "end":
                bodies = max(0, bodies - 1)
        at = stretch.end


def looks_like_sql(piece: str) -> bool:
    """Tell whether a piece that the parser refuses was meant as SQL: it starts as one of its commands does.

    English that starts with a command's word ("Update the table ...") is told by its second word and its open end.
    """
    piece = _CONFLICT.sub("", piece)
    words = iter(_words(piece))
    first, second = next(words, ""), next(words, "")
    if first not in _COMMANDS:
        return piece.startswith("(", skip_nothing(piece, 0))
    followers = _FOLLOWERS.get(first)
    if followers is not None:
        return second in followers
    return second not in _ARTICLES or piece.rstrip().endswith(";")


def _words(piece: str) -> Iterator[str]:
    at = skip_nothing(piece, 0)
    while (found := _WORD.match(piece, at)) is not None:
        yield found[0].lower()
        at = skip_nothing(piece, found.end())


def blank_psql(text: str) -> tuple[str, list[tuple[int, str]]]:
    """Blank psql's commands out, so that the statements around them can be read; with their offsets and words."""
    clean, told, at = text, [], 0
    while (found := _PSQL.search(clean, at)) is not None:
        start, stretch = found.start(), _next(clean, at)
        if stretch is not None and stretch.start < start:
            at = stretch.end
            continue
        end = len(clean) if (stop := clean.find("\n", start)) < 0 else stop
        told.append((start, found[0]))
        # A command that sends what stands before it ends that statement.
        first = ";" if _SENDS.match(found[0]) else " "
        clean = clean[:start] + first + " " * (end - start - 1) + clean[end:]
        at = end
    return clean, told
