"""What can be shown of an expression without a server: its value for given columns, and that it cannot fail.

Only what is listed here is shown; everything else is unsure, and nobody may take unsure for harmless.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from enum import Enum

from namecard_release.adapters.sql.parser import find
from namecard_release.adapters.sql.trees import Node, function_name, strings, type_name
from namecard_release.domain.sql import Trait


class _Unsure(Enum):
    UNSURE = "unsure"


UNSURE = _Unsure.UNSURE
# SQL's NULL is None.
Value = bool | int | float | str | None | _Unsure
Row = Mapping[str, Value]

_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
_TEXTS = frozenset({"text", "varchar", "bpchar", "name"})
# fmt: off
# Operators that give NULL for a NULL operand (`||` does not: it appends NULL to an array).
_STRICT = frozenset({
    "=", "<>", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "^", "~~", "!~~", "~~*", "!~~*", "~", "!~", "~*",
    "!~*", "->", "->>", "#>", "#>>", "@>", "<@", "&&",
})
_COMPARE: dict[str, Callable[[object, object], bool]] = {"=": operator.eq, "<>": operator.ne}
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
# Functions that give NULL for a NULL argument.
_STRICT_FUNCTIONS = frozenset({
    "length", "char_length", "character_length", "octet_length", "lower", "upper", "btrim", "ltrim", "rtrim", "abs",
    "round", "floor", "ceil", "sign", "jsonb_typeof", "json_typeof", "jsonb_array_length", "array_length",
    "cardinality", "date_part", "extract", "date_trunc", "timezone", "starts_with", "regexp_replace", "replace",
    "substring", "left", "right", "position", "strpos", "isfinite",
})
# Functions that give a value whenever their arguments are values.
_TOTAL = frozenset({
    "now", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "timeofday", "gen_random_uuid",
    "uuidv4", "uuidv7", "uuid_generate_v4", "uuid_generate_v1", "uuid_generate_v1mc", "nextval", "random", "md5",
    "lower", "upper", "length", "char_length", "btrim", "ltrim", "rtrim", "concat", "concat_ws", "to_tsvector",
    "date_trunc", "date_part", "extract", "timezone", "encode", "jsonb_build_object", "jsonb_build_array",
    "json_build_object", "json_build_array", "setweight", "gen_random_bytes", "left", "right",
    "replace", "translate", "reverse", "initcap",
})
_TOTAL_OPERATORS = frozenset({
    "=", "<>", "<", ">", "<=", ">=", "+", "-", "*", "||", "~~", "!~~", "~~*", "!~~*", "->", "->>", "#>", "#>>",
    "@>", "<@", "&&", "?", "?|", "?&", "@@",
})
_SUMS = frozenset({"+", "-", "*"})
_DISTINCT = frozenset({
    "gen_random_uuid", "uuidv4", "uuidv7", "uuid_generate_v4", "uuid_generate_v1", "uuid_generate_v1mc", "nextval",
})
# fmt: on
_SIZED = ("varchar(", "bpchar(", "bit(", "varbit(")


def value_facts(node: Node, kind: str) -> set[Trait]:
    """Tell of a default for a column of the type `kind` whether it surely gives a value, and another for each row."""
    traits = set()
    constant = evaluate(node, {}) is not UNSURE
    fits = constant or not kind.startswith(_SIZED)
    if not (fits and gives_value(node, columns=False)):
        traits.add(Trait.UNPROVEN)
    if _is_distinct(node):
        traits.add(Trait.DISTINCT)
    return traits


def _is_distinct(node: Node) -> bool:
    while type(node).__name__ == "TypeCast" and type_name(node.typeName) in ("text", "varchar", "uuid"):
        node = node.arg
    return type(node).__name__ == "FuncCall" and function_name(node) in _DISTINCT


def gives_value(node: Node, *, columns: bool = True) -> bool:
    """Tell whether an expression cannot fail, and without columns cannot be NULL either."""
    kind = type(node).__name__
    if kind == "A_Const":
        return columns or not node.isnull
    if kind == "ColumnRef":
        return columns
    if kind == "SQLValueFunction":
        return True
    below = _operands(node, columns=columns)
    return below is not None and all(gives_value(part, columns=columns) for part in below)


def _operands(node: Node, *, columns: bool) -> list[Node] | None:
    """Give the parts that an expression of a listed kind is made of; None for any other."""
    kind = type(node).__name__
    if kind == "TypeCast" and not _casts_safely(node, columns=columns):
        return None
    if kind == "FuncCall" and (function_name(node) not in _TOTAL or _is_steered(node)):
        return None
    if kind == "A_Expr":
        return _expression_operands(node)
    parts = getattr(node, _PARTS[kind]) if kind in _PARTS else None
    return None if kind not in _PARTS else list(_each(parts))


def _is_steered(node: Node) -> bool:
    """Tell whether a row's own value says what a function is to do: a field, a zone, a format that may not exist."""
    place = _STEERING.get(function_name(node))
    args = node.args or ()
    return place is not None and len(args) > 1 and any(find(args[place], "ColumnRef"))


