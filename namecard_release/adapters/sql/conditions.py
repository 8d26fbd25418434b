"""Whether a WHERE narrows anything: conditions that are true of every row are none. Nothing is executed."""

from __future__ import annotations

from namecard_release.adapters.sql.trees import Node, strings


def narrows(where: Node) -> bool:
    """Tell whether a WHERE can leave rows out: `true`, `1 = 1`, `id = id` and `true or ...` cannot."""
    return where is not None and not _is_always_true(where)


def _is_always_true(node: Node) -> bool:
    kind = type(node).__name__
    if kind == "TypeCast":
        return _is_always_true(node.arg)
    if kind == "A_Const":
        return bool(getattr(node.val, "boolval", False)) or str(getattr(node.val, "sval", "")).lower() in _TRUE
    if kind == "A_Expr":
        return _compares_alike(node)
    if kind == "BoolExpr":
        return _is_true_together(node)
    if kind == "BooleanTest":
        return bool(node.booltesttype.name == "IS_TRUE") and _is_always_true(node.arg)
    return False


_TRUE = frozenset({"t", "true", "yes", "on", "1"})
_REFLEXIVE = (("=",), ("<=",), (">=",))


def _is_true_together(node: Node) -> bool:
    word = node.boolop.name
    if word == "AND_EXPR":
        return all(map(_is_always_true, node.args))
    if word == "OR_EXPR":
        return any(map(_is_always_true, node.args))
    return _is_false(node.args[0])


def _is_false(node: Node) -> bool:
    if type(node).__name__ == "TypeCast":
        return _is_false(node.arg)
    return type(node).__name__ == "A_Const" and not node.isnull and getattr(node.val, "boolval", None) is False


def _compares_alike(node: Node) -> bool:
    """Tell whether a comparison holds for every row: the same constant or column on both sides, or `1 <> 2`."""
    left, right, sign = _plain(node.lexpr), _plain(node.rexpr), strings(node.name)[-1:]
    if left is None or right is None:
        return False
    if sign == ("<>",):
        return "column" not in (left[0], right[0]) and left != right
    return sign in _REFLEXIVE and left == right


def _plain(node: Node) -> tuple[str, object] | None:
    kind = type(node).__name__
    if kind == "A_Const" and not node.isnull:
        value = node.val
        for name in ("ival", "sval", "fval", "boolval"):
            if hasattr(value, name):
                return name, getattr(value, name)
    if kind == "ColumnRef":
        words = strings(node.fields)
        return ("column", words) if words else None
    return None
