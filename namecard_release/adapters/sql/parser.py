"""PostgreSQL's parser called for its JSON, given as trees of nodes. What the nodes mean is read elsewhere.

pglast can build its own typed nodes, at ten times the cost; these have the same names, read lazily from the JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


class Refused(Exception):
    """The parser refuses a text; `offset` is the character where it stopped. It never leaves this package."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Tree:
    """A node: its class bears the name of the C structure, its attributes are the fields. A field not set is None."""

    __slots__ = ("data",)

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def __getattr__(self, name: str) -> Any:
        value = self.data.get("def" if name == "def_" else name)
        return None if value is None else _wrap(value)


class Word(str):
    """What may be the name of an enumeration's member, with `name` as Python's have it."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The member's name."""
        return str(self)


class _Value(Tree):
    """A constant: it has the one field of its kind, so that the kind can be asked for by the field."""

    __slots__ = ()
    _field = ""
    _empty: object = None

    def __getattr__(self, name: str) -> Any:
        if name != self._field:
            raise AttributeError(name)
        return self.data.get(name, self._empty)


class _Constant(Tree):
    """A_Const, whose value stands under the name of its kind."""

    __slots__ = ()

    @property
    def val(self) -> Any:
        """The value as a node of its kind; None for NULL."""
        return next((_VALUES[key](value) for key, value in self.data.items() if key in _VALUES), None)


def _value(kind: str, field: str, empty: object) -> type[_Value]:
    return type(kind, (_Value,), {"__slots__": (), "_field": field, "_empty": empty})


_VALUES: dict[str, type[_Value]] = {
    "sval": _value("String", "sval", ""),
    "ival": _value("Integer", "ival", 0),
    "fval": _value("Float", "fval", ""),
    "boolval": _value("Boolean", "boolval", False),
    "bsval": _value("BitString", "bsval", ""),
}
_TYPES: dict[str, type[Tree]] = {
    **{kind.__name__: kind for kind in _VALUES.values()},
    "A_Const": type("A_Const", (_Constant,), {"__slots__": ()}),
}


def _wrap(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return _wrap_dict(value)
    if kind is list:
        return tuple(map(_wrap, value))
    if kind is str and "_" in value and value[0].isupper():
        return Word(value)
    return value


def _wrap_dict(value: dict[str, Any]) -> Any:
    """Tell a node of any kind by its name, which starts with a capital; one in a field of one kind has none."""
    if not value:
        return None
    if len(value) == 1:
        ((name, inner),) = value.items()
        if name == "List":
            return tuple(map(_wrap, inner.get("items", ())))
        if name[0].isupper():
            return _class(name)(inner)
    return Tree(value)


def _class(name: str) -> type[Tree]:
    found = _TYPES.get(name)
    if found is None:
        found = _TYPES[name] = type(name, (Tree,), {"__slots__": ()})
    return found


def find(node: Tree | tuple[Tree, ...] | None, *names: str) -> Iterator[Tree]:
    """Give every node of some names at or below a node, or the nodes of a list."""
    nodes = node if isinstance(node, tuple) else () if node is None else (node,)
    stack: list[Any] = [{type(one).__name__: one.data} for one in nodes]
    while stack:
        current = stack.pop()
        if type(current) is list:
            stack.extend(current)
            continue
        for key, value in current.items():
            if type(value) is dict:
                stack.append(value)
                if key in names:
                    yield _class(key)(value)
            elif type(value) is list:
                stack.append(value)


def parse(text: str) -> list[tuple[int, int, Tree]]:
    """Parse a text into its statements: offset and length in characters, and the tree. Raises Refused."""
    from pglast.parser import ParseError, parse_sql_json

    try:
        raws = json.loads(parse_sql_json(text))["stmts"]
    except ParseError as error:
        told = error.args[1] if len(error.args) > 1 else None
        raise Refused(str(error.args[0]), told if isinstance(told, int) else 0) from None
    except RecursionError:
        raise Refused("nested too deeply to be read", 0) from None
    place = _Places(text)
    return [_place(raw, place, len(text)) for raw in raws]


def _place(raw: dict[str, Any], place: _Places, end: int) -> tuple[int, int, Tree]:
    start = raw.get("stmt_location", 0)
    length = raw.get("stmt_len", 0)
    first = place(start)
    return first, (place(start + length) if length else end) - first, _wrap(raw["stmt"])


class _Places:
    """From the parser's offsets in bytes to characters; asked in rising order."""

    def __init__(self, text: str) -> None:
        self._bytes = None if text.isascii() else text.encode()
        self._byte = self._character = 0

    def __call__(self, offset: int) -> int:
        if self._bytes is None:
            return offset
        if offset < self._byte:
            self._byte = self._character = 0
        self._character += len(self._bytes[self._byte : offset].decode())
        self._byte = offset
        return self._character
