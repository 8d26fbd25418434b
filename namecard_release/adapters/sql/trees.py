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
    # Whether this file has set the path, whether for its transaction alone, and how often that was left open since.
    is_set: bool = False
    is_local: bool = False
    doubts: int = 0

    def set_path(self, path: str, *, local: bool = False) -> None:
        """Note a search path set."""
        self.path, self.is_set, self.is_local = path, True, local

    def doubt_path(self) -> None:
        """Note that the search path may be an earlier one again: a bare name then means a schema of no other's name."""
        self.doubts += 1
        self.path = f"?{self.doubts}"

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
    names = tuple(map(_call_name, find(node, "FuncCall")))
    if "setval" in names and any(map(_takes_some_rows, find(node, "SelectStmt"))):
        return tuple(SETVAL_TO_CONSTANT if name == "setval" else name for name in names)
    return names


def _takes_some_rows(node: Node) -> bool:
    parts = (node.whereClause, node.groupClause, node.havingClause, node.limitCount, node.limitOffset)
    return node.op.name != "SETOP_NONE" or any(part is not None and part != () for part in parts)


def function_name(node: Node) -> str:
    """Give a FuncCall's function, a schema kept unless it is pg_catalog."""
    words = strings(node.funcname)
    return ".".join(words[1:] if words[0] == "pg_catalog" else words)


def _call_name(node: Node) -> str:
    name = function_name(node)
    # Setting a sequence to a number that the file makes up is another thing than to the highest that the rows have.
    if name == "setval" and not _is_set_past_rows(node.args):
        return SETVAL_TO_CONSTANT
    return name


def _is_set_past_rows(args: Sequence[Node]) -> bool:
    """Tell whether setval gets the highest value of a column; one beyond it, when it is to be given out itself."""
    called = args[2] if len(args) > 2 else None
    if called is not None and not hasattr(getattr(called, "val", None), "boolval"):
        return False
    return _reaches(args[1], beyond=called is not None and not called.val.boolval)


def _reaches(node: Node, *, beyond: bool) -> bool:
    """Tell whether a value is at least the highest of a column, or `beyond` it."""
    kind = type(node).__name__
    if kind == "FuncCall":
        plain = (
            not (node.agg_filter or node.over) and type(node.args[0]).__name__ == "ColumnRef" if node.args else False
        )
        return plain and function_name(node) == "max" and not beyond
    if kind == "TypeCast":
        return _reaches(node.arg, beyond=beyond)
    if kind == "CoalesceExpr":
        return _reaches(node.args[0], beyond=beyond)
    if kind == "MinMaxExpr":
        return node.op.name == "IS_GREATEST" and any(_reaches(part, beyond=beyond) for part in node.args)
    if kind == "SubLink":
        targets: Node = node.subselect.targetList or ()
        return len(targets) == 1 and _reaches(targets[0].val, beyond=beyond)
    added = getattr(getattr(getattr(node, "rexpr", None), "val", None), "ival", -1)
    return kind == "A_Expr" and strings(node.name) == ("+",) and added > 0 and _reaches(node.lexpr, beyond=False)


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
