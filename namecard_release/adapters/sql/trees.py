"""Walking the parser's trees: nodes, names, lines, the search path. What a statement means belongs beside."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from namecard_release.adapters.sql.parser import find
from namecard_release.domain.sql import SETVAL_TO_CONSTANT

# The fields of PostgreSQL's nodes are typed nowhere; every node is an Any here.
Node = Any

_NOTHING = re.compile(r"(?:\s+|--[^\n]*)*")
_NULL_TESTS = ("NullTest", "BooleanTest", "CoalesceExpr", "CaseExpr", "SubLink")
_NULL_SPOTTERS = frozenset({"num_nulls", "num_nonnulls", "coalesce"})


@dataclass
class Scope:
    """What names mean at a place in a file: the search path's first schema and the temporary tables made so far."""

    path: str = "public"
    temporary: set[str] = field(default_factory=set)

    def relation(self, var: Node) -> str:
        """Give a RangeVar's full name."""
        if var is None:
            return ""
        if var.schemaname:
            return f"{var.schemaname}.{var.relname}"
        return self.qualify(var.relname)

    def qualify(self, name: str) -> str:
        """Give a bare name its schema."""
        return f"pg_temp.{name}" if name in self.temporary else f"{self.path}.{name}"

    def makes_temporary(self, var: Node) -> bool:
        """Tell whether the relation that a RangeVar makes is temporary; its bare name then means it from here on."""
        temporary: bool = var.relpersistence == "t"
        if temporary:
            self.temporary.add(var.relname)
        return temporary

    def dotted(self, parts: Node) -> str:
        """Give the full name of a list of String nodes."""
        words = strings(parts)
        return self.qualify(words[0]) if len(words) == 1 else ".".join(words[-2:])


class Lines:
    """From a character's offset in a text to its 1-based line."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def at(self, offset: int) -> int:
        """Give the line of an offset."""
        return bisect_right(self._starts, offset)


def skip_nothing(text: str, offset: int) -> int:
    """Skip blanks and comments, nested block comments too, up to the next word."""
    while True:
        found = _NOTHING.match(text, offset)
        offset = found.end() if found else offset
        if not text.startswith("/*", offset):
            return offset
        depth, offset = 1, offset + 2
        while depth and offset < len(text):
            pair = text[offset : offset + 2]
            depth += (pair == "/*") - (pair == "*/")
            offset += 2 if pair in ("/*", "*/") else 1


def strings(parts: Node) -> tuple[str, ...]:
    """Give the words of a list of String nodes, or of one."""
    if parts is None:
        return ()
    if isinstance(parts, list | tuple):
        return tuple(part.sval for part in parts if type(part).__name__ == "String")
    return (parts.sval,) if type(parts).__name__ == "String" else ()


def calls(node: Node) -> tuple[str, ...]:
    """Give the names of the functions called at or below a node, a schema kept unless it is pg_catalog."""
    return tuple(map(_call_name, find(node, "FuncCall")))


def function_name(node: Node) -> str:
    """Give a FuncCall's function, a schema kept unless it is pg_catalog."""
    words = strings(node.funcname)
    return ".".join(words[1:] if words[0] == "pg_catalog" else words)


def _call_name(node: Node) -> str:
    name = function_name(node)
    # Setting a sequence to a number that the file makes up is another thing than to what the rows have.
    if name == "setval" and not any(find(node.args[1:], "FuncCall", "ColumnRef", "SubLink")):
        return SETVAL_TO_CONSTANT
    return name


def tests_null(node: Node) -> bool:
    """Tell whether an expression can be false, rather than null, where a column is null."""
    return any(map(_tests_null, find(node, *_NULL_TESTS, "A_Expr", "FuncCall")))


def _tests_null(node: Node) -> bool:
    kind = type(node).__name__
    if kind == "A_Expr":
        return node.kind in ("AEXPR_DISTINCT", "AEXPR_NOT_DISTINCT")
    return kind != "FuncCall" or strings(node.funcname)[-1] in _NULL_SPOTTERS


def casts(node: Node) -> bool:
    """Tell whether an expression casts something to other than text."""
    return any(
        strings(n.typeName.names)[-1] not in ("text", "varchar", "bpchar") and type(n.arg).__name__ != "A_Const"
        for n in find(node, "TypeCast")
    )


def columns_in(node: Node) -> tuple[str, ...]:
    """Give the columns that an expression names, in no order."""
    refs = find(node, "ColumnRef")
    return tuple(sorted({words[-1] for ref in refs if (words := strings(ref.fields))}))


def type_name(node: Node) -> str:
    """Give a TypeName as text: `varchar(20)`, `cards.state`, `int4[]`."""
    if node is None:
        return ""
    words = strings(node.names)
    name = ".".join(words[1:] if words[:1] == ("pg_catalog",) else words)
    sizes = [str(mod.val.ival) for mod in node.typmods or () if hasattr(getattr(mod, "val", None), "ival")]
    return name + (f"({','.join(sizes)})" if sizes else "") + "[]" * len(node.arrayBounds or ())


def keys(parts: Sequence[Node] | None) -> tuple[str, ...]:
    """Give the column names of an index's or a constraint's parts; an expression's own columns for an expression."""
    names: list[str] = []
    for part in parts or ():
        if getattr(part, "name", None):
            names.append(part.name)
        elif getattr(part, "sval", None):
            names.append(part.sval)
        elif getattr(part, "expr", None) is not None:
            names.extend(columns_in(part.expr))
    return tuple(names)
