"""JMESPath over letters: a person's filter, and the settings' expressions. What follows is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from namecard_release.adapters.dead_letters.bodies import document_of
from namecard_release.domain.dead_letters import DeadLetter
from namecard_release.errors import MisuseError

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult


def make_filter(expression: str | None) -> Callable[[DeadLetter], bool]:
    """Make a test of letters out of an expression; None fits all.

    Raises MisuseError for one that does not parse, and the test does for one that asks the impossible of a letter.
    """
    if expression is None:
        return lambda _: True
    compiled = _compile(expression)
    return lambda letter: _holds(compiled, expression, document_of(letter))


def make_prober(
    expressions: Sequence[str], routes: Mapping[str, str]
) -> Callable[[Mapping[str, object]], tuple[frozenset[str], str | None]] | None:
    """Make what evaluates the settings' expressions over a letter's document; None when there are none.

    It gives the expressions that hold, and the first service whose route holds.
    """
    if not expressions and not routes:
        return None
    compiled = {text: _compile(text) for text in expressions}
    ways = {service: (text, _compile(text)) for service, text in routes.items()}

    def probe(document: Mapping[str, object]) -> tuple[frozenset[str], str | None]:
        facts = frozenset(text for text, one in compiled.items() if _holds(one, text, document))
        service = next((name for name, (text, one) in ways.items() if _holds(one, text, document)), None)
        return facts, service

    return probe


def _compile(expression: str) -> ParsedResult:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.compile(expression)
    except JMESPathError as error:
        raise MisuseError(f"no JMESPath expression: {_one_line(error)}") from error


def _holds(compiled: Any, expression: str, document: Mapping[str, object]) -> bool:
    from jmespath.exceptions import JMESPathError

    try:
        found = compiled.search(document)
    except JMESPathError as error:
        raise MisuseError(f"the expression {expression!r} cannot be evaluated: {_one_line(error)}") from error
    # JMESPath's own notion of what is false; 0 is true.
    return found is not None and found is not False and found not in ("", [], {})


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