# Where those functions take the word that steers them.
_STEERING = {
    **dict.fromkeys(("date_trunc", "date_part", "extract", "timezone", "to_tsvector", "jsonb_build_object"), 0),
    **dict.fromkeys(("encode", "setweight", "json_build_object"), 1),
}


def holds_computed(node: Node, kind: str) -> bool:
    """Tell whether a generated column's type surely holds what is computed: no sized and no whole number may."""
    if kind == "int4" and type(node).__name__ == "FuncCall":
        return function_name(node) in ("length", "char_length")
    return not kind.startswith((*_SIZED, "numeric(")) and kind not in ("int2", "int4", "int8", "bpchar")


_PARTS = {
    "TypeCast": "arg",
    "FuncCall": "args",
    "CoalesceExpr": "args",
    "BoolExpr": "args",
    "NullTest": "arg",
    "BooleanTest": "arg",
    "A_ArrayExpr": "elements",
    "CollateClause": "arg",
}


def _expression_operands(node: Node) -> list[Node] | None:
    listed = node.kind.name in ("AEXPR_OP", "AEXPR_IN", "AEXPR_LIKE", "AEXPR_ILIKE", "AEXPR_DISTINCT")
    if not listed or strings(node.name)[-1] not in _TOTAL_OPERATORS:
        return None
    # Sums may leave the type's range; a pattern may end with its escape character.
    open_side = node if strings(node.name)[-1] in _SUMS else node.rexpr if "LIKE" in node.kind.name else None
    if open_side is not None and any(find(open_side, "ColumnRef")):
        return None
    return [part for side in (node.lexpr, node.rexpr) for part in _each(side)]


def _each(side: Node) -> Iterable[Node]:
    return () if side is None else side if isinstance(side, list | tuple) else (side,)


def _casts_safely(node: Node, *, columns: bool) -> bool:
    # A constant is cast when the statement runs; a cast of what a row holds may fail for another row.
    if type(node.arg).__name__ == "A_Const" or type_name(node.typeName) in ("text", "varchar"):
        return True
    # now()::date, array[]::text[]: without columns the outcome is the same for every row.
    return not columns and not type_name(node.typeName).startswith(_SIZED)


