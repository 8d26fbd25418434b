"""The text of dynamic SQL read as a template: constants, `||` and format(). What is filled in stays unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from namecard_release.adapters.sql.parser import Refused, parse
from namecard_release.adapters.sql.trees import Node, strings

# What stands for a name, a value or a piece of text that is filled in at run time.
_FILLED = "filled_in"
_PLACE = re.compile(r"%(?:\d+\$)?-?\d*([sIL])")


def read_template(expression: str) -> tuple[Node, ...] | None:
    """Parse the SQL that a PL/pgSQL expression gives, with a stand-in for what is filled in; None when it is no SQL.

    A stand-in may stand for a whole clause (`%s`), so the statements tell what is there at least.
    """
    try:
        ((_, _, query),) = parse(f"select {expression}")
        text = _text(query.targetList[0].val)
        return None if text is None else tuple(node for _, _, node in parse(text))
    except Refused:
        return None


def _text(node: Node) -> str | None:
    """Give an expression's text with stand-ins; None when it holds no constant at all."""
    kind = type(node).__name__
    if kind == "A_Const":
        return None if node.isnull or not hasattr(node.val, "sval") else str(node.val.sval)
    if kind == "TypeCast":
        return _text(node.arg)
    if kind == "A_Expr" and strings(node.name) == ("||",):
        return _join((_text(node.lexpr), _text(node.rexpr)))
    if kind == "FuncCall" and node.args:
        return _called(strings(node.funcname)[-1], node.args)
    return None


def _called(name: str, args: tuple[Node, ...]) -> str | None:
    if name == "format":
        text = _text(args[0])
        return None if text is None else _PLACE.sub(_stand_in, text).replace("%%", "%")
    if name == "concat":
        return _join(map(_text, args))
    return None


def _stand_in(place: re.Match[str]) -> str:
    return f"'{_FILLED}'" if place[1] == "L" else _FILLED


def _join(parts: Iterable[str | None]) -> str | None:
    found = tuple(parts)
    return None if not any(found) else "".join(_FILLED if part is None else part for part in found)
