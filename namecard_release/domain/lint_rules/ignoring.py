"""The ignore markers of a file: what each silences, and those that name no rule. What breaks a rule is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from namecard_release.domain.lint_rules.rule import RULES, Hit, Rule
from namecard_release.domain.sql import Marker, SqlFile, Statement

_ADVICE = "squawk:"


def rule_of(name: str) -> Rule | None:
    """Find a rule by its name; advice of squawk has a rule of its own here only where its level is ours."""
    if name in RULES:
        return RULES[name]
    return Rule(name, False, "advice of squawk") if name.startswith(_ADVICE) else None


def silence(hits: Sequence[Hit], file: SqlFile) -> Iterator[Hit]:
    """Leave out what the file's markers silence, and tell the markers that name no rule.

    A marker counts for the statement that it stands on, or else the next one; a marker of the platform's own rules for
    the whole file, as the platform's lint reads it. Nothing silences a rule that is not ignorable.
    """
    if not file.markers:
        yield from hits
        return
    marked = [(marker.rule, _lines(marker, file.statements)) for marker in file.markers]
    for hit in hits:
        if not _is_silent(hit, marked):
            yield hit
    yield from filter(None, map(_unknown, file.markers))


def _is_silent(hit: Hit, marked: Sequence[tuple[str, range]]) -> bool:
    rule = rule_of(hit.rule)
    if rule is None or not rule.ignorable:
        return False
    return any(name == hit.rule and (rule.whole_file or hit.line in lines) for name, lines in marked)


def _lines(marker: Marker, statements: Sequence[Statement]) -> range:
    """Give the lines of the statement that a marker stands on, or else of the next one."""
    spans = [(s.line, s.line + s.text.count("\n") + 1) for s in statements]
    on = [span for span in spans if span[0] <= marker.line < span[1]]
    if on:
        return range(min(on)[0], max(end for _, end in on))
    return next((range(*span) for span in spans if span[0] > marker.line), range(0))


def _unknown(marker: Marker) -> Hit | None:
    if rule_of(marker.rule) is not None:
        return None
    close = get_close_matches(marker.rule, RULES, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return Hit("unknown-ignore", marker.line, f"lint-ignore:{marker.rule} names no rule and silences nothing{hint}")
