"""Whether a WHERE narrows anything: conditions that hold for every row alike are none. Nothing is executed."""

from __future__ import annotations

from typing import Any

from namecard_release.adapters.sql.parser import find
from namecard_release.adapters.sql.trees import Node, strings

_TRUE = frozenset({"t", "true", "yes", "on", "1"})
_REFLEXIVE = (("=",), ("<=",), (">=",))
# What may differ from row to row.
_OF_ROWS = ("ColumnRef", "SubLink", "CurrentOfExpr", "ParamRef")


def narrows(where: Node) -> bool:
    """Tell whether a WHERE can leave rows out.

    `true`, `1 = 1`, `now() > '2020-01-01'`, `id = id` and `true or ...` leave none, `false` and `1 = 2` leave all.
    """
    return where is not None and not _holds(where)


def _holds(node: Node) -> bool:
    """Tell whether a condition is true of every row, as far as can be seen."""
    if not any(find(node, *_OF_ROWS)):
        return not _fails(node)
    kind = type(node).__name__
    if kind == "A_Expr":
        left, right = _plain(node.lexpr), _plain(node.rexpr)
        return left is not None and left == right and strings(node.name)[-1:] in _REFLEXIVE
    if kind == "BoolExpr" and node.boolop.name == "AND_EXPR":
        return all(map(_holds, node.args))
    if kind == "BoolExpr" and node.boolop.name == "OR_EXPR":
        return any(map(_holds, node.args))
    return False


def _fails(node: Node) -> bool:
    """Tell whether a condition without columns is false or null for sure."""
    kind = type(node).__name__
    if kind == "TypeCast":
        return _fails(node.arg)
    if kind == "A_Const":
        return node.isnull or _constant(node) not in _TRUE
    if kind == "A_Expr":
        return _compares_false(node)
    if kind == "BoolExpr":
        return _fails_together(node)
    return False


def _fails_together(node: Node) -> bool:
    word = node.boolop.name
    if word == "NOT_EXPR":
        return not _fails(node.args[0])
    return (any if word == "AND_EXPR" else all)(map(_fails, node.args))


def _compares_false(node: Node) -> bool:
    left, right, sign = _plain(node.lexpr), _plain(node.rexpr), strings(node.name)[-1:]
    if left is None or right is None or sign not in (("=",), ("<>",)):
        return False
    return (left == right) is (sign == ("<>",))


def _constant(node: Node) -> str:
    return str(next(iter(_fields(node.val)), "")).lower()


def _fields(value: Any) -> list[object]:
    return [getattr(value, name) for name in ("ival", "sval", "fval", "boolval") if hasattr(value, name)]


def _plain(node: Node) -> tuple[str, object] | None:
    """Give a constant or a column in a form that can be compared."""
    kind = type(node).__name__
    if kind == "A_Const" and not node.isnull:
        return type(node.val).__name__, _constant(node)
    if kind == "ColumnRef":
        words = strings(node.fields)
        return ("column", words) if words else None
    return None
