"""What hides in a DO block: its PL/pgSQL statements as effects, each at its own line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from namecard_release.adapters.sql.parser import Refused, parse
from namecard_release.adapters.sql.scanning import opaque
from namecard_release.adapters.sql.statements import read_statement
from namecard_release.adapters.sql.templates import read_template
from namecard_release.adapters.sql.trees import Lines, Node, Scope, calls
from namecard_release.domain.sql import Effect, Obstacle, Trait, Unreadable, Verb

# A PL/pgSQL statement or expression: its kind, its fields with `lineno` and `told`, whether it may be skipped.
Part = tuple[str, dict[str, Any], bool]
# Expressions that PL/pgSQL parses as such, for which SELECT makes a statement.
_EXPRESSION_MODES = (2, 3, 4)
# Where PL/pgSQL's statements hold the text that they execute.
_DYNAMIC = {
    "PLpgSQL_stmt_dynexecute": "query",
    "PLpgSQL_stmt_dynfors": "query",
    "PLpgSQL_stmt_open": "dynquery",
    "PLpgSQL_stmt_return_query": "dynquery",
}


def read_body(node: Node, text: str, line: int, scope: Scope) -> Iterator[Effect | Unreadable]:
    """Give the effects of a DO statement's body, marked NESTED; its text starts at `line` of the file.

    A language other than PL/pgSQL, and a body that its parser refuses, cannot be read.
    """
    import orjson
    from pglast.error import Error
    from pglast.parser import parse_plpgsql_json

    language = next((d.arg.sval for d in node.args if d.defname == "language"), "plpgsql")
    if language != "plpgsql":
        yield Unreadable(line, Obstacle.BODY, f"a DO block in {language} cannot be read")
        return
    try:
        tree = orjson.loads(parse_plpgsql_json(text))
    except (Error, ValueError) as error:
        yield Unreadable(line, Obstacle.BODY, f"a DO block cannot be read: {error}")
        return
    # The first that is no comment is the body's string: the language, where it comes first, is told by a name.
    quoted = (s for s in opaque(text) if not s.is_comment and text[s.start] != '"')
    body = line + next((text.count("\n", 0, s.start) for s in quoted), 0)
    parts: list[Part] = []
    _gather(tree, parts)
    whole = _returns_early(parts)
    for kind, part, branch in parts:
        path = scope.path
        for found in _read_part(kind, part, body, scope):
            yield _marked(found, Trait.CONDITIONAL) if isinstance(found, Effect) and (branch or whole) else found
        if scope.path != path and (branch or whole):
            scope.doubt_path()


def _returns_early(parts: Iterable[Part]) -> bool:
    """Tell whether the body may end before its last statement; the parser's own RETURN at the end has no line."""
    kinds = ("PLpgSQL_stmt_return", "PLpgSQL_stmt_exit")
    return any(kind in kinds and part["told"] for kind, part, _ in parts)


def _gather(tree: Any, parts: list[Part], lineno: int = 1, branch: bool = False) -> None:
    """Add every PL/pgSQL statement and expression with the line it is on; an expression has its statement's.

    The last value is True for what may be skipped or undone: in a branch, a loop, a block that catches errors.
    """
    if isinstance(tree, list):
        for item in tree:
            _gather(item, parts, lineno, branch)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if not isinstance(value, dict | list):
                continue
            below, inner = lineno, branch
            if key.startswith("PLpgSQL_") and isinstance(value, dict):
                below = value.get("lineno", lineno)
                parts.append((key, {**value, "lineno": below, "told": "lineno" in value}, branch))
                inner = branch or key in _BRANCHES or "exceptions" in value
            _gather(value, parts, below, inner)


_BRANCHES = frozenset(
    f"PLpgSQL_stmt_{word}" for word in ("if", "case", "loop", "while", "fori", "fors", "forc", "foreach_a", "dynfors")
)


def _read_part(kind: str, part: dict[str, Any], body: int, scope: Scope) -> Iterator[Effect | Unreadable]:
    line = body + part["lineno"] - 1
    if kind in ("PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback"):
        yield _marked(Effect(Verb.TRANSACTION, line, name=kind.rpartition("_")[2]))
    elif kind in _DYNAMIC and (text := part.get(_DYNAMIC[kind])) is not None:
        yield from _read_dynamic(text["PLpgSQL_expr"]["query"], line, scope)
    elif kind == "PLpgSQL_expr":
        yield from _read_query(part, line, scope)


def _read_dynamic(expression: str, line: int, scope: Scope) -> Iterator[Effect]:
    """Tell dynamic SQL, and what its text does as far as it can be read: DYNAMIC, as names may be filled in."""
    statements = read_template(expression)
    traits = frozenset() if statements is None else frozenset({Trait.READABLE})
    yield _marked(Effect(Verb.DYNAMIC, line, name="execute", traits=traits))
    for node in statements or ():
        for effect in read_statement(node, scope, line):
            # PL/pgSQL refuses them at run time: "EXECUTE of transaction commands is not implemented".
            if effect.verb is not Verb.QUERY or effect.columns:
                yield _marked(effect, Trait.DYNAMIC)


def _read_query(part: dict[str, Any], line: int, scope: Scope) -> Iterator[Effect | Unreadable]:
    mode = part.get("parseMode", 0)
    query = part["query"]
    if mode in _EXPRESSION_MODES:
        target, assigned, value = query.partition(":=")
        if assigned and mode == 3:
            # What stands in an array's brackets is evaluated as well.
            query = f"{target}, {value}" if "[" in target else value
        query = f"select {query}"
    try:
        statements = parse(query)
    except Refused as error:
        if mode == 0:
            yield Unreadable(line, Obstacle.BODY, f"a statement in a DO block cannot be read: {error.message}")
        else:
            yield _marked(Effect(Verb.DYNAMIC, line, name="an expression that cannot be read"))
        return
    for offset, _, node in statements:
        if mode in _EXPRESSION_MODES:
            if names := calls(node):
                yield _marked(Effect(Verb.QUERY, line, columns=names))
            continue
        at = line + Lines(query).at(offset) - 1
        yield from (_marked(effect) for effect in read_statement(node, scope, at))


def _marked(effect: Effect, *more: Trait) -> Effect:
    return replace(effect, traits=effect.traits | {Trait.NESTED, *more})
