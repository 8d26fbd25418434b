"""A JSON array read element by element with the line each begins on. What the elements mean does not belong here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_BLANK = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True)
class Element:
    """One element: its value, the 1-based line it begins on, its text, and the keys written twice in it."""

    value: object
    line: int
    text: str
    doubled: tuple[str, ...] = ()

    def line_of(self, key: str) -> int:
        """Give the line that a key of the element is on, else the element's own."""
        at = re.search(rf"{re.escape(json.dumps(key, ensure_ascii=False))}\s*:", self.text)
        return self.line + (self.text.count("\n", 0, at.start()) if at else 0)


@dataclass(frozen=True)
class JsonArray:
    """An array's elements up to the first thing that is not JSON; `error` says what that is and `line` where.

    Without an error `line` is the one on which the array ends.
    """

    elements: tuple[Element, ...]
    line: int
    error: str = ""


def read_array(text: str) -> JsonArray:
    """Read a text that should be one JSON array. Raises nothing: what is wrong is in the result."""
    elements: list[Element] = []
    reader = _Reader(text)
    try:
        elements.extend(reader.elements())
    except json.JSONDecodeError as error:
        return JsonArray(tuple(elements), error.lineno, error.msg)
    except (ValueError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        return JsonArray(tuple(elements), reader.line, why)
    return JsonArray(tuple(elements), reader.line)


@dataclass
class _Reader:
    text: str
    at: int = 0
    _doubled: list[str] = field(default_factory=list)

    @property
    def line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1

    def elements(self) -> Iterator[Element]:
        self._expect("[", "this is not a JSON array")
        if self._skip() == "]":
            self.at += 1
        else:
            yield self._element()
            while self._skip() == ",":
                self.at += 1
                yield self._element()
            self._expect("]", "a comma or the end of the array is expected")
        if self._skip():
            raise json.JSONDecodeError("something follows the array", self.text, self.at)
        self.at = len(self.text.rstrip())

    def _element(self) -> Element:
        self._skip()
        line, start = self.line, self.at
        self._doubled = []
        decoder = json.JSONDecoder(object_pairs_hook=self._object)
        value, self.at = decoder.raw_decode(self.text, start)
        return Element(value, line, self.text[start : self.at], tuple(self._doubled))

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in pairs]
        self._doubled += [key for key in dict.fromkeys(keys) if keys.count(key) > 1]
        return dict(pairs)

    def _expect(self, character: str, told: str) -> None:
        if self._skip() != character:
            raise json.JSONDecodeError(told, self.text, self.at)
        self.at += 1

    def _skip(self) -> str:
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        return self.text[self.at : self.at + 1]