def stored(value: Value, kind: str) -> Value:
    """Give a default's value as a column of the type `kind` holds it; UNSURE where the type may change or fold it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if kind in _NUMBERS else UNSURE
    plain = kind.partition("(")[0] in ("text", "varchar") or ("." in kind and not kind.endswith(".citext"))
    return value if isinstance(value, str) and plain else UNSURE


def evaluate(node: Node, row: Row) -> Value:
    """Evaluate an expression for the columns of `row`; UNSURE for whatever is not listed here."""
    reader = _EVALUATORS.get(type(node).__name__)
    return UNSURE if reader is None else reader(node, row)


def _constant(node: Node, row: Row) -> Value:
    if node.isnull:
        return None
    value = node.val
    shape = type(value).__name__
    if shape == "Integer":
        return int(value.ival or 0)
    if shape == "Float":
        return float(value.fval)
    if shape == "String":
        return str(value.sval)
    return bool(value.boolval) if shape == "Boolean" else UNSURE


def _column(node: Node, row: Row) -> Value:
    words = strings(node.fields)
    return row.get(words[-1], UNSURE) if words else UNSURE


def _cast(node: Node, row: Row) -> Value:
    value, kind = evaluate(node.arg, row), type_name(node.typeName)
    if value is None or (isinstance(value, str) and kind in _TEXTS):
        return value
    if isinstance(value, int) and kind in _NUMBERS:
        return value
    # A name with a schema, or one that is not built in, is taken for an enum's: text with its own equality.
    return value if isinstance(value, str) and "." in kind else UNSURE


def _bool(node: Node, row: Row) -> Value:
    values = [evaluate(part, row) for part in node.args]
    kind = node.boolop.name
    if kind == "NOT_EXPR":
        return not values[0] if isinstance(values[0], bool) else values[0] if values[0] is None else UNSURE
    decides: bool = kind == "OR_EXPR"
    if any(value is decides for value in values):
        return decides
    if any(value is not None and not isinstance(value, bool) for value in values):
        return UNSURE
    return None if None in values else not decides


def _null_test(node: Node, row: Row) -> Value:
    value = evaluate(node.arg, row)
    if value is UNSURE:
        return UNSURE
    wanted: bool = node.nulltesttype.name == "IS_NULL"
    return (value is None) is wanted


def _boolean_test(node: Node, row: Row) -> Value:
    value = evaluate(node.arg, row)
    if value is not None and not isinstance(value, bool):
        return UNSURE
    wanted = {"TRUE": True, "FALSE": False, "UNKNOWN": None}
    word = node.booltesttype.name.removeprefix("IS_")
    negated: bool = word.startswith("NOT_")
    return (value is wanted[word.removeprefix("NOT_")]) is not negated


def _coalesce(node: Node, row: Row) -> Value:
    for part in node.args:
        value = evaluate(part, row)
        if value is not None:
            return value
    return None


def _function(node: Node, row: Row) -> Value:
    name = function_name(node)
    if name not in _STRICT_FUNCTIONS:
        return UNSURE
    values = [evaluate(part, row) for part in node.args or ()]
    if None in values:
        return None
    if name in ("length", "char_length") and len(values) == 1 and isinstance(values[0], str):
        return len(values[0])
    return UNSURE


def _operator(node: Node, row: Row) -> Value:
    kind, name = node.kind.name, strings(node.name)[-1]
    if kind in ("AEXPR_IN", "AEXPR_OP_ANY", "AEXPR_OP_ALL"):
        return _among(node, row, kind, name)
    left = None if node.lexpr is None else evaluate(node.lexpr, row)
    if kind.startswith("AEXPR_BETWEEN") or kind.startswith("AEXPR_NOT_BETWEEN"):
        return _between(left, [evaluate(part, row) for part in node.rexpr], negated="NOT" in kind)
    right = evaluate(node.rexpr, row)
    if kind in ("AEXPR_DISTINCT", "AEXPR_NOT_DISTINCT"):
        return _distinct(left, right, kind == "AEXPR_DISTINCT")
    listed = kind in ("AEXPR_OP", "AEXPR_LIKE", "AEXPR_ILIKE") and name in _STRICT and node.lexpr is not None
    return compare(name, left, right) if listed else UNSURE


def compare(name: str, left: Value, right: Value) -> Value:
    """Compare two values as PostgreSQL's operator does; text is never ordered here, since that is the collation's."""
    if left is None or right is None:
        return None
    if left is UNSURE or right is UNSURE:
        return UNSURE
    numbers = _is_number(left) and _is_number(right)
    if name in _COMPARE and (numbers or type(left) is type(right)):
        return _COMPARE[name](left, right)
    if name in _ORDER and numbers and isinstance(left, int | float) and isinstance(right, int | float):
        return _ORDER[name](left, right)
    return UNSURE


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _distinct(left: Value, right: Value, wanted: bool) -> Value:
    if left is UNSURE or right is UNSURE:
        return UNSURE
    same = True if left is None and right is None else compare("=", left, right)
    return same if same is UNSURE else bool(same) is not wanted


def _between(value: Value, bounds: list[Value], *, negated: bool) -> Value:
    inside = _all([compare(">=", value, bounds[0]), compare("<=", value, bounds[1])])
    return not inside if negated and isinstance(inside, bool) else inside


def _all(values: list[Value]) -> Value:
    if False in [value for value in values if isinstance(value, bool)]:
        return False
    return UNSURE if UNSURE in values else None if None in values else True


def _among(node: Node, row: Row, kind: str, name: str) -> Value:
    """Evaluate `x in (...)`, `x = any (array[...])`, `x <> all (array[...])`."""
    parts = node.rexpr if kind == "AEXPR_IN" else getattr(node.rexpr, "elements", None)
    if not parts or name not in _COMPARE:
        return UNSURE
    value = evaluate(node.lexpr, row)
    found = [compare("=", value, evaluate(part, row)) for part in parts]
    inside = (
        True if any(one is True for one in found) else UNSURE if UNSURE in found else None if None in found else False
    )
    if (kind, name) in (("AEXPR_IN", "="), ("AEXPR_OP_ANY", "=")):
        return inside
    negated = (kind, name) in (("AEXPR_IN", "<>"), ("AEXPR_OP_ALL", "<>"))
    return UNSURE if not negated else not inside if isinstance(inside, bool) else inside


_EVALUATORS: dict[str, Callable[[Node, Row], Value]] = {
    "A_Const": _constant,
    "ColumnRef": _column,
    "TypeCast": _cast,
    "BoolExpr": _bool,
    "NullTest": _null_test,
    "BooleanTest": _boolean_test,
    "CoalesceExpr": _coalesce,
    "FuncCall": _function,
    "A_Expr": _operator,
}
