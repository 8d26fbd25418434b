"""A JSON array with the lines of its elements, and where it stops being one."""

from __future__ import annotations

import pytest

from namecard_release.domain.json_positions import read_array


@pytest.mark.parametrize(
    ("text", "lines", "values", "end"),
    [
        ("[]", [], [], 1),
        (" [ ] \n\n", [], [], 1),
        ("[1]", [1], [1], 1),
        ('[\n  {"a": 1},\n\n  {"a":\n 2}, 3\n]\n', [2, 4, 5], [{"a": 1}, {"a": 2}, 3], 6),
        ('["]", "\\n"]', [1, 1], ["]", "\n"], 1),
        ("\r\n[\r\n1\r\n]", [3], [1], 4),
    ],
)
def test_elements_have_the_line_they_begin_on(text: str, lines: list[int], values: list[object], end: int) -> None:
    array = read_array(text)
    assert ([e.line for e in array.elements], [e.value for e in array.elements], array.line) == (lines, values, end)
    assert array.error == ""


@pytest.mark.parametrize(
    ("text", "line", "told", "elements"),
    [
        ("", 1, "not a JSON array", 0),
        ("{}", 1, "not a JSON array", 0),
        ("\n\nnull", 3, "not a JSON array", 0),
        ("[", 1, "Expecting value", 0),
        ("[1,\n2\n3]", 3, "a comma or the end", 2),
        ("[1,\n]", 2, "Expecting value", 1),
        ('[1,\n{"a" 1}]', 2, "Expecting ':'", 1),
        ("[1\n", 2, "a comma or the end", 1),
        ("[1]\n[2]", 2, "something follows", 1),
        ("[1]\n\x00", 2, "something follows", 1),
        ("[" * 100_000, 1, "nested too deep", 0),
        ("[1,\n" + "9" * 5000 + "]", 2, "integer", 1),
    ],
)
def test_the_first_thing_that_is_no_json_is_told_with_its_line(text: str, line: int, told: str, elements: int) -> None:
    array = read_array(text)
    assert (array.line, len(array.elements)) == (line, elements)
    assert told in array.error


def test_a_key_has_its_own_line_and_a_double_is_noted() -> None:
    (element,) = read_array('[\n{\n"a": "b",\n"b" : 1,\n"b": 2}]').elements
    assert [element.line_of(key) for key in ("a", "b", "c")] == [3, 4, 2]
    assert element.doubled == ("b",)
