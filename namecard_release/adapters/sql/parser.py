"""PostgreSQL's parser called for its JSON, given as trees of nodes. What the nodes mean is read elsewhere.

pglast can build its own typed nodes, at ten times the cost; these have the same names, read lazily from the JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson


class Refused(Exception):
    """The parser refuses a text; `offset` is the character where it stopped. It never leaves this package."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Tree:
    """A node: its class bears the name of the C structure, its attributes are the fields. A field not set is None."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def __getattr__(self, name: str) -> Any:
        value = self.data.get("def" if name == "def_" else name)
        # Kept as an attribute: most fields are asked for several times.
        found = self.__dict__[name] = None if value is None else _wrap(value)
        return found


class Word(str):
    """What may be the name of an enumeration's member, with `name` as Python's have it."""

    name: str

    def __new__(cls, text: str) -> Word:
        """Make the word of a text."""
        made = super().__new__(cls, text)
        made.name = text
        return made


class _Constant(Tree):
    """A_Const, whose value stands under the name of its kind."""

    @property
    def val(self) -> Any:
        """The value as a node of its kind; None for NULL."""
        for key, value in self.data.items():
            if key in _VALUES:
                return _VALUES[key](value)
        return None


def _value(kind: str, field: str, empty: object) -> type[Any]:
    """Make the class of a constant, which has the one field of its kind: by that the kind can be asked for."""

    def init(self: Any, data: dict[str, Any]) -> None:
        self.data = data
        setattr(self, field, data.get(field, empty))

    return type(kind, (), {"__slots__": ("data", field), "__init__": init})


_VALUES: dict[str, type[Any]] = {
    "sval": _value("String", "sval", ""),
    "ival": _value("Integer", "ival", 0),
    "fval": _value("Float", "fval", ""),
    "boolval": _value("Boolean", "boolval", False),
    "bsval": _value("BitString", "bsval", ""),
}
_TYPES: dict[str, type[Any]] = {
    **{kind.__name__: kind for kind in _VALUES.values()},
    "A_Const": type("A_Const", (_Constant,), {}),
}
# PostgreSQL's enumerations have some hundreds of members; a name in a statement may look like one.
_WORDS: dict[str, Word] = {}
_KEPT_WORDS = 4096


def _wrap(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return _wrap_dict(value)
    if kind is list:
        return tuple([_wrap(one) for one in value])
    if kind is str and "_" in value and value[0].isupper():
        return _WORDS.get(value) or _word(value)
    return value


def _word(text: str) -> Word:
    if len(_WORDS) >= _KEPT_WORDS:
        _WORDS.clear()
    return _WORDS.setdefault(text, Word(text))


def _wrap_dict(value: dict[str, Any]) -> Any:
    """Tell a node of any kind by its name, which starts with a capital; one in a field of one kind has none."""
    if len(value) == 1:
        ((name, inner),) = value.items()
        known = _TYPES.get(name)
        if known is not None:
            return known(inner)
        if name == "List":
            return tuple([_wrap(one) for one in inner.get("items", ())])
        if name[0].isupper():
            return _class(name)(inner)
    return Tree(value) if value else None


def _class(name: str) -> type[Any]:
    found = _TYPES.get(name)
    if found is None:
        found = _TYPES[name] = type(name, (Tree,), {})
    return found


# Below these fields there are names and constants only: nothing that anybody looks for by the name of its node.
_LEAVES = frozenset({"A_Const", "ColumnRef", "String", "typeName"})


def find(node: Tree | tuple[Tree, ...] | None, *names: str) -> Iterator[Tree]:
    """Give every node of some names at or below a node, or the nodes of a list."""
    nodes = node if isinstance(node, tuple) else () if node is None else (node,)
    stack: list[Any] = [{type(one).__name__: one.data} for one in nodes]
    while stack:
        for key, value in stack.pop().items():
            if type(value) is dict:
                if key in names:
                    yield _class(key)(value)
                if key not in _LEAVES:
                    stack.append(value)
            elif type(value) is list:
                # A list holds nodes; what the parser gives for one that is left out is an empty node.
                stack.extend(value)


def parse(text: str) -> list[tuple[int, int, Tree]]:
    """Parse a text into its statements: offset and length in characters, and the tree. Raises Refused."""
    from pglast.parser import ParseError, parse_sql_json

    try:
        raws = orjson.loads(parse_sql_json(text))["stmts"]
    except ParseError as error:
        told = error.args[1] if len(error.args) > 1 else None
        raise Refused(str(error.args[0]), told if isinstance(told, int) else 0) from None
    except orjson.JSONDecodeError:
        # The parser's JSON is sound; what the reader refuses is its depth.
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
